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
  return plan.scores === "approx" ? recomputedApprox(candidates, k, plan) : recomputedExact(candidates, k, plan);
}

/**
 * Positions in the pool that the search answers, best first: the best `k` with an exact score or taken without one, filled
 * up with the best estimates where there are fewer.
 */
export function answeredBy(candidates: Candidates, k: number, plan: SearchPlan): number[] {
  const exact = new Set(recomputedBy(candidates, k, plan));
  const taken = plan.scores === "approx" ? new Intervals(candidates, k, plan.eps).judge(exact).taken : [];
  const best = [...exact, ...taken];
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

function recomputedApprox(candidates: Candidates, k: number, plan: SearchPlan): number[] {
  const intervals = new Intervals(candidates, k, plan.eps);
  const exact = new Set<number>();
  for (;;) {
    const { ambiguous } = intervals.judge(exact);
    const round = ambiguous.slice(0, Math.min(plan.batch, plan.cap - exact.size));
    if (round.length === 0) return [...exact].sort((a, b) => a - b);
    for (const i of round) exact.add(i);
  }
}

/** The intervals around estimates, and what they say. */
class Intervals {
  readonly #candidates: Candidates;
  readonly #k: number;
  readonly #margin: number;
  /** Positions that can ever matter, whatever is recomputed, and the best upper end of the others. */
  readonly #places: number[];
  readonly #others: number;

  constructor(candidates: Candidates, k: number, eps: number) {
    this.#candidates = candidates;
    this.#k = k;
    this.#margin = Math.max(eps, 0);
    const all = [...candidates.nodes.keys()];
    // The k-th highest lower end never falls below this, so what lies below it is always dismissed.
    const lowest = nthHighest(
      all.map((i) => Math.min(this.#end(i, -1), candidates.scores[i]!)),
      k,
    );
    const matters = (i: number) => Math.max(this.#end(i, 1), candidates.scores[i]!) >= lowest;
    this.#places = all.filter(matters);
    this.#others = all.reduce((best, i) => (matters(i) ? best : Math.max(best, this.#end(i, 1))), -Infinity);
  }

  /** Open candidates that are in the answer whatever their score is, and those of which only their score can tell. */
  judge(exact: ReadonlySet<number>): { taken: number[]; ambiguous: number[] } {
    const { scores } = this.#candidates;
    const lower = this.#places.map((i) => (exact.has(i) ? scores[i]! : this.#end(i, -1)));
    const upper = this.#places.map((i) => (exact.has(i) ? scores[i]! : this.#end(i, 1)));
    const rivals = nthHighest([...upper, this.#others], this.#k + 1);
    const bar = nthHighest(lower, this.#k);
    const taken: number[] = [];
    const ambiguous: number[] = [];
    this.#places.forEach((i, at) => {
      if (exact.has(i)) return;
      if (lower[at]! > rivals) taken.push(i);
      else if (upper[at]! > bar) ambiguous.push(i);
    });
    return { taken, ambiguous };
  }

  #end(i: number, sign: number): number {
    return this.#candidates.estimates[i]! + sign * this.#margin * this.#candidates.sigmas[i]!;
  }
}

/** The n-th highest value, minus infinity if there are fewer. Looks at parts of a copy: quickselect. */
function nthHighest(values: readonly number[], n: number): number {
  if (values.length < n) return -Infinity;
  let left = values;
  let place = n;
  for (;;) {
    const pivot = left[left.length >> 1]!;
    const above = left.filter((value) => value > pivot);
    if (place <= above.length) {
      left = above;
      continue;
    }
    const below = left.filter((value) => value < pivot);
    place -= left.length - below.length;
    if (place <= 0) return pivot;
    left = below;
  }
}

/** Puts `score` into the falling list of at most `k`. */
function insert(best: number[], score: number, k: number): void {
  if (best.length === k && !(score > best[k - 1]!)) return;
  let at = best.length;
  while (at > 0 && best[at - 1]! < score) at--;
  best.splice(at, 0, score);
  if (best.length > k) best.pop();
}
