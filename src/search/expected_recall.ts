import { type CodeTraits, calibrationOf, mapAt } from "./calibrated.js";

/**
 * The share of the true k nearest that an answer holds, in the mean over queries with the same raw figure.
 *
 * @param raw `NativeResult.expectedRecall`: what follows if the estimates' errors were normal and independent.
 * @param answer The code that made the estimates, hits wanted, and how many candidates were looked at exactly: an answer
 *   by estimates alone errs in another way.
 */
export function calibratedRecall(raw: number, answer: { coder: CodeTraits; k: number; recomputed: number }): number {
  const { estimates, looks } = calibrationOf(answer.coder).reached;
  const recall = mapAt(answer.recomputed > 0 ? looks : estimates, answer.k, raw);
  return Math.min(1, Math.max(0, recall));
}
