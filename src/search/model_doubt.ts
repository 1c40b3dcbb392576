import type { NativeCoder, NativeResult } from "../native.js";
import type { HitExplanation } from "../types.js";
import { usualSquare } from "./live_calibration.js";

/** Observations that a judgement takes: two first rounds at k = 10. */
const ENOUGH = 32;
/** What is looked at: so many observations back, half of their weight gone. */
const KEPT = 0.8;
/** Mean square of the errors, in units of the usual one, from which on the canaries are asked again. */
const DOUBTFUL = 4;
/** One search's mean square counts as at most so many times the usual one: a single odd question is no reason. */
const MOST_TIMES_USUAL = 9;
/** From which on nothing but another model, or codes of other texts, explains the answer of one search. */
const IMPOSSIBLE = 25;
/** Below this share of the scores an error is none, however exact a code claims to be: models differ a little by machine. */
const LEAST_ERROR = 0.05;
/** Fewest hits with both scores that one search is judged by. */
const FEWEST_HITS = 4;

/**
 * Exact scores and the codes' estimates of them come from the same model, or they would not agree. Watches how far apart
 * they are, search by search: a model that was changed behind its name shows, even where no canary is embedded any more.
 */
export class ModelDoubt {
  #coder: NativeCoder | undefined;
  #weight = 0;
  #squares = 0;

  /** Takes in one search. Answers whether the model has to prove itself again; then it starts afresh. */
  observe(coder: NativeCoder, { count, sumSquares }: NativeResult["firstRound"]): boolean {
    if (coder !== this.#coder) this.#forget(coder);
    if (count === 0) return false;
    this.#weight = KEPT * this.#weight + count;
    this.#squares = KEPT * this.#squares + Math.min(sumSquares / usualSquare(coder), MOST_TIMES_USUAL * count);
    if (this.#weight < ENOUGH || this.#squares <= DOUBTFUL * this.#weight) return false;
    this.#forget(coder);
    return true;
  }

  #forget(coder: NativeCoder): void {
    this.#coder = coder;
    this.#weight = 0;
    this.#squares = 0;
  }
}

/** Whether hits contradict their own codes so far that their texts and codes cannot be of one model. */
export function isImpossible(coder: NativeCoder, explanations: readonly HitExplanation[]): boolean {
  const pairs = explanations.flatMap(({ estimate, sigma, exact }) =>
    estimate === undefined || sigma === undefined || exact === undefined ? [] : { estimate, sigma, exact },
  );
  if (pairs.length < FEWEST_HITS) return false;
  const errors = pairs.map(({ estimate, sigma, exact }) => ({ error: exact - estimate, sigma }));
  const squares = mean(errors.map(({ error, sigma }) => (error / Math.max(sigma, Number.MIN_VALUE)) ** 2));
  const size = mean(pairs.map(({ estimate, exact }) => Math.max(estimate ** 2, exact ** 2)));
  const error = mean(errors.map(({ error }) => error ** 2));
  return squares > IMPOSSIBLE * usualSquare(coder) && error > LEAST_ERROR ** 2 * size;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
