import type { Hit } from "../../src/index.js";

/**
 * Chooses hits that are near the question and different from each other: maximal marginal relevance, Carbonell and
 * Goldstein 1998.
 *
 * @param hits Candidates with their vectors. Candidates without a vector are ignored.
 * @param k How many to choose.
 * @param threshold 1: only nearness counts; 0: only difference counts.
 * @returns the chosen hits in the order they were chosen
 */
export function diverse(hits: readonly Hit[], k: number, threshold: number): Hit[] {
  const left = hits.flatMap((hit) => (hit.vector ? { hit, unit: unitOf(hit.vector), overlap: -1 } : []));
  const chosen: Hit[] = [];
  while (chosen.length < k && left.length > 0) {
    const value = ({ hit, overlap }: (typeof left)[number]) =>
      threshold * hit.score - (chosen.length === 0 ? 0 : (1 - threshold) * overlap);
    const at = left.reduce((top, candidate, i) => (value(candidate) > value(left[top]!) ? i : top), 0);
    const [next] = left.splice(at, 1);
    chosen.push(next!.hit);
    for (const candidate of left) candidate.overlap = Math.max(candidate.overlap, dot(candidate.unit, next!.unit));
  }
  return chosen;
}

function unitOf(vector: Float32Array): Float32Array {
  const length = Math.sqrt(dot(vector, vector)) || 1;
  return vector.map((x) => x / length);
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}
