/** LangChain.js: a vector store, the bundled model as `Embeddings`, and the bridges between both kinds of embedder. */
export type { DocumentFilter } from "./documents.js";
export { EmbedlessEmbeddings, MiniLMEmbeddings, toEmbedder } from "./embeddings.js";
export { EmbedlessRecordManager } from "./record_manager.js";
export { EmbedlessTranslator } from "./translator.js";
export {
  type AddDocumentsOptions,
  type DeleteOptions,
  type EmbedlessConfig,
  EmbedlessVectorStore,
} from "./vector_store.js";
