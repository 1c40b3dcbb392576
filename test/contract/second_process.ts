// node dist/test/contract/second_process.js <store> <folder> [text ...]: opens what another process keeps in a folder,
// adds the texts one by one, and prints the texts of all documents as one line of JSON.
import { Document } from "@langchain/core/documents";
import { WordEmbeddings } from "../support/langchain_embeddings.js";
import { subjectNamed } from "./subjects.js";

const [name = "", folder = "", ...texts] = process.argv.slice(2);
const subject = await subjectNamed(name);
const store = await subject.open!(new WordEmbeddings(), folder);
for (const pageContent of texts) await store.addDocuments([new Document({ pageContent })]);
await subject.keep?.(store, folder);
const found = await store.similaritySearch("hens", 100);
console.log(`\n${JSON.stringify(found.map(({ pageContent }) => pageContent).sort())}`);
await subject.close?.(store);
