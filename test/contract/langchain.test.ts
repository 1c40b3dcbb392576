import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EmbedlessVectorStore, toEmbedder } from "../../integrations/langchain/index.js";
import { VectorStore } from "../../src/index.js";
import { vectorStoreContract } from "./langchain_suite.js";

/** What to undo after each test, last first. */
const undo: (() => Promise<void>)[] = [];

async function cleanUp(): Promise<void> {
  for (const step of undo.splice(0).reverse()) await step();
}

async function newFile(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "embedless-contract-"));
  undo.push(() => rm(folder, { recursive: true }));
  return join(folder, "store.db");
}

function closedLater<T extends { close(): Promise<void> }>(store: T): T {
  undo.push(() => store.close());
  return store;
}

vectorStoreContract("EmbedlessVectorStore over a file", {
  make: async (embeddings) => closedLater(new EmbedlessVectorStore(embeddings, { path: await newFile() })),
  reopen: async (store, embeddings) => {
    const { path } = await store.store();
    await store.close();
    return closedLater(await EmbedlessVectorStore.fromExistingIndex(embeddings, path));
  },
  cleanUp,
});

vectorStoreContract("EmbedlessVectorStore over a core store", {
  make: async (embeddings) => {
    const core = closedLater(await VectorStore.open(await newFile(), { embedder: toEmbedder(embeddings) }));
    return closedLater(new EmbedlessVectorStore(embeddings, { store: core }));
  },
  reopen: async (store, embeddings) => {
    const core = await store.store();
    await store.close();
    await core.close();
    const again = closedLater(await VectorStore.open(core.path, { embedder: toEmbedder(embeddings), create: false }));
    return closedLater(new EmbedlessVectorStore(embeddings, { store: again }));
  },
  cleanUp,
});
