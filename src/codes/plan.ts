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
