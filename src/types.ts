import type { Embedder } from "./embed/embedder.js";

/** How two vectors are compared. `cosine` normalises both first. Scores are always "higher is better". */
export type Metric = "cosine" | "ip" | "l2";

/** JSON that travels with a passage. Keys such as `__proto__` are plain data. */
export type Metadata = Record<string, unknown>;

/** A passage to add. */
export interface AddItem {
  /** The caller's name of the passage. Same id again: the passage is replaced. Left out: a short random one is made. */
  id?: string;
  /** The text that is embedded, stored and returned, byte for byte after `toWellFormed()`. */
  text: string;
  metadata?: Metadata;
  /** The vector of `text`, if the caller has it already. Saves embedding it; a sample of each batch is checked. Not kept. */
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
  /** Make the file when it is missing. Default `true`. */
  create?: boolean;
  /** Open for reading only; implied for a file that cannot be written. Default `false`. */
  readOnly?: boolean;
  /** Fixed when the store is made. Default `"cosine"`. */
  metric?: Metric;
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

/** What an `add` did. */
export interface AddResult {
  /** Ids in the order of the items. */
  ids: string[];
  added: number;
  updated: number;
  unchanged: number;
  /** Passages longer than the embedder's window: their end can never be found. */
  truncated: number;
}

/** Options of `search`. */
export interface SearchOptions {
  /** Hits wanted. Default 10. */
  k?: number;
  /** Mean share of the true top k to find, 0.5 to 0.999. Higher embeds more passages. Default 0.95. */
  recall?: number;
  /** `{ max }`: most passages to embed, at least `k`; `0`: answer from the codes' estimates alone. Default by `recall` and `k`. */
  recompute?: 0 | { max: number };
  signal?: AbortSignal;
  /** Say of each hit how it was found, and of the query where the time went. */
  explain?: boolean;
  /** Return each hit's vector. */
  includeVectors?: boolean;
}

/** A passage that was found. */
export interface Hit extends Passage {
  /** Cosine, inner product or minus squared distance of question and passage; higher is better. */
  score: number;
  /** Only with `includeVectors`, and only for recomputed hits. */
  vector?: Float32Array;
  /** Only with `explain`. */
  explain?: HitExplanation;
}

/** How a hit's score came about. */
export interface HitExplanation {
  /** What the code alone said of the score. */
  estimate: number;
  /** The estimate's standard error as the code knows it. */
  sigma: number;
  /** Where the exact vector came from; `"none"` if it was not recomputed (`recompute: 0`). */
  source: "cache" | "recompute" | "none";
}

/** What a search cost. */
export interface SearchCost {
  /** Passages scored exactly. */
  recomputed: number;
  /** Those of them that had to be embedded; the others came from the cache or another search. */
  embedded: number;
  /** Codes looked at. */
  scanned: number;
  /** Candidates that the bound dismissed without embedding them. */
  dismissed: number;
  /** Milliseconds in all and by part. */
  totalMs: number;
  queryMs: number;
  scanMs: number;
  readMs: number;
  recomputeMs: number;
}

/** The answer of a search: hits best first, and what it took to find them. */
export interface SearchResult {
  hits: Hit[];
  cost: SearchCost;
}

/** Sizes and settings of a store. All sizes are in bytes. */
export interface Stats {
  path: string;
  passages: number;
  dims: number | undefined;
  metric: Metric;
  embedder: string | undefined;
  /** `shipped`: the model's own codebook; `own`: trained on this store; `pending`: not yet trained; `none`: empty store. */
  codebook: "shipped" | "own" | "pending" | "none";
  /** Passages waiting for a codebook. */
  pending: number;
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
}

/** What `verify` found. */
export interface VerifyReport {
  ok: boolean;
  passages: number;
  /** One sentence each; empty when all is sound. */
  problems: string[];
}
