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
   * `undefined`: texts are embedded in batches. Otherwise texts are embedded one at a time, which takes longer, because
   * a text's vector depends on its batch. The number is the lowest cosine between a vector made alone and in a batch,
   * measured when the store was created.
   */
  batchCosine: number | undefined;
  /**
   * Number of stored test texts by which the store recognises its embedder, at most 8. 0 in a store with passages means
   * that the embedder cannot embed them.
   */
  canaries: number;
  /**
   * `shipped`: the model's own codebook; `own`: trained on this store; `pending`: not yet trained; `none`: empty store,
   * or no codes.
   */
  codebook: "shipped" | "own" | "pending" | "none";
  /** Passages that wait for a codebook, or for the graph with codes `"none"`. Deleted ones count until `compact`. */
  pending: number;
  /** The form in which vectors of waiting passages are stored; `undefined` if none wait. */
  pendingForm: "int8" | "float16" | undefined;
  /** Bytes of the vectors of waiting passages. */
  pendingBytes: number;
  /**
   * Number of waiting passages at which the next `add` or `compact` trains the codebook: 1,024, or 4,096 for LeanVec;
   * `undefined` if none wait for one. While an `add` has more passages to come, it waits for 4,096.
   */
  trainsAt: number | undefined;
  /** Code bytes per passage, factors included. 0 while no codebook is trained. */
  codeBytesPerPassage: number;
  /** Bytes of all texts in UTF-8. */
  rawBytes: number;
  /** Bytes of all texts as stored (packed). */
  textBytes: number;
  /** Bytes of codes and live bits on disk. */
  codeBytes: number;
  /** Bytes of the file and its write-ahead log. */
  fileBytes: number;
  /** Bytes that float32 vectors would take. */
  vectorBytes: number;
  /** Bytes of kept vectors; 0 with `vectors: "recompute"`. */
  keptBytes: number;
  /** Bytes of the table of words; 0 if there is none. */
  keywordBytes: number;
  /** How codes are searched. */
  index: IndexChoice;
  /**
   * Passages that the graph links, deleted ones included; 0 without a graph. The others are scanned until the next
   * `compact`.
   */
  linked: number;
  /** Bytes of the graph on disk. */
  graphBytes: number;
  /** What a question costs on average; `undefined` for an empty store or with codes `"none"`. */
  query: QueryCost | undefined;
}

/** Options of `VectorStore.stats`. */
export interface StatsOptions {
  /**
   * Whether to run the embedder and the scan for a second or two to predict milliseconds. This loads the model. Default
   * `false`: only recomputes are predicted.
   */
  measure?: boolean;
  /** Recall of the predicted questions. Default 0.95. */
  recall?: number;
  /** Number of hits of the predicted questions. Default 10. */
  k?: number;
  signal?: AbortSignal;
}

/** What a question is predicted to cost. */
export interface QueryCost {
  recall: number;
  k: number;
  /** Mean number of exact scores if nothing is cached. Each is a run of the model, unless the store keeps vectors. */
  recomputes: number;
  /** Mean milliseconds on this machine; `undefined` if they were not measured. */
  ms: number | undefined;
  /** The measured speeds from which `ms` is computed. */
  speed: MachineSpeed | undefined;
}

/** Options of `VectorStore.plan`. */
export interface PlanOptions {
  /** Number of passages that the store will hold. */
  passages: number;
  /** Most bytes per passage for code and kept vector. The packed text is not included. Give this or `totalBytes`. */
  bytesPerPassage?: number;
  /** Most bytes for all codes and kept vectors together. Give this or `bytesPerPassage`. */
  totalBytes?: number;
  /** As in `SearchOptions`. Default 0.95. */
  recall?: number;
  /** As in `SearchOptions`. Default 10. */
  k?: number;
  /** The model of the planned store. Default: the bundled one. */
  embedder?: Embedder;
  signal?: AbortSignal;
}

/** Result of `VectorStore.plan`. */
export interface StorePlan {
  recall: number;
  k: number;
  /** The choice with the fastest queries within the budget. Pass its `codes` and `vectors` to `VectorStore.open`. */
  best: PlannedStore;
  /** All choices, smallest first. */
  choices: PlannedStore[];
  /** The measured speeds from which the milliseconds are computed. */
  speed: MachineSpeed;
}

/** One choice of codes and kept vectors, with its bytes and its milliseconds. */
export interface PlannedStore {
  codes: Exclude<Codes, "none">;
  vectors: VectorKeeping;
  /**
   * Bytes of code and kept vector with the metric cosine; ip and l2 take two more. A codebook that has to be trained is
   * not included.
   */
  bytesPerPassage: number;
  totalBytes: number;
  /** Whether it fits the budget. */
  fits: boolean;
  /** Mean number of exact scores per query. Each is a run of the model, unless the store keeps vectors. */
  recomputes: number;
  /** Mean milliseconds per query on this machine if nothing is cached. */
  queryMs: number;
}

/** The speeds that determine how long a search takes, measured on this machine just before. */
export interface MachineSpeed {
  /** Milliseconds to embed a question. */
  questionMs: number;
  /** Milliseconds by which one passage of 750 characters delays the answer while the embedder is fully busy. */
  passageMs: number;
  /** Nanoseconds to scan one byte of product-quantised code, with all cores. */
  scanNsPerByte: number;
  /** Nanoseconds to scan one dimension of LVQ codes. */
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

/** Options of `VectorStore.plan` with their defaults filled in, and the budget as bytes per passage. */
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
