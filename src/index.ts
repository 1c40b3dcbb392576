/**
 * embedless: the vector store that keeps no vectors. Start with `VectorStore.open`.
 */
export type {
  Embedder,
  EmbedderSource,
  EmbedOptions,
  ModelSettings,
  Pooling,
  ShippedCodebook,
} from "./embed/embedder.js";
export { type HttpOptions, httpEmbedder } from "./embed/http.js";
export { minilm } from "./embed/minilm/minilm.js";
export { type OnnxOptions, onnxEmbedder } from "./embed/onnx.js";
export { embedderFromSource } from "./embed/source.js";
export { type TransformersOptions, transformersEmbedder } from "./embed/transformers.js";
export { EmbedlessError, ERROR_CODES, type ErrorCode } from "./errors.js";
export { matchesFilter } from "./passage/filter_match.js";
export type { Records } from "./passage/records.js";
export { type Piece, type SplitOptions, splitText } from "./passage/split.js";
export type * from "./types.js";
export { VectorStore } from "./vector_store.js";
