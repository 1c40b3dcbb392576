import type { NativeCoder, NativeResult } from "../native/surface.js";
import { type CodeTraits, calibrationOf, tableAbove, tableAt } from "./calibration.js";

/** How one search spends recomputes; see `NativeSearch`. */
export interface SearchPlan {
  /** Raw expected recall at which the search ends. */
  recall: number;
  /** A candidate that is so likely among the k nearest is recomputed whatever the answer's expected recall; 1: none is. */
  leastChance: number;
  /** Most passages recomputed. */
  cap: number;
  /** Candidates kept from the scan. */
  pool: number;
  /** `approx`: only candidates that estimates cannot tell from the rest are recomputed. */
  scores: "exact" | "approx";
}

/** What a plan depends on besides k and recall. */
export interface PlanSettings {
  /** The code to be searched. Default: 48 bytes. */
  code?: CodeTraits | undefined;
  /** Whether every hit needs its exact score. Default `exact`. */
  scores?: SearchPlan["scores"] | undefined;
  /** Overrides the cap. Below `k` the answer is filled up with estimates; 0: estimates alone. */
  maxRecomputes?: number | undefined;
}

/** Candidates kept from the scan at most, unless more may be recomputed. */
const LARGEST_POOL = 4096;

/**
 * Turns a recall target into a plan, by what was measured for the code.
 *
 * @param k Hits wanted.
 * @param recall Mean share of the true top k to find, 0.5 to 0.999.
 */
export function planSearch(k: number, recall: number, settings: PlanSettings = {}): SearchPlan {
  const { code, maxRecomputes } = settings;
  const measured = calibrationOf(code);
  const { scores } = cheapest(k, recall, settings);
  const cap = maxRecomputes ?? Math.max(4 * k, tableAbove(measured.cap, k, recall));
  const pool = Math.max(400, 2 * k, cap, Math.min(4 * cap, LARGEST_POOL));
  const leastChance = leastChanceOf(scores === "exact" ? measured.leastShare : undefined, recall);
  return { recall: tableAt(measured[scores].stop, k, recall), leastChance, cap, pool, scores };
}

/** `SearchPlan.leastChance` of a code whose searches have this `leastShare`. */
export function leastChanceOf(leastShare: number | undefined, recall: number): number {
  return leastShare === undefined ? 1 : Math.min(1, leastShare * (1 - recall));
}

/** Recomputes that a search costs in the mean over queries, nothing cached; those counted at 50,000 passages. */
export function expectedRecomputes(k: number, recall: number, settings: PlanSettings = {}): number {
  const { maxRecomputes = Number.POSITIVE_INFINITY } = settings;
  return Math.min(maxRecomputes, cheapest(k, recall, settings).looks);
}

/** What was asked for, or exact scores where they cost less: estimates of coarse codes tell hardly any candidate from the rest. */
function cheapest(
  k: number,
  recall: number,
  { code, scores = "exact" }: PlanSettings,
): { scores: SearchPlan["scores"]; looks: number } {
  const measured = calibrationOf(code);
  const exact = tableAt(measured.exact.looks, k, recall);
  if (scores === "exact") return { scores, looks: exact };
  const approx = tableAt(measured.approx.looks, k, recall);
  return approx < exact ? { scores, looks: approx } : { scores: "exact", looks: exact };
}

/** Observations that the fixed value counts for: four first rounds at k = 10. */
const PRIOR_WEIGHT = 64;
/** What an observation keeps of its weight when the next query comes: half of it after 140 queries. */
const KEPT = 0.995;
/** One query's mean square counts as at most so many times the usual one: a question unlike all the others says little. */
const MOST_TIMES_USUAL = 9;
const NARROWEST = 0.5;
const WIDEST = 2;

/**
 * Mean square of (exact - estimate) / sigma over first rounds, by stored bytes a dimension: what the tables were fitted
 * with. Above 1 because the highest of many estimates are mostly too high, the more so the coarser the code.
 * Mean of both sets of queries as `npm run bench -- misses` prints them; read linearly between the entries.
 */
const USUAL_SQUARES: readonly { bytesPerDim: number; square: number }[] = [
  { bytesPerDim: 27 / 384, square: 5.2 },
  { bytesPerDim: 51 / 384, square: 2.3 },
  { bytesPerDim: 99 / 384, square: 1.16 },
  { bytesPerDim: 195 / 384, square: 1.05 },
  { bytesPerDim: 1, square: 1 },
];

/**
 * Learns from live queries how far estimates are off, and has the queries to come look at more or at less. Only
 * first rounds count: what later ones pick is picked for its error.
 */
export class LiveCalibration {
  #coder: NativeCoder | undefined;
  #weight = 0;
  #squares = 0;

  /** What to multiply the errors of this code by, 0.5 to 2; 1 for a code not yet seen. */
  scaleFor(coder: NativeCoder): number {
    if (coder !== this.#coder) return 1;
    const square = (PRIOR_WEIGHT + this.#squares) / (PRIOR_WEIGHT + this.#weight);
    return Math.min(WIDEST, Math.max(NARROWEST, Math.sqrt(square)));
  }

  /** Takes in one query. Another code than before starts afresh. */
  observe(coder: NativeCoder, { count, sumSquares }: NativeResult["firstRound"]): void {
    if (count === 0) return;
    if (coder !== this.#coder) {
      this.#coder = coder;
      this.#weight = 0;
      this.#squares = 0;
    }
    this.#weight = KEPT * this.#weight + count;
    this.#squares = KEPT * this.#squares + Math.min(sumSquares / usualSquare(coder), MOST_TIMES_USUAL * count);
  }
}

/** The mean square that is no news for this code. */
export function usualSquare({ rowBytes, dims }: Pick<NativeCoder, "rowBytes" | "dims">): number {
  const bytesPerDim = rowBytes / dims;
  const high = USUAL_SQUARES.findIndex((entry) => entry.bytesPerDim >= bytesPerDim);
  if (high < 0) return USUAL_SQUARES.at(-1)!.square;
  if (high === 0) return USUAL_SQUARES[0]!.square;
  const [from, to] = [USUAL_SQUARES[high - 1]!, USUAL_SQUARES[high]!];
  const share = (bytesPerDim - from.bytesPerDim) / (to.bytesPerDim - from.bytesPerDim);
  return from.square + share * (to.square - from.square);
}
