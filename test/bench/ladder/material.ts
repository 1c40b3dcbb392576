import type { NativeAddon, NativeGraph, NativeIndex, VectorForm } from "../../../src/native/surface.js";
import { DATA_DIMS } from "../../support/data.js";

/** Vectors encoded at a time. */
const SLICE = 4096;

/** Vectors in memory in one of their plain forms, as a store keeps them for walks (`walk`) or for scans. */
export async function vectorIndex(
  addon: NativeAddon,
  vectors: Float32Array,
  { form = "float32", order = "walk" }: { form?: VectorForm; order?: "walk" | "scan" } = {},
): Promise<NativeIndex> {
  const index = addon.createIndex(addon.createVectorCoder(form, DATA_DIMS, "cosine"), { order });
  await append(index, vectors);
  return index;
}

/** Encodes vectors and puts them behind what an index has. */
export async function append(index: NativeIndex, vectors: Float32Array): Promise<void> {
  for (let at = 0; at < vectors.length; at += SLICE * DATA_DIMS) {
    index.publish({ rows: await index.coder.encode(vectors.subarray(at, at + SLICE * DATA_DIMS)) });
  }
}

/** An index that keeps nothing of its passages. */
export function emptyIndex(addon: NativeAddon, nodes: number): NativeIndex {
  const index = addon.createIndex(addon.createEmptyCoder(DATA_DIMS, "cosine"));
  index.publish({ nodes });
  return index;
}

/** Bytes a node of a graph on disk. */
export async function graphBytes(graph: NativeGraph): Promise<number> {
  const { header, blocks } = await graph.save();
  return blocks.reduce((sum, block) => sum + block.length, header.length) / graph.count;
}

/** Share of the first k of `nearest` that stands among the first k of `nodes`. */
export function recallAt(k: number, nodes: ArrayLike<number>, nearest: readonly number[]): number {
  const wanted = new Set(nearest.slice(0, k));
  let found = 0;
  for (let i = 0; i < Math.min(k, nodes.length); i++) if (wanted.has(nodes[i]!)) found++;
  return found / k;
}
