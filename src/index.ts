/**
 * embedless: the vector store that keeps no vectors. Start with `VectorStore.open`.
 */

export type { Codes, Metric, VectorKeeping } from "./api/codes.js";
export type {
  Embedder,
  EmbedderSource,
  EmbedOptions,
  ModelSettings,
  Pooling,
  ShippedCodebook,
} from "./api/embedder.js";
export type { HnswSettings, IndexChoice, VamanaSettings, WalkOptions } from "./api/graph.js";
export type { OpenOptions } from "./api/open.js";
export type {
  AddItem,
  AddOptions,
  AddProgress,
  AddResult,
  Filter,
  FilterCondition,
  FilterValue,
  Metadata,
  Passage,
  PassageTest,
} from "./api/passage.js";
export type { Hit, HitExplanation, SearchCost, SearchOptions, SearchResult } from "./api/search.js";
export type {
  MachineSpeed,
  PlannedStore,
  PlanOptions,
  QueryCost,
  Stats,
  StatsOptions,
  StorePlan,
} from "./api/stats.js";
export type { ListOptions, RecordRange, Records, Store } from "./api/store.js";
export type {
  BackupOptions,
  CompactOptions,
  CompactProgress,
  CompactResult,
  RepairOptions,
  RepairResult,
  VerifyReport,
} from "./api/upkeep.js";
export { EmbedlessError, ERROR_CODES, type ErrorCode } from "./base/errors.js";
export { type Piece, type SplitOptions, splitText } from "./chunk/split.js";
export { type HttpOptions, httpEmbedder } from "./embed/http.js";
export { minilm } from "./embed/minilm/minilm.js";
export { type OnnxOptions, onnxEmbedder } from "./embed/onnx.js";
export { embedderFromSource } from "./embed/source.js";
export { type TransformersOptions, transformersEmbedder } from "./embed/transformers.js";
export { matchesFilter } from "./filter/match.js";
export { VectorStore } from "./store/vector_store.js";
