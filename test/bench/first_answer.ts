/** The program of a child process that opens a store, asks one question, prints the first hit's id and ends. */
import { VectorStore } from "../../src/index.js";

const [file, question] = process.argv.slice(2);
const store = await VectorStore.open(file!, { create: false });
const { hits } = await store.search(question!);
process.stdout.write(`${hits[0]?.id}\n`);
await store.close();
