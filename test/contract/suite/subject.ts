import { Document } from "@langchain/core/documents";
import type { EmbeddingsInterface } from "@langchain/core/embeddings";
import type { RecordManager } from "@langchain/core/indexing";
import type { VectorStore } from "@langchain/core/vectorstores";
import type { WordEmbeddings } from "../../support/langchain_embeddings.js";

/** A kind of vector store that the suite can make. */
export interface Subject<Store extends VectorStore = VectorStore> {
  readonly name: string;
  /** An empty store. If it keeps anything, then in `folder`, which is there and empty. */
  make(embeddings: EmbeddingsInterface, folder: string): Promise<Store>;
  /** Writes what is not written yet. Only for stores whose users have to. */
  keep?(store: Store, folder: string): Promise<void>;
  /** The store that is kept in `folder`. Left out: it keeps nothing. */
  open?(embeddings: EmbeddingsInterface, folder: string): Promise<Store>;
  close?(store: Store): Promise<void>;
  /** The record manager that comes with the store. */
  recordManager?(store: Store): RecordManager;
}

/** What a test works on: new for each. */
export interface Bench {
  embeddings: WordEmbeddings;
  /** The store of the test; `reopen` changes it. */
  store: VectorStore;
  readonly subject: Subject;
  readonly folder: string;
  /** An empty store with other embeddings. */
  another(embeddings: EmbeddingsInterface): Promise<VectorStore>;
  /** Closes the store and opens what it kept. */
  reopen(): Promise<void>;
}

export const llama = new Document({
  pageContent: "llamas live in the high andes",
  metadata: { animal: "llama", legs: 4 },
});
export const hen = new Document({ pageContent: "hens lay one egg a day", metadata: { animal: "hen", legs: 2 } });
export const shark = new Document({
  pageContent: "sharks swim in every ocean",
  metadata: { animal: "shark", legs: 0 },
});

/** More than any test adds. */
export const ALL = 100;

/** The texts of all documents of a store, sorted. */
export async function textsIn(store: VectorStore): Promise<string[]> {
  return (await store.similaritySearch("hens", ALL)).map(({ pageContent }) => pageContent).sort();
}

/** The ids of all documents of a store, sorted. */
export async function idsIn(store: VectorStore): Promise<(string | undefined)[]> {
  return (await store.similaritySearch("hens", ALL)).map(({ id }) => id).sort();
}
