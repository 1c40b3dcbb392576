import { boolean, checkKeys, checkSignal, numberWithin, wholeNumberWithin } from "../base/checks.js";
import type { Codes, Metric, VectorKeeping } from "./codes.js";
import type { Embedder } from "./embedder.js";
import type { IndexChoice } from "./graph.js";
import { checkEmbedder } from "./open.js";
import { questionGoal } from "./search.js";

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

/** What `VectorStore.plan` is asked. */
export interface PlanOptions {
  /** Passages that the store will hold. */
  passages: number;
  /** Most bytes a passage for code and kept vector; the packed text comes on top. Give this or `totalBytes`. */
  bytesPerPassage?: number;
  /** Most bytes for all codes and kept vectors together. */
  totalBytes?: number;
  /** As in `SearchOptions`. Default 0.95. */
  recall?: number;
  /** As in `SearchOptions`. Default 10. */
  k?: number;
  /** The model of the store to come. Default: the bundled one. */
  embedder?: Embedder;
  signal?: AbortSignal;
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

/** Options of `stats` with their defaults filled in. */
export function resolveStatsOptions(options: StatsOptions = {}) {
  checkKeys("stats", options, { measure: 1, recall: 1, k: 1, signal: 1 });
  return {
    measure: boolean("measure", options.measure, false),
    ...questionGoal(options),
    signal: checkSignal(options.signal),
  };
}

/** Options of `VectorStore.plan` with their defaults filled in, and the budget as bytes a passage. */
export function resolvePlanOptions(options: PlanOptions) {
  checkKeys("plan", options, {
    passages: 1,
    bytesPerPassage: 1,
    totalBytes: 1,
    recall: 1,
    k: 1,
    embedder: 1,
    signal: 1,
  });
  const { bytesPerPassage, totalBytes, embedder } = options;
  const passages = wholeNumberWithin("passages", options.passages, 1, 2 ** 32);
  if ((bytesPerPassage === undefined) === (totalBytes === undefined)) {
    const error = new TypeError(
      `Expected either bytesPerPassage or totalBytes for plan, but received ${bytesPerPassage === undefined ? "neither" : "both"}.`,
    );
    throw Object.assign(error, { code: "INVALID_ARGUMENT" as const });
  }
  if (embedder !== undefined) checkEmbedder(embedder);
  const budget =
    bytesPerPassage === undefined
      ? numberWithin("totalBytes", totalBytes, 1, Number.MAX_VALUE) / passages
      : numberWithin("bytesPerPassage", bytesPerPassage, 1, Number.MAX_VALUE);
  return { passages, budget, ...questionGoal(options), embedder, signal: checkSignal(options.signal) };
}
