/** A process that adds passages to a store and ends: `node model_writer.js <file> <{ dims, options, items } as JSON>`. */
import { type AddItem, type OpenOptions, VectorStore } from "../../src/index.js";
import { directions, tableEmbedder } from "./table_embedder.js";

const [file, given] = process.argv.slice(2);
const { dims, options, items } = JSON.parse(given!) as { dims: number; options: OpenOptions; items: AddItem[] };
const store = await VectorStore.open(file!, { ...options, embedder: tableEmbedder(dims, directions(dims)) });
await store.add(items);
await store.close();
