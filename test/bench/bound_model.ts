import type { NativeIndex } from "../../src/native.js";
import type { SearchPlan } from "../../src/search/plan.js";
import type { Truth } from "./truth.js";

/** All that the bound can ever look at for one query, in the order in which it looks. */
export interface Candidates {
  readonly nodes: Uint32Array;
  readonly estimates: Float32Array;
  readonly sigmas: Float32Array;
  readonly scores: Float64Array;
}

/** The pool of one query with its exact scores. */
export async function candidatesOf(
  index: NativeIndex,
  truth: Truth,
  query: Float32Array,
  pool: number,
): Promise<Candidates> {
  const session = await index.search(query, { k: pool, eps: 0, batch: 8, cap: 0, pool });
  const { nodes, estimates, sigmas } = session.result();
  return { nodes, estimates, sigmas, scores: truth.scores(query, nodes) };
}

/**
 * What a search would recompute, worked out from known scores: thousands of plans can be tried in the time of one real
 * search each. Passages that are gone are not modelled.
 *
 * @returns positions in the pool that are recomputed, in order
 */
export function recomputedBy(candidates: Candidates, k: number, plan: SearchPlan): number[] {
  return decidedBy(candidates, k, plan).recomputed;
}

/** Positions that are recomputed, and those that are answered without it. */
interface Decided {
  readonly recomputed: number[];
  readonly taken: number[];
}

function decidedBy(candidates: Candidates, k: number, plan: SearchPlan): Decided {
  if (plan.scores === "approx") return decidedApprox(candidates, k, plan);
  return { recomputed: recomputedExact(candidates, k, plan), taken: [] };
}

/**
 * Positions in the pool that the search answers, best first: the best `k` with an exact score or taken without one, filled
 * up with the best estimates where there are fewer.
 */
export function answeredBy(candidates: Candidates, k: number, plan: SearchPlan): number[] {
  const { recomputed, taken } = decidedBy(candidates, k, plan);
  const exact = new Set(recomputed);
  const best = [...recomputed, ...taken];
  const sure = new Set(best);
  for (let i = 0; i < candidates.nodes.length && best.length < k; i++) if (!sure.has(i)) best.push(i);
  const known = (i: number) => (exact.has(i) ? candidates.scores[i]! : candidates.estimates[i]!);
  best.sort((a, b) => known(b) - known(a) || candidates.nodes[a]! - candidates.nodes[b]!);
  return best.slice(0, k);
}

/** Share of the true `k` nearest that a plan finds. */
export function recallOf(candidates: Candidates, nearest: ReadonlySet<number>, k: number, plan: SearchPlan): number {
  // With exact scores for all, what is recomputed and truly among the best is answered: no need to sort.
  const decided = plan.scores === "exact" && plan.cap >= k;
  const found = decided ? recomputedBy(candidates, k, plan) : answeredBy(candidates, k, plan);
  return found.filter((i) => nearest.has(candidates.nodes[i]!)).length / k;
}

/**
 * A candidate that the bound dismisses stays dismissed because the k-th best score only rises, so one walk over the pool
 * does.
 */
function recomputedExact(candidates: Candidates, k: number, plan: SearchPlan): number[] {
  const { estimates, sigmas, scores } = candidates;
  const first = Math.ceil(k / plan.batch) * plan.batch;
  const chosen: number[] = [];
  const best: number[] = []; // the k best scores of finished batches, falling
  let waiting: number[] = [];
  for (let i = 0; i < estimates.length && chosen.length < plan.cap; i++) {
    const threshold = best[k - 1] ?? -Infinity;
    if (chosen.length >= first && !(estimates[i]! + plan.eps * sigmas[i]! > threshold)) continue;
    chosen.push(i);
    waiting.push(scores[i]!);
    if (chosen.length < first || (chosen.length - first) % plan.batch !== 0) continue;
    for (const score of waiting) insert(best, score, k);
    waiting = [];
  }
  return chosen;
}

function decidedApprox(candidates: Candidates, k: number, plan: SearchPlan): Decided {
  const intervals = new Intervals(candidates, k, plan.eps);
  const recomputed: number[] = [];
  for (;;) {
    const round = intervals.ambiguous(Math.min(plan.batch, plan.cap - recomputed.length));
    if (round.length === 0) return { recomputed: recomputed.sort((a, b) => a - b), taken: intervals.taken() };
    for (const i of round) intervals.settle(i);
    recomputed.push(...round);
  }
}

/** The intervals around estimates, narrowed to a point as scores become known, and what they say. */
class Intervals {
  readonly #k: number;
  readonly #scores: Float64Array;
  readonly #lower: Float64Array;
  readonly #upper: Float64Array;
  readonly #open: Uint8Array;
  /** Positions that can ever matter, whatever is recomputed; the ends of their intervals, falling. */
  readonly #places: number[];
  readonly #lowerEnds: number[];
  readonly #upperEnds: number[];

  constructor({ estimates, sigmas, scores }: Candidates, k: number, eps: number) {
    const margin = Math.max(eps, 0);
    this.#k = k;
    this.#scores = scores;
    this.#lower = Float64Array.from(estimates, (estimate, i) => estimate - margin * sigmas[i]!);
    this.#upper = Float64Array.from(estimates, (estimate, i) => estimate + margin * sigmas[i]!);
    this.#open = new Uint8Array(scores.length).fill(1);
    // The k-th highest lower end never falls below this, so what lies below it is always dismissed.
    const bar = falling(this.#lower.map((end, i) => Math.min(end, scores[i]!)))[k - 1] ?? -Infinity;
    const highest = this.#upper.map((end, i) => Math.max(end, scores[i]!));
    this.#places = [...scores.keys()].filter((i) => highest[i]! >= bar);
    this.#lowerEnds = falling(this.#places.map((i) => this.#lower[i]!));
    // Of the others only the best can come to be the (k+1)-th highest.
    const others = this.#upper.reduce((best, end, i) => (highest[i]! >= bar ? best : Math.max(best, end)), -Infinity);
    this.#upperEnds = falling([...this.#places.map((i) => this.#upper[i]!), others]);
  }

  /** Makes a candidate's score known. */
  settle(i: number): void {
    const score = this.#scores[i]!;
    replace(this.#lowerEnds, this.#lower[i]!, score);
    replace(this.#upperEnds, this.#upper[i]!, score);
    this.#open[i] = 0;
  }

  /** Open candidates that are in the answer whatever their score is. */
  taken(): number[] {
    return this.#places.filter((i) => this.#open[i] && this.#lower[i]! > this.#rivals);
  }

  /** The first `most` of those of which only their score can tell. */
  ambiguous(most: number): number[] {
    const found: number[] = [];
    const rivals = this.#rivals;
    const bar = this.#lowerEnds[this.#k - 1] ?? -Infinity;
    for (const i of this.#places) {
      if (found.length >= most) break;
      if (this.#open[i] && !(this.#lower[i]! > rivals) && this.#upper[i]! > bar) found.push(i);
    }
    return found;
  }

  get #rivals(): number {
    return this.#upperEnds[this.#k] ?? -Infinity;
  }
}

function falling(values: ArrayLike<number>): number[] {
  return [...Float64Array.from(values).sort()].reverse();
}

/** Puts `value` in the place of `old` and keeps the list falling. */
function replace(list: number[], old: number, value: number): void {
  list.splice(firstAtMost(list, old), 1);
  list.splice(firstAtMost(list, value), 0, value);
}

/** Where the first element lies that is at most `value`. */
function firstAtMost(list: readonly number[], value: number): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (list[middle]! > value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Puts `score` into the falling list of at most `k`. */
function insert(best: number[], score: number, k: number): void {
  if (best.length === k && !(score > best[k - 1]!)) return;
  let at = best.length;
  while (at > 0 && best[at - 1]! < score) at--;
  best.splice(at, 0, score);
  if (best.length > k) best.pop();
}
