import { boolean, checkKeys, checkSignal, numberWithin, oneOf, wholeNumberWithin } from "../base/checks.js";
import { outOfRange, show, wrongType } from "../base/errors.js";
import type { Filter, PassageTest } from "./filter.js";
import { checkWalk, type WalkOptions } from "./graph.js";
import type { Passage } from "./passage.js";

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

/** Most hits, and most recomputes, that a search may ask for: what the addon counts with. No store holds as many passages. */
export const MOST_HITS = 2 ** 31 - 1;

/** Most hits that a cost can be told for: those of more were not measured. */
const MOST_PLANNED_HITS = 10_000;

/** What `resolveSearchOptions` gives. */
export type SearchSettings = ReturnType<typeof resolveSearchOptions>;

/** Options of `search` with their defaults filled in. */
export function resolveSearchOptions(options: SearchOptions = {}) {
  checkKeys("search", options, {
    k: 1,
    mode: 1,
    recall: 1,
    recompute: 1,
    scores: 1,
    filter: 1,
    walk: 1,
    signal: 1,
    explain: 1,
    includeVectors: 1,
  });
  const limits = recomputeLimits(options.recompute);
  const walk = options.walk === undefined ? undefined : checkWalk(options.walk);
  if (limits.maxRecomputes === 0 && typeof walk === "object" && (walk.mode ?? "guided") !== "guided") {
    throw outOfRange(
      "recompute",
      `at least { max: 1 } with walk: { mode: ${show(walk.mode)} }, which embeds what it meets`,
      0,
    );
  }
  return {
    ...questionGoal(options, MOST_HITS),
    ...limits,
    mode: oneOf("mode", options.mode ?? "vector", ["vector", "keyword", "hybrid"] as const),
    scores: oneOf("scores", options.scores ?? "exact", ["exact", "approx"] as const),
    walk,
    signal: checkSignal(options.signal),
    explain: boolean("explain", options.explain, false),
    includeVectors: boolean("includeVectors", options.includeVectors, false),
  };
}

/** How many hits are wanted, `most` at most, and how many of the true ones. */
export function questionGoal({ k, recall }: { k?: number; recall?: number }, most = MOST_PLANNED_HITS) {
  return {
    k: wholeNumberWithin("k", k ?? 10, 1, most),
    recall: numberWithin("recall", recall ?? 0.95, 0.5, 0.999),
  };
}

/** Most recomputes of a search, and the milliseconds it may take; `undefined` where there is no limit of the caller's. */
function recomputeLimits(value: unknown): { maxRecomputes: number | undefined; deadlineMs: number | undefined } {
  if (value === undefined) return { maxRecomputes: undefined, deadlineMs: undefined };
  if (value === 0) return { maxRecomputes: 0, deadlineMs: undefined };
  const expected = "0 or { max, deadlineMs }";
  if (typeof value === "number") throw outOfRange("recompute", expected, value);
  if (typeof value !== "object" || value === null) throw wrongType("recompute", expected, value);
  checkKeys("recompute", value, { max: 1, deadlineMs: 1 });
  const { max, deadlineMs } = value as { max?: unknown; deadlineMs?: unknown };
  if (max === 0) {
    throw outOfRange("recompute.max", `a whole number from 1 to ${MOST_HITS}, or recompute: 0 for estimates alone`, 0);
  }
  return {
    maxRecomputes: max === undefined ? undefined : wholeNumberWithin("recompute.max", max, 1, MOST_HITS),
    deadlineMs: deadlineMs === undefined ? undefined : numberWithin("recompute.deadlineMs", deadlineMs, 0, 2 ** 31 - 1),
  };
}
