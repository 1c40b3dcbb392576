// Small programs as users write them, one question to each entry of the package, and what is to be told when a part is
// not installed. Each ends with an error unless the answer is right.

/** By entry. */
export const questions = {
  core: `import assert from "node:assert";
import { VectorStore } from "embedless";
const store = await VectorStore.open("own.db");
await store.add([
  { id: "llama", text: "Llamas are kept in the high Andes for wool and as beasts of burden." },
  { id: "hen", text: "A hen lays about one egg a day in summer." },
  { id: "shark", text: "Sharks have swum in the oceans for over 400 million years." },
]);
const { hits, cost } = await store.search("Which animal carries loads in the mountains?", { k: 1 });
assert.equal(hits[0].id, "llama");
console.log(hits[0].score, cost.recomputed);
await store.close();
`,
  langchain: `import assert from "node:assert";
import { EmbedlessVectorStore, MiniLMEmbeddings } from "embedless/langchain";
const texts = ["A hen lays about one egg a day.", "Sharks have swum in the oceans for ages."];
const store = await EmbedlessVectorStore.fromTexts(texts, {}, new MiniLMEmbeddings());
const [found] = await store.asRetriever(1).invoke("Which fish is the oldest?");
assert.equal(found.pageContent, texts[1]);
console.log(found.pageContent);
await store.close();
`,
  llamaindex: `import assert from "node:assert";
import { Document, Settings, storageContextFromDefaults, VectorStoreIndex } from "llamaindex";
import { EmbedlessVectorStore, MiniLMEmbedding } from "embedless/llamaindex";
const texts = ["A hen lays about one egg a day.", "Sharks have swum in the oceans for ages."];
Settings.embedModel = new MiniLMEmbedding();
const vectorStore = new EmbedlessVectorStore();
const storageContext = await storageContextFromDefaults({ vectorStore });
const documents = texts.map((text) => new Document({ text }));
const index = await VectorStoreIndex.fromDocuments(documents, { storageContext });
const [found] = await index.asRetriever({ similarityTopK: 1 }).retrieve("Which fish is the oldest?");
assert.equal(found.node.text, texts[1]);
console.log(found.node.text);
await vectorStore.close();
`,
};

/** By require() and by import a program gets one copy of the core, which knows what is open in this process. */
export const oneCopy = `const { VectorStore } = require("embedless");
import("embedless").then((imported) => {
  if (imported.VectorStore !== VectorStore) throw new Error("two copies");
  console.log("one copy");
});
`;

/** With an embedder of one's own neither the model's runtime nor any framework is needed. */
export const ownEmbedder = `import assert from "node:assert";
import { VectorStore } from "embedless";
const vector = (text) => Array.from({ length: 8 }, (_, i) => 1 + (text.charCodeAt(i % text.length) % 7));
const embedder = {
  id: "mine",
  dims: 8,
  embedDocuments: async (texts) => texts.map(vector),
  embedQuery: async (text) => vector(text),
};
const store = await VectorStore.open("own.db", { embedder });
await store.add([{ id: "a", text: "one" }, { id: "b", text: "another" }]);
const { hits } = await store.search("another", { k: 1 });
assert.equal(hits[0].id, "b");
console.log(hits[0].id);
await store.close();
`;

/** What is missing, a program that needs it, and what its error must say. */
export const missing = [
  [
    "the runtime of local models",
    `import { VectorStore } from "embedless";
const store = await VectorStore.open("own.db");
await store.add([{ text: "one" }]);
`,
    /npm install --ignore-scripts onnxruntime-node/,
  ],
  [
    "transformers.js",
    `import { transformersEmbedder, VectorStore } from "embedless";
const store = await VectorStore.open("own.db", { embedder: transformersEmbedder({ model: "a/b" }) });
await store.add([{ text: "one" }]);
`,
    /npm install @huggingface\/transformers/,
  ],
  [
    "the parser of Markdown",
    `import { splitText } from "embedless";
await splitText("# Title", { kind: "markdown" });
`,
    /npm install markdown-it/,
  ],
  ["LangChain", `import "embedless/langchain";\n`, /'@langchain\/core' imported from .*embedless/],
  ["LlamaIndex", `import "embedless/llamaindex";\n`, /'llamaindex' imported from .*embedless/],
];

/** Uses of all entries whose types must hold. */
export const typedUses = `import { type Embedder, type Filter, type SearchResult, VectorStore } from "embedless";
import { Document } from "@langchain/core/documents";
import type { VectorStore as HostStore } from "@langchain/core/vectorstores";
import { EmbedlessRecordManager, EmbedlessVectorStore, MiniLMEmbeddings } from "embedless/langchain";
import { BaseVectorStore } from "llamaindex";
import { EmbedlessVectorStore as LlamaStore, MiniLMEmbedding } from "embedless/llamaindex";

declare const embedder: Embedder;
const filter: Filter = { year: { $gte: 2020 }, $or: [{ topic: "travel" }, { "author.name": { $in: ["Ann"] } }] };
export async function core(signal: AbortSignal): Promise<SearchResult> {
  const store = await VectorStore.open("a.db", { embedder, codes: { bytes: 48 } });
  await store.add([{ text: "one", metadata: { year: 2024 } }], { signal });
  return await store.search(new Float32Array(8), { k: 3, filter, recompute: { max: 10 }, signal });
}
interface Meta extends Record<string, unknown> {
  year: number;
}
export async function langchain(): Promise<number[]> {
  const store = new EmbedlessVectorStore<Meta>(new MiniLMEmbeddings(), { path: "a.db" });
  const host: HostStore = store;
  await host.addDocuments([new Document({ pageContent: "one", metadata: { year: 2024 } })]);
  await new EmbedlessRecordManager(store).createSchema();
  await store.asRetriever({ searchType: "hybrid", k: 3, filter: ({ metadata }) => metadata.year > 2020 }).invoke("one");
  const found = await store.similaritySearch("one", 3, filter);
  return found.map(({ metadata }) => metadata.year);
}
export function llamaindex(): BaseVectorStore {
  return new LlamaStore({ embedModel: new MiniLMEmbedding(), path: "a.db" });
}
`;
