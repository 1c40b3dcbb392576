import { MemoryVectorStore } from "@langchain/classic/vectorstores/memory";
import { Document } from "@langchain/core/documents";
import type { EmbeddingsInterface } from "@langchain/core/embeddings";
import { afterEach } from "vitest";
import { type EmbedlessConfig, EmbedlessVectorStore } from "../../integrations/langchain/index.js";
import { WordEmbeddings } from "./langchain_embeddings.js";
import { temporaryFile } from "./store.js";

const open: EmbedlessVectorStore[] = [];

// Runs before the one that removes the files: vitest takes the hooks of a test in reverse order.
afterEach(async () => {
  await Promise.all(open.splice(0).map((store) => store.close()));
});

/** Facts about animals with ids and metadata of several kinds. */
export function animals(): Document[] {
  return [
    animal("llama", "llamas live in the high andes and carry loads", { legs: 4, home: { continent: "America" } }),
    animal("alpaca", "alpacas live in the high andes and give wool", { legs: 4, home: { continent: "America" } }),
    animal("hen", "hens lay one egg a day", { legs: 2, home: { continent: "Europe" } }),
    animal("ostrich", "ostriches lay one huge egg and run fast", { legs: 2, home: { continent: "Africa" } }),
    animal("shark", "sharks swim in every ocean and hunt fish", { legs: 0 }),
    animal("owl", "owls hunt mice at night", { legs: 2, home: { continent: "Europe" } }),
  ];
}

function animal(id: string, pageContent: string, metadata: Record<string, unknown>): Document {
  return new Document({ id, pageContent, metadata: { animal: id, ...metadata } });
}

/** A store over a temporary file, closed after the test. */
export async function embedlessStore(
  embeddings: EmbeddingsInterface = new WordEmbeddings(),
  config: EmbedlessConfig = {},
): Promise<EmbedlessVectorStore> {
  const where = config.store || config.path ? config : { ...config, path: await temporaryFile() };
  return closedLater(new EmbedlessVectorStore(embeddings, where));
}

/** Closes a store and opens its file as a new process would, with fresh embeddings of the same model. */
export async function reopened(
  store: EmbedlessVectorStore,
  embeddings: EmbeddingsInterface = new WordEmbeddings(),
): Promise<EmbedlessVectorStore> {
  const { path } = await store.store();
  await store.close();
  return closedLater(await EmbedlessVectorStore.fromExistingIndex(embeddings, path));
}

/** The same documents in a store of ours and in LangChain's own, which says what users are used to. */
export async function oursAndMemory(documents: Document[] = animals()) {
  const ours = await embedlessStore();
  await ours.addDocuments(documents);
  const memory = await MemoryVectorStore.fromDocuments(documents, new WordEmbeddings());
  return { ours, memory };
}

/** The ids of documents, in order. */
export function idsOf(documents: readonly { id?: string | undefined }[]): (string | undefined)[] {
  return documents.map(({ id }) => id);
}

function closedLater(store: EmbedlessVectorStore): EmbedlessVectorStore {
  open.push(store);
  return store;
}
