import type { NativeIndex } from "../../src/native.js";
import type { SearchPlan } from "../../src/search/plan.js";
import type { Truth } from "./truth.js";

/** All that the bound can ever look at for one query, in the order in which it looks. */
export interface Candidates {
  readonly nodes: Uint32Array;
  readonly estimates: Float32Array;
  readonly sigmas: Float32Array;
  readonly scores: Float32Array;
  /** Place of each among the truly nearest, from 0; `FAR` beyond those that are known. */
  readonly ranks: Uint8Array;
}

/** The rank of a candidate that is not among the nearest known. */
export const FAR = 255;

/** The pool of one query with its exact scores. `nearest` are the truly nearest, best first, at most 255. */
export async function candidatesOf(
  index: NativeIndex,
  truth: Truth,
  query: { readonly vector: Float32Array; readonly nearest: readonly number[] },
  pool: number,
): Promise<Candidates> {
  const session = await index.search(query.vector, { k: pool, eps: 0, batch: 8, cap: 0, pool });
  const { nodes, estimates, sigmas } = session.result();
  const rankOf = new Map(query.nearest.map((node, rank) => [node, rank]));
  const ranks = Uint8Array.from(nodes, (node) => rankOf.get(node) ?? FAR);
  return { nodes, estimates, sigmas, scores: Float32Array.from(truth.scores(query.vector, nodes)), ranks };
}

/** What a search finds and what it costs. */
export interface Modelled {
  /** How many of the true k nearest it answers. */
  readonly hits: number;
  /** Places in the pool that are recomputed, in the order of asking. */
  readonly looks: readonly number[];
}

/**
 * A search worked out from known scores: thousands of plans can be tried in the time of one real search each. Passages
 * that are gone are not modelled.
 */
export function modelSearch(candidates: Candidates, k: number, plan: SearchPlan): Modelled {
  return plan.scores === "approx" ? modelApprox(candidates, k, plan) : modelExact(candidates, k, plan);
}

/**
 * A candidate that the bound dismisses stays dismissed because the k-th best score only rises, so one walk over the pool
 * does. What is nearest is answered if it is recomputed at all.
 */
function modelExact(candidates: Candidates, k: number, plan: SearchPlan): Modelled {
  const { estimates, sigmas, scores, ranks } = candidates;
  const first = Math.ceil(k / plan.batch) * plan.batch;
  const end = Math.min(plan.pool, estimates.length);
  const looks: number[] = [];
  const best = new Highest(k); // of finished batches
  let hits = 0;
  let finished = 0;
  for (let i = 0; i < end && looks.length < plan.cap; i++) {
    if (looks.length >= first && !(estimates[i]! + plan.eps * sigmas[i]! > best.lowest)) continue;
    looks.push(i);
    if (ranks[i]! < k) hits++;
    if (looks.length < first || (looks.length - first) % plan.batch !== 0) continue;
    while (finished < looks.length) best.add(scores[looks[finished++]!]!);
  }
  // Under a cap below k, the best estimates fill the answer up; they come right after what was recomputed.
  for (let i = looks.length; i < Math.min(k, end); i++) if (ranks[i]! < k) hits++;
  return { hits, looks };
}

function modelApprox(candidates: Candidates, k: number, plan: SearchPlan): Modelled {
  const margin = Math.max(plan.eps, 0);
  const places = contenders(candidates, k, plan.pool, margin);
  const of = (values: Float32Array) => Float64Array.from(places, (place) => values[place]!);
  const [known, sigmas, scores] = [of(candidates.estimates), of(candidates.sigmas), of(candidates.scores)];
  const lower = known.map((estimate, i) => estimate - margin * sigmas[i]!);
  const upper = known.map((estimate, i) => estimate + margin * sigmas[i]!);
  const isExact = new Uint8Array(places.length);
  const rivals = new Ends(upper, k + 1);
  const bars = new Ends(lower, k);
  const looks: number[] = [];
  for (let first = 0; ; ) {
    const rival = rivals.lowest;
    const bar = bars.lowest;
    const room = Math.min(plan.batch, plan.cap - looks.length);
    const round: number[] = [];
    while (isExact[first]) first++;
    for (let i = first; i < places.length && round.length < room; i++) {
      if (!isExact[i] && !(lower[i]! > rival) && upper[i]! > bar) round.push(i);
    }
    if (round.length === 0) return { hits: hitsOf(rival), looks };
    for (const i of round) {
      isExact[i] = 1;
      known[i] = scores[i]!;
      rivals.settle(i, scores[i]!);
      bars.settle(i, scores[i]!);
      looks.push(places[i]!);
    }
  }

  /** The answer: what is exact or taken, filled up with the best estimates. */
  function hitsOf(rival: number): number {
    const sure: number[] = [];
    const unsure: number[] = [];
    for (let i = 0; i < places.length; i++) (isExact[i] || lower[i]! > rival ? sure : unsure).push(i);
    const answer = sure.concat(unsure.slice(0, Math.max(0, k - sure.length)));
    answer.sort((a, b) => known[b]! - known[a]! || candidates.nodes[places[a]!]! - candidates.nodes[places[b]!]!);
    return answer.slice(0, k).filter((i) => candidates.ranks[places[i]!]! < k).length;
  }
}

/**
 * Places that can matter: those whose upper end lies above the bar, even if that falls by the largest error on the way.
 * The others would only cost time.
 */
function contenders({ estimates, sigmas }: Candidates, k: number, pool: number, margin: number): number[] {
  const end = Math.min(pool, estimates.length);
  const bar = new Highest(k);
  let largest = 0;
  for (let i = 0; i < end; i++) {
    bar.add(estimates[i]! - margin * sigmas[i]!);
    largest = Math.max(largest, sigmas[i]!);
  }
  const places: number[] = [];
  for (let i = 0; i < end; i++) {
    if (i < 2 * k + 16 || estimates[i]! + margin * sigmas[i]! > bar.lowest - largest) places.push(i);
  }
  return places;
}

/** The lowest of the highest `count` ends of intervals, while one after the other shrinks to a point. */
class Ends {
  readonly #ends: Float64Array;
  /** Places, the highest end first. */
  readonly #order: Uint32Array;
  readonly #isSettled: Uint8Array;
  readonly #settled: Highest;
  readonly #count: number;
  #from = 0; // in #order; all before it are settled

  constructor(ends: Float64Array, count: number) {
    this.#ends = ends;
    this.#count = count;
    this.#order = Uint32Array.from(ends, (_, i) => i).sort((a, b) => ends[b]! - ends[a]!);
    this.#isSettled = new Uint8Array(ends.length);
    this.#settled = new Highest(count);
  }

  settle(place: number, value: number): void {
    this.#isSettled[place] = 1;
    this.#settled.add(value);
  }

  /** Minus infinity while there are fewer. */
  get lowest(): number {
    const order = this.#order;
    while (this.#isSettled[order[this.#from]!]) this.#from++;
    let open = this.#from;
    let settled = 0;
    let lowest = -Infinity;
    for (let taken = 0; taken < this.#count; taken++) {
      while (this.#isSettled[order[open]!]) open++;
      const next = this.#ends[order[open]!] ?? -Infinity;
      const point = this.#settled.at(settled);
      lowest = Math.max(next, point);
      if (next > point) open++;
      else settled++;
    }
    return lowest;
  }
}

/** The highest `count` values of all that were added. */
class Highest {
  readonly #values: Float64Array;
  #filled = 0;

  constructor(count: number) {
    this.#values = new Float64Array(count);
  }

  /** The value of a rank from 0; minus infinity beyond those that there are. */
  at(rank: number): number {
    return rank < this.#filled ? this.#values[rank]! : -Infinity;
  }

  /** The lowest of them; minus infinity while there are fewer. */
  get lowest(): number {
    return this.at(this.#values.length - 1);
  }

  add(value: number): void {
    const values = this.#values;
    const full = this.#filled === values.length;
    if (full && !(value > values[this.#filled - 1]!)) return;
    let at = full ? this.#filled - 1 : this.#filled++;
    for (; at > 0 && values[at - 1]! < value; at--) values[at] = values[at - 1]!;
    values[at] = value;
  }
}
