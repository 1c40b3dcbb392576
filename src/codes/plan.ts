import type { NativeCoder, NativeResult } from "../native/surface.js";
import { type CodeTraits, calibrationOf, tableAbove, tableAt } from "./calibration.js";

/** How one search spends recomputes; see `NativeSearch`. */
export interface SearchPlan {
  /** Raw expected recall at which the search ends. */
  recall: number;
  /** A candidate with at least this probability to be among the k nearest is always recomputed. 1: no candidate is. */
  leastChance: number;
  /** Most passages recomputed. */
  cap: number;
  /** Candidates kept from the scan. */
  pool: number;
  /** `approx`: only candidates that estimates cannot separate from the rest are recomputed. */
  scores: "exact" | "approx";
}

/** What a plan depends on, besides k and recall. */
export interface PlanSettings {
  /** The code that is searched. Default: 48 bytes. */
  code?: CodeTraits | undefined;
  /** Whether every hit needs its exact score. Default `exact`. */
  scores?: SearchPlan["scores"] | undefined;
  /** Overrides the cap. Below `k` the other hits get estimated scores; 0: all scores are estimates. */
  maxRecomputes?: number | undefined;
}

/** Most candidates kept from the scan, unless more may be recomputed. */
const LARGEST_POOL = 4096;

/**
 * Turns a recall target into a plan, using what was measured for the code.
 *
 * @param k Number of hits.
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

/** Mean recomputes of a search if nothing is cached, as counted on 50,000 passages. */
export function expectedRecomputes(k: number, recall: number, settings: PlanSettings = {}): number {
  const { maxRecomputes = Number.POSITIVE_INFINITY } = settings;
  return Math.min(maxRecomputes, cheapest(k, recall, settings).looks);
}

/**
 * The scores that were asked for, or exact scores if they cost less. Estimates of coarse codes hardly separate
 * candidates from the rest.
 */
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

/** Number of observations that the fixed value counts for: four first rounds at k = 10. */
const PRIOR_WEIGHT = 64;
/** Share of its weight that an observation keeps at each query. Half of it is left after 140 queries. */
const KEPT = 0.995;
/**
 * One query's mean square counts as at most this multiple of the usual one, because an unusual question says little.
 */
const MOST_TIMES_USUAL = 9;
const NARROWEST = 0.5;
const WIDEST = 2;

/**
 * Mean square of (exact - estimate) / sigma over first rounds, by stored bytes per dimension. The tables were fitted
 * with these. They are above 1 because the highest of many estimates are mostly too high, the more so with coarser
 * codes. Means of both sets of queries, as `npm run bench -- misses` prints them; linear between the entries.
 */
const USUAL_SQUARES: readonly { bytesPerDim: number; square: number }[] = [
  { bytesPerDim: 27 / 384, square: 5.2 },
  { bytesPerDim: 51 / 384, square: 2.3 },
  { bytesPerDim: 99 / 384, square: 1.16 },
  { bytesPerDim: 195 / 384, square: 1.05 },
  { bytesPerDim: 1, square: 1 },
];

/**
 * Learns from queries how far estimates are off, and makes later queries recompute more or fewer passages. Only first
 * rounds count, because later rounds choose candidates by their errors.
 */
export class LiveCalibration {
  #coder: NativeCoder | undefined;
  #weight = 0;
  #squares = 0;

  /** The factor for the errors of this code, 0.5 to 2. It is 1 for a code without observations. */
  scaleFor(coder: NativeCoder): number {
    if (coder !== this.#coder) return 1;
    const square = (PRIOR_WEIGHT + this.#squares) / (PRIOR_WEIGHT + this.#weight);
    return Math.min(WIDEST, Math.max(NARROWEST, Math.sqrt(square)));
  }

  /** Takes the observations of one query. With another code than before it starts again. */
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

/** The mean square that is normal for this code. */
export function usualSquare({ rowBytes, dims }: Pick<NativeCoder, "rowBytes" | "dims">): number {
  const bytesPerDim = rowBytes / dims;
  const high = USUAL_SQUARES.findIndex((entry) => entry.bytesPerDim >= bytesPerDim);
  if (high < 0) return USUAL_SQUARES.at(-1)!.square;
  if (high === 0) return USUAL_SQUARES[0]!.square;
  const [from, to] = [USUAL_SQUARES[high - 1]!, USUAL_SQUARES[high]!];
  const share = (bytesPerDim - from.bytesPerDim) / (to.bytesPerDim - from.bytesPerDim);
  return from.square + share * (to.square - from.square);
}
