import type { Metric } from "../api/codes.js";
import type { HitExplanation } from "../api/search.js";
import { usualSquare } from "../codes/plan.js";
import type { NativeCoder, NativeResult } from "../native/surface.js";
import type { Ranking } from "./session.js";

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
/**
 * Below this share of the largest score that vectors of these lengths can have, an error is rounding: codes keep their
 * factors as float16, and estimates are small differences of large numbers where vectors lie close together.
 */
const ROUNDING = 2 ** -11;
/** How much wider than it claims a code's errors are taken at most. */
export const MOST_WIDENED = 1000;
/** Fewest hits with both scores that one search is judged by. */
const FEWEST_HITS = 4;

/** What the codes and the exact scores of one search have to be compared with. */
export interface Comparison {
  readonly coder: NativeCoder;
  readonly question: Float32Array;
  readonly ranking: Ranking;
  /** Whether the search may start over. */
  readonly mayRepeat: boolean;
}

/**
 * The check of one search. Where its codes and its exact scores disagree, the canaries decide. A model that still gives the
 * canaries' vectors gives right scores, and then it is the codes that claim too small errors. (`verify` finds out why: they
 * may not be the codes of these texts.)
 */
export class SearchCheck {
  readonly #scores: ScoreCheck;
  readonly #proveModel: () => Promise<void>;
  #proofs = 0;
  #widening = 1;

  /** @param proveModel Has the canaries embedded again; throws `MODEL_MISMATCH` unless their vectors are the same. */
  constructor(scores: ScoreCheck, proveModel: () => Promise<void>) {
    this.#scores = scores;
    this.#proveModel = proveModel;
  }

  /** The errors of a code are multiplied by this; `learned` is what earlier searches say. */
  scaleFor(coder: NativeCoder, learned: number): number {
    return Math.min(MOST_WIDENED, learned * this.#scores.scaleFor(coder) * this.#widening);
  }

  /**
   * Compares the two. `again`: the search does better when it starts over. `doubtful`: the codes are too far from the exact
   * scores to say anything about other passages.
   *
   * @throws EmbedlessError `MODEL_MISMATCH`, or the embedder's failure
   */
  async compare(comparison: Comparison): Promise<"fits" | "again" | "doubtful"> {
    const { coder, mayRepeat, ranking } = comparison;
    const verdict = await this.#verdictOn(comparison);
    if (verdict !== "fits" && mayRepeat && this.#helpsToRepeat(verdict, coder, ranking)) return "again";
    return verdict === "fits" && this.#scores.scaleFor(coder) === 1 ? "fits" : "doubtful";
  }

  async #verdictOn({ coder, question, ranking }: Comparison): Promise<Verdict> {
    const { firstRound, explanations, nodes, vectors } = ranking;
    const found = nodes.flatMap((node) => vectors.get(node) ?? []);
    const isOff = isImpossible(coder, explanations);
    if (isRounding(explanations, largestScore(coder.metric, question, found))) return isOff ? "rounded" : "fits";
    if (!this.#scores.observe(coder, firstRound) && !isOff) return "fits";
    await this.#proveModel();
    return isOff ? "contradicted" : "fits";
  }

  /** With vectors that the proven model makes now, or with wider errors. */
  #helpsToRepeat(verdict: Verdict, coder: NativeCoder, { explanations }: Ranking): boolean {
    if (verdict === "contradicted") return ++this.#proofs === 1 || this.#scores.widen(coder, explanations);
    if (this.#widening > 1) return false;
    this.#widening = excessOf(coder, explanations);
    return true;
  }
}

/** Whether codes and exact scores agree as the codes claim; if not, whether rounding explains it. */
type Verdict = "fits" | "rounded" | "contradicted";

/**
 * Exact scores and the codes' estimates of them agree only if both come from the same model. This watches how far apart they
 * are, search by search: a model that changed under the same name shows, even if no canary is embedded again.
 */
export class ScoreCheck {
  #coder: NativeCoder | undefined;
  #weight = 0;
  #squares = 0;
  #scale = 1;

  /** What to multiply the errors by that this code claims: 1 unless a model that was proved right says otherwise. */
  scaleFor(coder: NativeCoder): number {
    return coder === this.#coder ? this.#scale : 1;
  }

  /** Takes in one search. Answers whether the model has to prove itself again; then it starts afresh. */
  observe(coder: NativeCoder, { count, sumSquares }: NativeResult["firstRound"]): boolean {
    this.#turnTo(coder);
    if (count === 0) return false;
    const squares = sumSquares / this.#scale ** 2 / usualSquare(coder);
    this.#weight = KEPT * this.#weight + count;
    this.#squares = KEPT * this.#squares + Math.min(squares, MOST_TIMES_USUAL * count);
    if (this.#weight < ENOUGH || this.#squares <= DOUBTFUL * this.#weight) return false;
    this.#forget();
    return true;
  }

  /**
   * Takes the errors of this code to be as large as these hits show, for the model was proved right: it is the code that
   * fits its passages worse than it claims. Answers whether that widens anything.
   *
   * @param explanations Of a search whose errors were multiplied by `scaleFor`.
   */
  widen(coder: NativeCoder, explanations: readonly HitExplanation[]): boolean {
    this.#turnTo(coder);
    const wider = Math.min(MOST_WIDENED, this.#scale * excessOf(coder, explanations));
    const isWider = wider > this.#scale;
    this.#scale = wider;
    // What was seen before is explained by it.
    if (isWider) this.#forget();
    return isWider;
  }

  #turnTo(coder: NativeCoder): void {
    if (coder === this.#coder) return;
    this.#coder = coder;
    this.#scale = 1;
    this.#forget();
  }

  #forget(): void {
    this.#weight = 0;
    this.#squares = 0;
  }
}

/** The largest score, in size, that a question and passages of these lengths can have: what rounding is measured by. */
export function largestScore(metric: Metric, question: Float32Array, passages: Iterable<Float32Array>): number {
  if (metric === "cosine") return 1;
  let longest = 0;
  for (const passage of passages) longest = Math.max(longest, lengthOf(passage));
  return metric === "ip" ? lengthOf(question) * longest : (lengthOf(question) + longest) ** 2;
}

/** Whether hits lie as near to their codes as rounding lets them, whatever their codes claim: that says nothing of the model. */
export function isRounding(explanations: readonly HitExplanation[], largest: number): boolean {
  const { hits, error } = compare(explanations);
  return hits > 0 && error <= (ROUNDING * largest) ** 2;
}

/** How many times larger than claimed the errors of these hits are, at least 1. */
export function excessOf(coder: NativeCoder, explanations: readonly HitExplanation[]): number {
  return Math.max(1, Math.sqrt(compare(explanations).squares / usualSquare(coder)));
}

/** Whether hits contradict their own codes so far that their texts and codes cannot be of one model. */
export function isImpossible(coder: NativeCoder, explanations: readonly HitExplanation[]): boolean {
  const { hits, squares, error, size } = compare(explanations);
  if (hits < FEWEST_HITS) return false;
  return squares > IMPOSSIBLE * usualSquare(coder) && error > LEAST_ERROR ** 2 * size;
}

/** How far exact scores are from estimates: mean squares in units of the claimed errors, as they are, and of the scores. */
function compare(explanations: readonly HitExplanation[]) {
  const pairs = explanations.flatMap(({ estimate, sigma, exact }) =>
    estimate === undefined || sigma === undefined || exact === undefined ? [] : { estimate, sigma, exact },
  );
  const errors = pairs.map(({ estimate, sigma, exact }) => ({ error: exact - estimate, sigma }));
  return {
    hits: pairs.length,
    squares: mean(errors.map(({ error, sigma }) => (error / Math.max(sigma, Number.MIN_VALUE)) ** 2)),
    error: mean(errors.map(({ error }) => error ** 2)),
    size: mean(pairs.map(({ estimate, exact }) => Math.max(estimate ** 2, exact ** 2))),
  };
}

function lengthOf(vector: Float32Array): number {
  let squares = 0;
  for (const value of vector) squares += value * value;
  return Math.sqrt(squares);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}
