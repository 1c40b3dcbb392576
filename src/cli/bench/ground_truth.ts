/** Computes which vectors are truly nearest, and how many of them an answer holds. */

import type { Metric } from "../../api/codes.js";
import { outOfRange } from "../../base/errors.js";
import { Turns } from "../../base/turns.js";

/** Vectors that come in pieces, row-major, so they need not fit into memory at once. */
export type VectorChunks = AsyncIterable<{ first: number; count: number; rows: ArrayLike<number> }>;

/** Numbers per block of vectors. A block stays in the processor's cache while all queries are compared with it. */
const BLOCK_NUMBERS = 32_768;

/** The best of the offered nodes, by falling score, then by rising number. */
class Best {
  readonly #depth: number;
  readonly #nodes: number[] = [];
  readonly #scores: number[] = [];

  constructor(depth: number) {
    this.#depth = depth;
  }

  /** Nodes must be offered in rising order. Of equal scores the first one stays first. */
  offer(node: number, score: number): void {
    const full = this.#scores.length === this.#depth;
    if (full && !(score > this.#scores[this.#depth - 1]!)) return;
    let at = this.#scores.length;
    while (at > 0 && this.#scores[at - 1]! < score) at--;
    this.#scores.splice(at, 0, score);
    this.#nodes.splice(at, 0, node);
    if (full) {
      this.#scores.pop();
      this.#nodes.pop();
    }
  }

  get nodes(): number[] {
    return this.#nodes;
  }
}

/**
 * The exact nearest vectors of each query, in double precision. Every query is compared with every vector.
 *
 * @param base The vectors, in order. Each is read once.
 * @param queries Row-major, `dims` numbers each.
 * @param depth Number of nearest per query. There are fewer if there are fewer vectors.
 * @param onProgress Called with the number of base vectors that are done.
 * @returns their numbers, best first, equal scores by number
 */
export async function exactNearest(
  base: VectorChunks,
  queries: ArrayLike<number>,
  { dims, metric, depth }: { dims: number; metric: Metric; depth: number },
  onProgress: (done: number) => void = () => {},
): Promise<number[][]> {
  if (!Number.isInteger(depth) || depth < 1) throw outOfRange("depth", "a whole number from 1", depth);
  const asked = Float64Array.from(queries);
  const best = Array.from({ length: asked.length / dims }, () => new Best(depth));
  if (metric === "cosine") normaliseRows(asked, dims);
  const blockRows = Math.max(1, Math.floor(BLOCK_NUMBERS / dims));
  const turns = new Turns();
  for await (const { first, count, rows } of base) {
    for (let from = 0; from < count; from += blockRows) {
      const taken = Math.min(blockRows, count - from);
      const block = new Float64Array(taken * dims);
      for (let i = 0; i < block.length; i++) block[i] = rows[from * dims + i]!;
      if (metric === "cosine") normaliseRows(block, dims);
      best.forEach((mine, query) => {
        for (let row = 0; row < taken; row++) {
          mine.offer(first + from + row, scoreAt(metric, asked, query * dims, block, row * dims, dims));
        }
      });
      onProgress(first + from + taken);
      await turns.give();
    }
  }
  return best.map(({ nodes }) => nodes);
}

/** Inner product of the rows that begin at `a` and `b`, or the negative squared distance for `l2`. */
function scoreAt(metric: Metric, x: Float64Array, a: number, y: Float64Array, b: number, dims: number): number {
  let even = 0;
  let odd = 0;
  let i = 0;
  if (metric === "l2") {
    for (; i + 1 < dims; i += 2) {
      even -= (x[a + i]! - y[b + i]!) ** 2;
      odd -= (x[a + i + 1]! - y[b + i + 1]!) ** 2;
    }
    return i < dims ? even + odd - (x[a + i]! - y[b + i]!) ** 2 : even + odd;
  }
  for (; i + 1 < dims; i += 2) {
    even += x[a + i]! * y[b + i]!;
    odd += x[a + i + 1]! * y[b + i + 1]!;
  }
  return i < dims ? even + odd + x[a + i]! * y[b + i]! : even + odd;
}

/** Scales rows to length 1. Zero rows stay zero. */
function normaliseRows(rows: Float64Array, dims: number): void {
  for (let from = 0; from < rows.length; from += dims) {
    let sum = 0;
    for (let i = from; i < from + dims; i++) sum += rows[i]! ** 2;
    const norm = Math.sqrt(sum);
    if (norm > 0) for (let i = from; i < from + dims; i++) rows[i]! /= norm;
  }
}

/**
 * Mean share of the `k` truly nearest that the first `n` of an answer hold: k-recall at n, as SVS defines it. With n =
 * k it is the usual recall@k.
 *
 * @param truth The nearest of each query, best first, at least `k`.
 * @param found The answer to each query, best first. It may be shorter than `n`.
 * @param n Default `k`; at least `k`.
 */
export function kRecallAt(
  truth: readonly ArrayLike<number>[],
  found: readonly ArrayLike<number>[],
  k: number,
  n = k,
): number {
  if (!Number.isInteger(k) || k < 1) throw outOfRange("k", "a whole number from 1", k);
  if (!Number.isInteger(n) || n < k) throw outOfRange("n", `a whole number from k (${k})`, n);
  if (found.length !== truth.length) throw outOfRange("found", `answers to ${truth.length} queries`, found.length);
  let hits = 0;
  truth.forEach((nearest, query) => {
    if (nearest.length < k) throw outOfRange(`truth[${query}]`, `at least k (${k}) numbers`, nearest.length);
    const wanted = new Set(Array.from({ length: k }, (_, i) => nearest[i]!));
    const answer = found[query]!;
    for (let i = 0; i < Math.min(n, answer.length); i++) if (wanted.delete(answer[i]!)) hits++;
  });
  return truth.length === 0 ? Number.NaN : hits / (truth.length * k);
}
