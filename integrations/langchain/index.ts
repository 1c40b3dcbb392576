/**
 * LangChain.js: a vector store, the bundled model as `Embeddings`, and conversions between the two kinds of embedder.
 */
export type { StoreLocation } from "../lazy_store.js";
export type { SearchDials } from "../search_dials.js";
export type {
  AddDocumentsOptions,
  DeleteOptions,
  EmbedlessConfig,
  SearchCallOptions,
} from "./config.js";
export type { DocumentFilter } from "./documents.js";
export { EmbedlessEmbeddings, MiniLMEmbeddings, toEmbedder } from "./embeddings.js";
export { EmbedlessRecordManager, InMemoryRecordManager } from "./record_manager.js";
export { EmbedlessRetriever, type EmbedlessRetrieverFields, type SearchType } from "./retriever.js";
export { EmbedlessTranslator } from "./translator.js";
export { EmbedlessVectorStore } from "./vector_store.js";
