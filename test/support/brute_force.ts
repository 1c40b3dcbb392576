import type { Metric } from "../../src/index.js";
import { normal, seeded } from "./seeded.js";

/** The score of two vectors as the store defines it, in double precision. */
export function scoreOf(metric: Metric, a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [product, aa, bb, apart] = [0, 0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    product += a[i]! * b[i]!;
    aa += a[i]! ** 2;
    bb += b[i]! ** 2;
    apart += (a[i]! - b[i]!) ** 2;
  }
  if (metric === "l2") return -apart;
  return metric === "ip" ? product : product / Math.sqrt(aa * bb);
}

/** The ids of the `k` best of `vectors`, best first, with their scores. */
export function bestOf(
  metric: Metric,
  query: ArrayLike<number>,
  vectors: ReadonlyMap<string, ArrayLike<number>>,
  k: number,
): { id: string; score: number }[] {
  const scored = Array.from(vectors, ([id, vector]) => ({ id, score: scoreOf(metric, query, vector) }));
  return scored.sort((a, b) => b.score - a.score).slice(0, k);
}

/** Vectors of independent normal numbers with falling variance, as learned ones have; the same for the same seed. */
export function randomVectors(count: number, dims: number, seed: number): Float32Array[] {
  const random = seeded(seed);
  return Array.from({ length: count }, () =>
    Float32Array.from({ length: dims }, (_, i) => normal(random) / (1 + i / 8)),
  );
}
