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
 * search each. A candidate that the bound dismisses stays dismissed because the k-th best score only rises, so one walk
 * over the pool does.
 *
 * @returns positions in the pool that are recomputed
 */
export function recomputedBy(candidates: Candidates, k: number, plan: SearchPlan): number[] {
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

/** Puts `score` into the falling list of at most `k`. */
function insert(best: number[], score: number, k: number): void {
  if (best.length === k && !(score > best[k - 1]!)) return;
  let at = best.length;
  while (at > 0 && best[at - 1]! < score) at--;
  best.splice(at, 0, score);
  if (best.length > k) best.pop();
}

/** Share of the true `k` nearest that a plan finds: they are found if they are recomputed at all. */
export function recallOf(candidates: Candidates, nearest: ReadonlySet<number>, k: number, plan: SearchPlan): number {
  let hits = 0;
  for (const i of recomputedBy(candidates, k, plan)) if (nearest.has(candidates.nodes[i]!)) hits++;
  return hits / k;
}
