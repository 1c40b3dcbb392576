/**
 * LlamaIndex.TS: a vector store, the bundled model as `BaseEmbedding`, and conversions between the two kinds of
 * embedder.
 */
export type { StoreLocation } from "../lazy_store.js";
export type { SearchDials } from "../search_dials.js";
export { EmbedlessEmbedding, MiniLMEmbedding, toEmbedder } from "./embeddings.js";
export type { QueryEmbedding } from "./query.js";
export { type EmbedlessConfig, EmbedlessVectorStore } from "./vector_store.js";
