import type { Codes, Metric, VectorKeeping } from "./code_types.js";
import type { Embedder } from "./embedder.js";
import type { IndexChoice, WalkOptions } from "./graph_types.js";

export type * from "./code_types.js";
export type * from "./graph_types.js";
export type * from "./stats_types.js";

/** JSON that travels with a passage. Keys such as `__proto__` are plain data. */
export type Metadata = Record<string, unknown>;

/** A passage to add. */
export interface AddItem {
  /** The caller's name of the passage. Same id again: the passage is replaced. Left out: a short random one is made. */
  id?: string;
  /** The text that is embedded, stored and returned, byte for byte after `toWellFormed()`. */
  text: string;
  metadata?: Metadata;
  /**
   * The vector of `text`, if the caller has it already. Saves embedding it. A store that recomputes embeds a sample of each
   * batch again and refuses vectors that the text does not give; one that embeds texts one at a time embeds all of them. A
   * store that keeps vectors takes any.
   */
  vector?: ArrayLike<number>;
}

/** A stored passage. */
export interface Passage {
  id: string;
  text: string;
  metadata: Metadata;
}

/** Options of `VectorStore.open`. */
export interface OpenOptions {
  /** What embeds passages and questions. Left out: the embedder that made the store, or the bundled model for a new one. */
  embedder?: Embedder;
  /**
   * Without `embedder`: contact the address that the store's file names, a server (`httpEmbedder`) or a hub of its own
   * (`transformersEmbedder({ host })`). It is sent questions and passages, and never a key. Servers of this machine
   * (`localhost`, 127.0.0.0/8, `::1`) and the default hub need no such confirmation. Default `false`: then the first
   * operation that embeds fails with `MODEL_MISMATCH`, because anybody can write any address into a file.
   */
  trustStoredAddress?: boolean;
  /**
   * Start the model while the store opens, for a process that asks at once: the first answer comes up to half a second
   * sooner. Default `false`: a process that only reads or lists loads no model.
   */
  preload?: boolean;
  /** Make the file when it is missing. Default `true`. */
  create?: boolean;
  /** Open for reading only; implied for a file that cannot be written. Default `false`. */
  readOnly?: boolean;
  /** Fixed when the store is made. Default `"cosine"`. */
  metric?: Metric;
  /** Fixed when the store is made. Default `{ bytes: 48 }`. */
  codes?: Codes;
  /** Fixed when the store is made. Default `"recompute"`. */
  vectors?: VectorKeeping;
  /** Fixed when the store is made. Default `"flat"`, with `codes: "none"` `"vamana"`. */
  index?: IndexChoice;
  /** Where kept vectors are read from: `"file"` at every search, or held in `"memory"`. Default `"file"`. */
  vectorsIn?: "file" | "memory";
  /** Questions like those to come, texts or vectors: needed once, when a new store's `leanvec` codes train with `"ood"`. */
  sampleQueries?: readonly (string | ArrayLike<number>)[];
  /**
   * Metadata paths that get an index of their own, so that filters for values or ranges there need not read every
   * passage: `["source", "author.name"]`, 32 at most. The store remembers them; paths named later are indexed when it is
   * opened, which takes seconds a million passages. A store that is open for reading only makes none.
   */
  filterable?: readonly string[];
  /**
   * `true` makes a table of the words of all passages, for the modes `"keyword"` and `"hybrid"`: 90 to 140 bytes a passage
   * of 750, 87 to 120 once `compact` merged it, and a minute a million passages when a store that has some gets it. The
   * store remembers it. Default `false`.
   */
  keywords?: boolean;
  /**
   * `"live"` lets the errors seen by the first round of each query widen or narrow those taken for granted, 0.5 to 2 times:
   * answers then depend on the queries before. Default `"fixed"`.
   */
  calibration?: "fixed" | "live";
  /** `"full"`: what was acknowledged survives a power cut; `"normal"`: a crash of the process, not always a power cut. Default `"full"`. */
  durability?: "full" | "normal";
  /** How long a write waits for another writer before `LOCKED`. Default 5,000 ms. */
  lockTimeoutMs?: number;
  /** Memory for exact vectors kept from earlier searches. 16 MB hold about 10,000 vectors of 384 dims. Default 16 MB. */
  cacheBytes?: number;
  /** How long one call of the embedder may take before `EMBEDDER_TIMEOUT`. Default 120,000 ms. */
  embedTimeoutMs?: number;
  /** Lowest cosine between a canary's stored and fresh vector before `MODEL_MISMATCH`. Default 0.999. */
  minCanaryCosine?: number;
}

/** Options of `add`. */
export interface AddOptions {
  /**
   * What happens with an item whose text is empty or white space alone: `"refuse"` fails with `INVALID_TEXT`, `"skip"` passes
   * over it and counts it as `skipped`. A passage that its id has already stays as it is. Default `"refuse"`.
   */
  blank?: "refuse" | "skip";
  signal?: AbortSignal;
  onProgress?: (progress: AddProgress) => void;
}

/** How far an `add` has come; handed to `onProgress` as it goes. */
export interface AddProgress {
  /** Passages embedded (or found unchanged) so far. */
  done: number;
  /** Passages in all; `undefined` while an iterable is still being read. */
  total: number | undefined;
  /** Passages that are safe on disk whatever happens next. For an array 0 until all are. */
  committed: number;
}

/** Options of `backup`. */
export interface BackupOptions {
  /** Replace a file that is there. Default `false`: then `IO`. */
  overwrite?: boolean;
  signal?: AbortSignal;
  /** Bytes copied, of how many. */
  onProgress?: (progress: { done: number; total: number }) => void;
}

/**
 * Options of `VectorStore.repair`: how to stop and watch it, and those of `open`, for what the store itself can no longer
 * say of its embedder, codes and so on.
 */
export interface RepairOptions extends Omit<OpenOptions, "create" | "readOnly"> {
  signal?: AbortSignal;
  /** Nodes looked at, of how many; those of deleted passages count. */
  onProgress?: (progress: { done: number; total: number }) => void;
}

/** What a repair found and did. */
export interface RepairResult {
  /** What was wrong, as `verify` says it. Empty: nothing was, and nothing was done. */
  problems: string[];
  /** Passages that the store has now. */
  passages: number;
  /** Ids of passages that could not be read any more; where not even the id could, such as `node 17`. */
  lost: string[];
  /** Where the damaged file is now; `undefined` if there was no damage. */
  damaged: string | undefined;
}

/** What an `add` did. */
export interface AddResult {
  /**
   * Of an array the ids in the order of its items, without those that were skipped; of an iterable none: it may be longer
   * than memory is large.
   */
  ids: string[];
  added: number;
  updated: number;
  unchanged: number;
  /** Items without a text that were passed over; 0 unless `blank` is `"skip"`. */
  skipped: number;
  /** Of an array the places of these items, counted from 0; of an iterable none. */
  skippedAt: number[];
  /** Passages longer than the embedder's window: their end can never be found. */
  truncated: number;
}

/** Options of `search`. */
export interface SearchOptions {
  /**
   * Hits wanted, any number from 1 to 2,147,483,647; a smaller store answers with all it has. Default 10. Each hit of a store
   * that keeps no vectors is embedded: `passages()` lists a whole store sooner.
   */
  k?: number;
  /**
   * - `"vector"` (default): nearest by embedding; scores are of the store's metric.
   * - `"keyword"`: by the words shared with the question, rare ones first; scores are BM25, and nothing is embedded.
   * - `"hybrid"`: both lists fused by rank; scores are 1 / (60 + rank), summed over the lists. Names, numbers and codes that
   *   a model blurs are found by their words, what is said in other words by its meaning.
   *
   * The latter two take a question in words, and a store with `keywords`.
   */
  mode?: "vector" | "keyword" | "hybrid";
  /** Mean share of the true top k to find, 0.5 to 0.999. Higher embeds more passages. Default 0.95. */
  recall?: number;
  /**
   * Limits of recomputing: `max` passages, and `deadlineMs` from the start of the search; what they cut off is answered by
   * estimates. Walks `"exact"` and `"two-level"` have no estimates to fall back on: with `max` below `k` they answer fewer
   * hits, and refuse `0`. `0`: answer from the codes' estimates alone. Default: a limit by `recall` and `k`, no deadline.
   */
  recompute?: 0 | { max?: number; deadlineMs?: number };
  /**
   * `"approx"` takes candidates that belong to the answer beyond doubt without embedding them: cheaper, but their score is
   * the code's estimate. Default `"exact"`.
   */
  scores?: "exact" | "approx";
  /** Only passages whose metadata match, or that a function lets through. Left out: all. */
  filter?: Filter | PassageTest;
  /** How the store's graph is walked over; `"scan"` leaves it aside. Default: guided where that is faster than a scan. */
  walk?: "scan" | WalkOptions;
  signal?: AbortSignal;
  /** Say of each hit how it was found, and of the query where the time went. */
  explain?: boolean;
  /** Return each hit's vector, and the question's. */
  includeVectors?: boolean;
}

/**
 * What the value at a path must be: one value to be equal to, or operators that must all hold. `$in` and `$nin` take at
 * least one value.
 */
export type FilterCondition =
  | FilterValue
  | {
      $eq?: FilterValue;
      $ne?: FilterValue;
      $gt?: string | number;
      $gte?: string | number;
      $lt?: string | number;
      $lte?: string | number;
      $in?: readonly FilterValue[];
      $nin?: readonly FilterValue[];
      $exists?: boolean;
    };

/** What a metadata value is compared with. Numbers must be finite. */
export type FilterValue = string | number | boolean | null;

/**
 * Which passages to consider: `{ "author.name": "Ann", year: { $gte: 2020 } }`. Keys are metadata paths, and all must
 * hold; `$and`, `$or` and `$not` combine whole filters. `{}` is every passage.
 *
 * - Paths: dots lead into objects, not into arrays. A dot that belongs to a key has a backslash before it (`"a\\.b"` as a
 *   literal names the key `a.b`), and so have a backslash in front of a dot and the `$` that a key begins with. Keys with
 *   NUL characters cannot be named.
 * - Types are never converted: `1`, `"1"` and `true` differ. Ranges compare numbers with numbers, and strings with strings
 *   by code points.
 * - Arrays: a condition holds if it holds for any element (each operator may find another one), so `tags: "new"` asks
 *   whether the tag is among them, and `tags: { $ne: "new" }` whether it is not. Elements that are arrays, and objects,
 *   equal nothing.
 * - Missing: `null` stands for missing or null; `$ne` and `$nin` are the opposite of `$eq` and `$in`, so they hold for a
 *   path that is missing. `$exists` asks for the path alone, null included.
 *
 * At most 1,000 conditions, 10,000 values and 32 levels. Anything else than said here is `INVALID_FILTER`.
 */
export interface Filter {
  [path: string]: FilterCondition | Filter | readonly Filter[] | undefined;
  $and?: readonly Filter[];
  $or?: readonly Filter[];
  $not?: Filter;
}

/**
 * A filter as a function over whole passages: anything but a falsy answer lets one through. It is asked about every
 * passage of the store, which means unpacking all texts: 1 to 2 seconds for 50,000. A `Filter` takes milliseconds.
 */
export type PassageTest = (passage: Passage) => boolean;

/** A passage that was found. */
export interface Hit extends Passage {
  /** Cosine, inner product or minus squared distance of question and passage, or as `mode` says; higher is better. */
  score: number;
  /** Only with `includeVectors`: the exact vector, or of a hit that was not recomputed what its code tells of it. */
  vector?: Float32Array;
  /** Only with `explain`. */
  explain?: HitExplanation;
}

/** How a hit's score came about. */
export interface HitExplanation {
  /** What the code alone said of the score; `undefined`, as all of this, for a hit that was found by its words alone. */
  estimate: number | undefined;
  /** The estimate's standard error as the code knows it. */
  sigma: number | undefined;
  /** How likely the hit is one of the k nearest after all, by what the search knew at its end, 0 to 1. */
  chance: number | undefined;
  /** The score by the vector itself; `undefined` where the estimate stands. */
  exact: number | undefined;
  /**
   * Where the vector of `exact` came from; `"none"` if there was none. `"kept"`: from the file, in the form that the file
   * keeps, so that all forms but `float32` round it. (A store with codes `"none"` keeps `float16` until `compact`.)
   */
  source: "cache" | "recompute" | "kept" | "none";
  /** BM25 of the words shared with the question; `undefined` by mode `"vector"`, or where they share none. */
  keyword: number | undefined;
}

/** What a search cost. */
export interface SearchCost {
  /** Passages that were scored exactly, wherever their vectors came from. */
  recomputed: number;
  /** Passages that this search embedded again. What another search was embedding at the same time counts there. */
  embedded: number;
  /** Passages whose vectors came from memory: an earlier search embedded them. */
  cached: number;
  /** Passages whose vectors the store keeps. */
  kept: number;
  /** Codes looked at. */
  scanned: number;
  /** Candidates of the scan that were left without embedding them: too unlikely to be among the nearest. */
  dismissed: number;
  /** Milliseconds in all and by part. */
  totalMs: number;
  queryMs: number;
  scanMs: number;
  readMs: number;
  recomputeMs: number;
  /** Finding words; goes on beside the other parts. */
  keywordMs: number;
}

/** The answer of a search: hits best first, and what it took to find them. */
export interface SearchResult {
  hits: Hit[];
  /**
   * Share of the true `k` nearest that `hits` hold, in the mean over queries like this one; after a walk over a graph times
   * the share that such walks meet. Blind for words; `undefined` where nothing tells it: by mode `"keyword"`, by walks
   * `"exact"` and `"two-level"`, and where codes are too far from the exact scores to say anything of other passages.
   */
  expectedRecall: number | undefined;
  /** The question's vector; only with `includeVectors`, and not by mode `"keyword"`. */
  vector?: Float32Array;
  cost: SearchCost;
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
