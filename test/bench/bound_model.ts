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
  const taken = new Set(plan.scores === "approx" ? judge(candidates, k, plan.eps, exact).taken : []);
  const known = (i: number) => (exact.has(i) ? candidates.scores[i]! : candidates.estimates[i]!);
  const all = [...candidates.nodes.keys()];
  const best = all.filter((i) => exact.has(i) || taken.has(i));
  const unsure = all.filter((i) => !exact.has(i) && !taken.has(i));
  best.push(...unsure.slice(0, Math.max(0, k - best.length)));
  best.sort((a, b) => known(b) - known(a) || candidates.nodes[a]! - candidates.nodes[b]!);
  return best.slice(0, k);
}

/** Share of the true `k` nearest that a plan finds. */
export function recallOf(candidates: Candidates, nearest: ReadonlySet<number>, k: number, plan: SearchPlan): number {
  return answeredBy(candidates, k, plan).filter((i) => nearest.has(candidates.nodes[i]!)).length / k;
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
  const exact = new Set<number>();
  for (;;) {
    const { ambiguous } = judge(candidates, k, plan.eps, exact);
    const round = ambiguous.slice(0, Math.min(plan.batch, plan.cap - exact.size));
    if (round.length === 0) return [...exact].sort((a, b) => a - b);
    for (const i of round) exact.add(i);
  }
}

/** Which candidates without an exact score belong to the answer whatever it is, and which only it can tell. */
function judge({ estimates, sigmas, scores }: Candidates, k: number, eps: number, exact: ReadonlySet<number>) {
  const margin = Math.max(eps, 0);
  const lower = Array.from(estimates, (estimate, i) => (exact.has(i) ? scores[i]! : estimate - margin * sigmas[i]!));
  const upper = Array.from(estimates, (estimate, i) => (exact.has(i) ? scores[i]! : estimate + margin * sigmas[i]!));
  const rivals = nthHighest(upper, k + 1);
  const bar = nthHighest(lower, k);
  const open = [...estimates.keys()].filter((i) => !exact.has(i));
  return {
    taken: open.filter((i) => lower[i]! > rivals),
    ambiguous: open.filter((i) => !(lower[i]! > rivals) && upper[i]! > bar),
  };
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
