import { boolean, checkKeys, checkSignal, numberWithin, oneOf, wholeNumberWithin } from "../base/checks.js";
import { outOfRange, show, wrongType } from "../base/errors.js";
import { checkWalk, type WalkOptions } from "./graph.js";
import type { Filter, Passage, PassageTest } from "./passage.js";

/** Options of `search`. */
export interface SearchOptions {
  /**
   * Number of hits, from 1 to 2,147,483,647. A smaller store answers with all its passages. In a store that keeps no
   * vectors, every hit is embedded, so a larger `k` takes more time; to read a whole store, `passages()` is faster.
   * Default 10.
   */
  k?: number;
  /**
   * - `"vector"` (default): finds passages by their vectors. Scores are of the store's metric.
   * - `"keyword"`: finds passages that share words with the question, rare words first. Scores are BM25. Nothing is
   *   embedded.
   * - `"hybrid"`: fuses both lists by rank. A score is the sum of 1 / (60 + rank) over the lists. Words find names,
   *   numbers and codes that a model blurs; vectors find what is said in other words.
   *
   * `"keyword"` and `"hybrid"` need a question in words and a store with `keywords`.
   */
  mode?: "vector" | "keyword" | "hybrid";
  /**
   * Expected share of the true top `k` that the hits hold, as a mean over questions, 0.5 to 0.999. A higher recall
   * embeds more passages and takes longer. Default 0.95.
   */
  recall?: number;
  /**
   * Limits of recomputing: `max` passages, and `deadlineMs` in milliseconds from the start of the search. Hits beyond a
   * limit get estimated scores. `0`: all scores are estimates from the codes. The walks `"exact"` and `"two-level"`
   * have no estimates: with `max` below `k` they answer fewer hits, and they refuse `0`. Default: a limit that follows
   * from `recall` and `k`, and no deadline.
   */
  recompute?: 0 | { max?: number; deadlineMs?: number };
  /**
   * `"approx"` does not embed candidates that certainly belong to the answer. This is faster, but their score is the
   * code's estimate. Default `"exact"`.
   */
  scores?: "exact" | "approx";
  /** Only passages whose metadata match, or for which a function answers true. Default: all passages. */
  filter?: Filter | PassageTest;
  /**
   * How the store's graph is walked. `"scan"` does not use the graph. Default: a guided walk if it is faster than a
   * scan.
   */
  walk?: "scan" | WalkOptions;
  signal?: AbortSignal;
  /** Whether to report how each hit was found. Default `false`. */
  explain?: boolean;
  /** Whether to return the vectors of the hits and of the question. Default `false`. */
  includeVectors?: boolean;
}

/** A passage that was found. */
export interface Hit extends Passage {
  /**
   * How well the passage matches; higher is better. By default the cosine, the inner product or the negative squared
   * distance of question and passage. For other modes see `SearchOptions.mode`.
   */
  score: number;
  /**
   * Only with `includeVectors`: the exact vector, or its approximation decoded from the code if the hit was not
   * recomputed.
   */
  vector?: Float32Array;
  /** Only with the option `explain`. */
  explain?: HitExplanation;
}

/** Where a hit's score comes from. */
export interface HitExplanation {
  /**
   * The score that the code alone estimates. A hit found only by its words has none, and the other fields are
   * `undefined` too.
   */
  estimate: number | undefined;
  /** The standard error of the estimate, according to the code. */
  sigma: number | undefined;
  /** The probability, from 0 to 1, that the hit is one of the `k` nearest, as the search knew it at its end. */
  chance: number | undefined;
  /** The score of the exact vector; `undefined` if the score is the estimate. */
  exact: number | undefined;
  /**
   * Where the vector of `exact` came from; `"none"` if there is no exact score. `"kept"`: from the file, in the form
   * that the file keeps; all forms except `float32` are rounded. (A store with codes `"none"` keeps `float16` until
   * `compact`.)
   */
  source: "cache" | "recompute" | "kept" | "none";
  /** BM25 of the words shared with the question; `undefined` for the mode `"vector"`, or if they share no words. */
  keyword: number | undefined;
}

/** What a search cost: numbers of passages, and milliseconds. */
export interface SearchCost {
  /** Passages that were scored exactly, with vectors from any source. */
  recomputed: number;
  /**
   * Passages that this search embedded again. A passage that another search was embedding at the same time is counted
   * there.
   */
  embedded: number;
  /** Passages whose vectors were in memory, because an earlier search embedded them. */
  cached: number;
  /** Passages whose vectors the store keeps. */
  kept: number;
  /** Codes whose scores were estimated. */
  scanned: number;
  /** Candidates of the scan that were not embedded, because they are too unlikely to be among the nearest. */
  dismissed: number;
  /** Milliseconds in total and for each part. */
  totalMs: number;
  queryMs: number;
  scanMs: number;
  readMs: number;
  recomputeMs: number;
  /** Milliseconds for finding words. This runs at the same time as the other parts. */
  keywordMs: number;
}

/** The answer of a search: its hits, best first, and its cost. */
export interface SearchResult {
  hits: Hit[];
  /**
   * The share of the true `k` nearest that `hits` is expected to hold, as a mean over similar queries. After a walk
   * over a graph it includes the share that such walks find. Words do not change it. `undefined` if it is unknown: for
   * the mode `"keyword"`, for the walks `"exact"` and `"two-level"`, and if the codes are too far from the exact scores
   * to say anything about other passages.
   */
  expectedRecall: number | undefined;
  /** The question's vector. Only with `includeVectors`, and not for the mode `"keyword"`. */
  vector?: Float32Array;
  cost: SearchCost;
}

/**
 * Most hits, and most recomputes, that a search may ask for: the largest number that the addon counts with. No store
 * holds as many passages.
 */
export const MOST_HITS = 2 ** 31 - 1;

/** Most hits for which a cost can be predicted. Larger numbers were not measured. */
const MOST_PLANNED_HITS = 10_000;

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
      `at least { max: 1 } with walk: { mode: ${show(walk.mode)} }, which has no estimates,`,
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

/** Checks how many hits are wanted, at most `most`, and with which recall. */
export function questionGoal({ k, recall }: { k?: number; recall?: number }, most = MOST_PLANNED_HITS) {
  return {
    k: wholeNumberWithin("k", k ?? 10, 1, most),
    recall: numberWithin("recall", recall ?? 0.95, 0.5, 0.999),
  };
}

/** Most recomputes of a search, and the milliseconds that it may take; `undefined` if the caller set no limit. */
function recomputeLimits(value: unknown): { maxRecomputes: number | undefined; deadlineMs: number | undefined } {
  if (value === undefined) return { maxRecomputes: undefined, deadlineMs: undefined };
  if (value === 0) return { maxRecomputes: 0, deadlineMs: undefined };
  const expected = "0 or { max, deadlineMs }";
  if (typeof value === "number") throw outOfRange("recompute", expected, value);
  if (typeof value !== "object" || value === null) throw wrongType("recompute", expected, value);
  checkKeys("recompute", value, { max: 1, deadlineMs: 1 });
  const { max, deadlineMs } = value as { max?: unknown; deadlineMs?: unknown };
  if (max === 0) {
    throw outOfRange(
      "recompute.max",
      `a whole number from 1 to ${MOST_HITS}, or recompute: 0 to use only estimates,`,
      0,
    );
  }
  return {
    maxRecomputes: max === undefined ? undefined : wholeNumberWithin("recompute.max", max, 1, MOST_HITS),
    deadlineMs: deadlineMs === undefined ? undefined : numberWithin("recompute.deadlineMs", deadlineMs, 0, 2 ** 31 - 1),
  };
}
