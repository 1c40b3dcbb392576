import type { NativeCoder, NativeResult } from "../native.js";

/** Observations that the code's own figure counts for: about four first rounds. */
const PRIOR_WEIGHT = 64;
/** What an observation keeps of its weight when the next query comes: half of it after 140 queries. */
const KEPT = 0.995;
/** One query's mean square counts as at most this: a question about nothing in the store says little about the others. */
const MOST_SQUARE = 9;
const NARROWEST = 0.5;
const WIDEST = 2;

/**
 * Learns from live queries how far estimates are off, in units of the error that the code claims, and widens or narrows
 * the bound of the queries to come. Only first rounds count: what the bound picks later is picked for its error.
 */
export class LiveCalibration {
  #coder: NativeCoder | undefined;
  #weight = PRIOR_WEIGHT;
  #squares = PRIOR_WEIGHT;

  /** What to multiply the errors of this code by, 0.5 to 2; 1 for a code not yet seen. */
  scaleFor(coder: NativeCoder): number {
    if (coder !== this.#coder) return 1;
    return Math.min(WIDEST, Math.max(NARROWEST, Math.sqrt(this.#squares / this.#weight)));
  }

  /** Takes in one query. Another code than before starts afresh. */
  observe(coder: NativeCoder, { count, sumSquares }: NativeResult["firstRound"]): void {
    if (count === 0) return;
    if (coder !== this.#coder) this.#forget(coder);
    this.#weight = PRIOR_WEIGHT + KEPT * (this.#weight - PRIOR_WEIGHT) + count;
    this.#squares = PRIOR_WEIGHT + KEPT * (this.#squares - PRIOR_WEIGHT) + Math.min(sumSquares, MOST_SQUARE * count);
  }

  #forget(coder: NativeCoder): void {
    this.#coder = coder;
    this.#weight = PRIOR_WEIGHT;
    this.#squares = PRIOR_WEIGHT;
  }
}
