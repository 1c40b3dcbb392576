import type { Metric } from "../api/codes.js";
import type { HitExplanation } from "../api/search.js";
import { usualSquare } from "../codes/plan.js";
import type { NativeCoder, NativeResult } from "../native/surface.js";
import type { Ranking } from "./session.js";

/** Fewest observations for a judgement: two first rounds at k = 10. */
const ENOUGH = 32;
/** Share of the weight of earlier observations that remains after each search, so that recent searches count more. */
const KEPT = 0.8;
/** If the mean square of the errors reaches this multiple of the usual one, the canaries are embedded again. */
const DOUBTFUL = 4;
/**
 * The mean square of one search counts as at most this multiple of the usual one, so that one odd question is not
 * enough.
 */
const MOST_TIMES_USUAL = 9;
/** From here on, the answer of one search can only be explained by another model, or by codes of other texts. */
const IMPOSSIBLE = 25;
/**
 * Errors smaller than this share of the score are ignored, however exact a code claims to be, because models differ a
 * little between machines.
 */
const LEAST_ERROR = 0.05;
/**
 * Errors smaller than this share of the largest possible score are rounding. Codes keep their factors as float16, and
 * estimates are small differences of large numbers if vectors lie close together.
 */
const ROUNDING = 2 ** -11;
/** The largest factor by which a code's errors are widened. */
export const MOST_WIDENED = 1000;
/** Fewest hits with both scores by which one search is judged. */
const FEWEST_HITS = 4;

/** What the codes and the exact scores of one search are compared with. */
export interface Comparison {
  readonly coder: NativeCoder;
  readonly question: Float32Array;
  readonly ranking: Ranking;
  /** Whether the search may start again. */
  readonly mayRepeat: boolean;
}

/**
 * Checks one search. If its codes and its exact scores disagree, the canaries decide. If the model still gives the
 * canaries' vectors, its scores are right and the codes claim errors that are too small. (`verify` finds out why: the
 * codes may belong to other texts.)
 */
export class SearchCheck {
  readonly #scores: ScoreCheck;
  readonly #proveModel: () => Promise<void>;
  #proofs = 0;
  #widening = 1;

  /** @param proveModel Embeds the canaries again, and throws `MODEL_MISMATCH` unless their vectors are the same. */
  constructor(scores: ScoreCheck, proveModel: () => Promise<void>) {
    this.#scores = scores;
    this.#proveModel = proveModel;
  }

  /** The factor for the errors of a code. `learned` is what earlier searches say. */
  scaleFor(coder: NativeCoder, learned: number): number {
    return Math.min(MOST_WIDENED, learned * this.#scores.scaleFor(coder) * this.#widening);
  }

  /**
   * Compares codes and exact scores. `again`: the search improves if it starts again. `doubtful`: the codes are too far
   * from the exact scores to say anything about other passages.
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

  /** Whether the vectors that the proven model makes now, or wider errors, improve the search. */
  #helpsToRepeat(verdict: Verdict, coder: NativeCoder, { explanations }: Ranking): boolean {
    if (verdict === "contradicted") return ++this.#proofs === 1 || this.#scores.widen(coder, explanations);
    if (this.#widening > 1) return false;
    this.#widening = excessOf(coder, explanations);
    return true;
  }
}

/** Whether codes and exact scores agree as the codes claim. If not, whether rounding explains it. */
type Verdict = "fits" | "rounded" | "contradicted";

/**
 * Exact scores and their estimates agree only if both come from the same model. This measures how far apart they are,
 * search by search. So it detects a model that changed under the same name, even if no canary is embedded again.
 */
export class ScoreCheck {
  #coder: NativeCoder | undefined;
  #weight = 0;
  #squares = 0;
  #scale = 1;

  /** The factor for the errors that this code claims. It is 1 unless a proven model has shown larger errors. */
  scaleFor(coder: NativeCoder): number {
    return coder === this.#coder ? this.#scale : 1;
  }

  /**
   * Takes the observations of one search. Answers whether the model must prove itself again; then counting starts
   * again.
   */
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
   * Widens the errors of this code to those of these hits. The model was proven right, so the code fits its passages
   * worse than it claims. Answers whether this widens anything.
   *
   * @param explanations Those of a search whose errors were multiplied by `scaleFor`.
   */
  widen(coder: NativeCoder, explanations: readonly HitExplanation[]): boolean {
    this.#turnTo(coder);
    const wider = Math.min(MOST_WIDENED, this.#scale * excessOf(coder, explanations));
    const isWider = wider > this.#scale;
    this.#scale = wider;
    // The wider errors explain what was observed before.
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

/** The largest absolute score that a question and passages of these lengths can have. Rounding is measured by it. */
export function largestScore(metric: Metric, question: Float32Array, passages: Iterable<Float32Array>): number {
  if (metric === "cosine") return 1;
  let longest = 0;
  for (const passage of passages) longest = Math.max(longest, lengthOf(passage));
  return metric === "ip" ? lengthOf(question) * longest : (lengthOf(question) + longest) ** 2;
}

/**
 * Whether rounding alone explains the errors of these hits, whatever their codes claim. Then they say nothing about the
 * model.
 */
export function isRounding(explanations: readonly HitExplanation[], largest: number): boolean {
  const { hits, error } = compare(explanations);
  return hits > 0 && error <= (ROUNDING * largest) ** 2;
}

/** How many times larger than claimed the errors of these hits are, at least 1. */
export function excessOf(coder: NativeCoder, explanations: readonly HitExplanation[]): number {
  return Math.max(1, Math.sqrt(compare(explanations).squares / usualSquare(coder)));
}

/** Whether hits contradict their own codes so much that texts and codes cannot come from one model. */
export function isImpossible(coder: NativeCoder, explanations: readonly HitExplanation[]): boolean {
  const { hits, squares, error, size } = compare(explanations);
  if (hits < FEWEST_HITS) return false;
  return squares > IMPOSSIBLE * usualSquare(coder) && error > LEAST_ERROR ** 2 * size;
}

/**
 * Mean squares of the differences between exact scores and estimates, in units of the claimed errors and as they are,
 * and the mean square of the scores.
 */
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
