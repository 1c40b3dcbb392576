import type { NativeCoder } from "../native.js";

/** What the raw figure depends on besides the query. */
export interface RecallContext {
  /** The code that made the estimates. */
  coder: Pick<NativeCoder, "kind" | "dims" | "rowBytes">;
  k: number;
  /** Margin of the bound, in sigmas. */
  eps: number;
  scores: "exact" | "approx";
  /** Whether the cap or the deadline cut the search short. */
  cut: boolean;
}

/** A monotone map from raw to reached recall, read linearly between its points; outside them the edge counts. */
type RecallMap = readonly { readonly raw: number; readonly recall: number }[];

const IDENTITY: RecallMap = [
  { raw: 0, recall: 0 },
  { raw: 1, recall: 1 },
];

/**
 * The share of the true k nearest that an answer holds, in the mean over queries with the same raw figure.
 *
 * @param raw `NativeResult.expectedRecall`: what follows if the estimates' errors were normal and independent.
 */
export function calibratedRecall(raw: number, context: RecallContext): number {
  return Math.min(1, Math.max(0, read(mapFor(context), raw)));
}

/** The map of one kind of search. No code has been found to need another one than the identity. */
function mapFor(_: RecallContext): RecallMap {
  return IDENTITY;
}

function read(map: RecallMap, raw: number): number {
  const high = map.findIndex((point) => point.raw >= raw);
  if (high === 0) return map[0]!.recall;
  if (high < 0) return map.at(-1)!.recall;
  const [from, to] = [map[high - 1]!, map[high]!];
  return from.recall + ((raw - from.raw) / (to.raw - from.raw)) * (to.recall - from.recall);
}
