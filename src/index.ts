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
} from "./api/embedder.js";
export type * from "./api/types.js";
export { EmbedlessError, ERROR_CODES, type ErrorCode } from "./base/errors.js";
export { type Piece, type SplitOptions, splitText } from "./chunk/split.js";
export { type HttpOptions, httpEmbedder } from "./embed/http.js";
export { minilm } from "./embed/minilm/minilm.js";
export { type OnnxOptions, onnxEmbedder } from "./embed/onnx.js";
export { embedderFromSource } from "./embed/source.js";
export { type TransformersOptions, transformersEmbedder } from "./embed/transformers.js";
export { matchesFilter } from "./filter/match.js";
export type { Records } from "./passage/records.js";
export { VectorStore } from "./store/vector_store.js";
