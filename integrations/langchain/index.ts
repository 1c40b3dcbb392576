/** LangChain.js: a vector store, the bundled model as `Embeddings`, and the bridges between both kinds of embedder. */
export { EmbedlessEmbeddings, MiniLMEmbeddings, toEmbedder } from "./embeddings.js";
export {
  type AddDocumentsOptions,
  type DeleteOptions,
  type EmbedlessConfig,
  EmbedlessVectorStore,
} from "./vector_store.js";
