import type { Metric } from "../../../src/api/codes.js";
import type { GraphOptions, NativeGraph, NativeIndex, VectorForm } from "../../../src/native/surface.js";
import { addon, bruteForce, dims, vectors } from "./corpus.js";

/** An index of vectors in a plain form whose rows lie for walks. */
export async function vectorIndex(
  all: Float32Array,
  metric: Metric,
  form: VectorForm = "float32",
): Promise<NativeIndex> {
  const coder = addon.createVectorCoder(form, dims, metric);
  const index = addon.createIndex(coder, { order: "walk" });
  index.publish({ rows: await coder.encode(all) });
  return index;
}

/** Graphs of the size of these tests. */
export const kinds: readonly GraphOptions[] = [
  { kind: "vamana", maxDegree: 16, buildWindow: 40 },
  { kind: "hnsw", M: 8, efConstruction: 40 },
];

/** The k nearest of the nodes that `allowed` takes, by exact scores. */
export function nearest(
  metric: Metric,
  query: Float32Array,
  all: Float32Array,
  k: number,
  allowed: (node: number) => boolean = () => true,
): number[] {
  const found = bruteForce(metric, query, all).filter(({ node }) => allowed(node));
  return found.slice(0, k).map(({ node }) => node);
}

/** Share of `truth` that stands in `nodes`. */
export function recallOf(truth: readonly number[], nodes: Iterable<number>): number {
  const found = new Set(nodes);
  return truth.filter((node) => found.has(node)).length / truth.length;
}

/** Mean of f over some queries. */
export async function overQueries(f: (query: Float32Array) => Promise<number> | number): Promise<number> {
  const count = 30;
  let sum = 0;
  for (let i = 0; i < count; i++) sum += await f(vectors(1, 100 + i));
  return sum / count;
}

export function bitmap(count: number, allowed: (node: number) => boolean): Uint8Array {
  const bits = new Uint8Array(Math.ceil(count / 8));
  for (let node = 0; node < count; node++) {
    if (allowed(node)) bits[node >> 3] = (bits[node >> 3] ?? 0) | (1 << (node & 7));
  }
  return bits;
}

/** All lists of the lowest layer. */
export function lists(graph: NativeGraph): number[][] {
  return Array.from({ length: graph.count }, (_, node) => [...graph.neighbors(node)].sort((a, b) => a - b));
}
