/** What users hear of a store as a whole: sizes, plans, what `verify` found. */

import type { Codes, Metric, VectorKeeping } from "./code_types.js";
import type { IndexChoice } from "./graph_types.js";

/** Sizes and settings of a store. All sizes are in bytes. */
export interface Stats {
  path: string;
  passages: number;
  dims: number | undefined;
  metric: Metric;
  codes: Codes;
  vectors: VectorKeeping;
  embedder: string | undefined;
  /**
   * `undefined`: texts are embedded in batches. Else they are embedded one at a time, which takes longer, because a text's
   * vector depends on its batch: the lowest cosine of vectors alone and in a batch when the store was made.
   */
  batchCosine: number | undefined;
  /** Texts by which the store knows its embedder again, at most 8. 0 once there are passages: the embedder cannot embed them. */
  canaries: number;
  /** `shipped`: the model's own codebook; `own`: trained on this store; `pending`: not yet trained; `none`: empty store, or no codes. */
  codebook: "shipped" | "own" | "pending" | "none";
  /** Passages waiting for a codebook, or without codes for the graph; deleted ones count until `compact`. */
  pending: number;
  /** How vectors of waiting passages are stored; `undefined` if none wait. */
  pendingForm: "int8" | "float16" | undefined;
  /** Bytes of the vectors of waiting passages. */
  pendingBytes: number;
  /**
   * How many waiting passages train the codebook with the next `add` or `compact`: 1,024, or 4,096 for LeanVec; `undefined`
   * if none wait for one. While one `add` still has passages coming it waits for 4,096.
   */
  trainsAt: number | undefined;
  /** Code bytes a passage, factors included; 0 while pending. */
  codeBytesPerPassage: number;
  /** UTF-8 bytes of all texts. */
  rawBytes: number;
  /** Stored bytes of all texts. */
  textBytes: number;
  /** Bytes of codes and live bits on disk. */
  codeBytes: number;
  /** The file with its write-ahead log. */
  fileBytes: number;
  /** What float32 vectors would take. */
  vectorBytes: number;
  /** Bytes of kept vectors; 0 with `vectors: "recompute"`. */
  keptBytes: number;
  /** Bytes of the table of words; 0 without one. */
  keywordBytes: number;
  /** How passages are found. */
  index: IndexChoice;
  /** Passages that the graph links, deleted ones included; 0 without one. The others are scanned until the next `compact`. */
  linked: number;
  /** Bytes of the graph on disk. */
  graphBytes: number;
  /** What a question costs in the mean; `undefined` for an empty store, or without codes. */
  query: QueryCost | undefined;
}

/** Options of `VectorStore.stats`. */
export interface StatsOptions {
  /**
   * Run the embedder and the scan for a second or two to foretell milliseconds. Loads the model. Default `false`: only
   * recomputes are foretold.
   */
  measure?: boolean;
  /** Recall of the questions that are foretold. Default 0.95. */
  recall?: number;
  /** Hits of the questions that are foretold. Default 10. */
  k?: number;
  signal?: AbortSignal;
}

/** What a question is foretold to cost. */
export interface QueryCost {
  recall: number;
  k: number;
  /** Exact scores in the mean, nothing cached. Each is a run of the model, unless vectors are kept. */
  recomputes: number;
  /** Milliseconds in the mean on this machine; `undefined` if it was not measured. */
  ms: number | undefined;
  /** What the milliseconds were made of. */
  speed: MachineSpeed | undefined;
}

/** What `VectorStore.plan` answers. */
export interface StorePlan {
  recall: number;
  k: number;
  /** The cheapest queries within the budget. Its `codes` and `vectors` are options of `VectorStore.open`. */
  best: PlannedStore;
  /** All that there is to choose from, smallest first. */
  choices: PlannedStore[];
  /** What the milliseconds were made of. */
  speed: MachineSpeed;
}

/** One way to keep passages, with its price in bytes and its price in time. */
export interface PlannedStore {
  codes: Exclude<Codes, "none">;
  vectors: VectorKeeping;
  /** Bytes of code and kept vector under cosine; ip and l2 take two more. A codebook that has to be trained is extra. */
  bytesPerPassage: number;
  totalBytes: number;
  /** Whether it keeps within the budget. */
  fits: boolean;
  /** Exact scores that a query needs in the mean. Each is a run of the model, unless vectors are kept. */
  recomputes: number;
  /** Milliseconds that a query will take in the mean on this machine, nothing cached. */
  queryMs: number;
}

/** What a search is made of, as measured on this machine a moment ago. */
export interface MachineSpeed {
  /** Embedding a question, in milliseconds. */
  questionMs: number;
  /** Embedding a passage of 750 characters while the embedder is fully busy: milliseconds by which each delays the answer. */
  passageMs: number;
  /** Scanning one byte of product-quantised code, in nanoseconds, by all cores. */
  scanNsPerByte: number;
  /** Scanning one dimension of LVQ codes, in nanoseconds. */
  rowNsPerDim: number;
}

/** What `verify` found. */
export interface VerifyReport {
  ok: boolean;
  passages: number;
  /** One sentence each; empty when all is sound. */
  problems: string[];
}
