import { type CodeTraits, calibrationOf, mapAt } from "./calibrated.js";

/** What an answer was made with. */
export interface Answer {
  /** The code that made the estimates. */
  coder: CodeTraits;
  k: number;
  /** Candidates that were looked at exactly. */
  recomputed: number;
  scores: "exact" | "approx";
}

/**
 * The share of the true k nearest that an answer holds, in the mean over queries with the same raw figure.
 *
 * @param raw `NativeResult.expectedRecall`: what follows if the estimates' errors were normal and independent.
 * @param answer What it was made with. An answer by estimates alone errs in another way than one after exact looks.
 */
export function calibratedRecall(raw: number, answer: Answer): number {
  if (raw >= 1) return 1; // nothing was left to chance
  const { reached } = calibrationOf(answer.coder);
  const map = answer.recomputed > 0 ? reached[answer.scores] : reached.estimates;
  return Math.min(1, Math.max(0, mapAt(map, answer.k, raw)));
}
