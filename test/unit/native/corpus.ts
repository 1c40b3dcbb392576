import type { Metric } from "../../../src/api/codes.js";
import { native } from "../../../src/native/native.js";
import type { NativeAddon, NativeCoder, NativeIndex, NativeSearch } from "../../../src/native/surface.js";

/** Length of the vectors of these tests. */
export const dims = 24;

export const addon: NativeAddon = native();

export const metrics: readonly Metric[] = ["cosine", "ip", "l2"];

/** Plain forms, their row bytes at `dims`, and the most they may change a number of `vectors`. */
export const forms = [
  ["float32", 4 * dims, 0],
  ["float16", 4 + 2 * dims, 0.0008],
  ["lvq8", 8 + dims, 0.006],
  ["int8", 8 + dims, 0.02],
] as const;

/** n reproducible vectors whose variance falls from one dim to the next. */
export function vectors(n: number, seed = 1, width = dims): Float32Array {
  let state = seed * 2654435761;
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32 - 0.5;
  };
  return Float32Array.from({ length: n * width }, (_, i) => (uniform() + uniform() + uniform()) / (1 + (i % width)));
}

const trained = new Map<Metric, Promise<NativeCoder>>();

/** A codebook of 6 bytes, trained once a metric. */
export function codebook(metric: Metric = "cosine"): Promise<NativeCoder> {
  const known = trained.get(metric) ?? addon.trainCodebook(vectors(600), { dims, metric, code: { bytes: 6 } });
  trained.set(metric, known);
  return known;
}

/** An index of n vectors, and the vectors. */
export async function filledIndex(coder: NativeCoder, n: number): Promise<{ index: NativeIndex; all: Float32Array }> {
  const all = vectors(n, 7);
  const index = addon.createIndex(coder);
  index.publish({ rows: await coder.encode(all) });
  return { index, all };
}

/** Feeds a search until it is done; nodes in `gone` are reported missing. */
export function feedAll(search: NativeSearch, all: Float32Array, gone = new Set<number>()): number[] {
  const asked: number[] = [];
  while (!search.done) {
    const wants = [...search.wants()];
    asked.push(...wants);
    const found = wants.filter((node) => !gone.has(node));
    const rows = new Float32Array(found.length * dims);
    for (const [i, node] of found.entries()) rows.set(all.subarray(node * dims, (node + 1) * dims), i * dims);
    search.feed(Uint32Array.from(found), rows, Uint32Array.from(wants.filter((node) => gone.has(node))));
  }
  return asked;
}

/** Exact scores of a query by brute force: nodes, best first. */
export function bruteForce(metric: Metric, query: Float32Array, all: Float32Array): { node: number; score: number }[] {
  const scored = Array.from({ length: all.length / dims }, (_, node) => ({
    node,
    score: addon.score(metric, query, all.slice(node * dims, (node + 1) * dims)),
  }));
  return scored.sort((a, b) => b.score - a.score || a.node - b.node);
}

/** What `f` throws; fails if it throws nothing. */
export function caught(f: () => unknown): Error {
  try {
    f();
  } catch (error) {
    return error as Error;
  }
  throw new Error("nothing was thrown");
}
