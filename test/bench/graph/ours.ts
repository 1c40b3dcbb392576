import type { GraphOptions, NativeAddon, NativeGraph, NativeIndex, VectorForm } from "../../../src/native.js";
import { DATA_DIMS } from "../../support/data.js";
import { type Engine, K, timed } from "./engine.js";

/** Threads of a build: as many as the targets allow. */
export const BUILD_THREADS = 2;

/** Forms in which a store keeps vectors. */
export const FORMS = ["float32", "float16", "lvq8"] as const satisfies readonly VectorForm[];

/** Rows that one publication takes. */
const ROWS_AT_ONCE = 32_768;

/** An index of this library over vectors that are kept, and a graph over it with its usual settings. */
export async function ours(
  addon: NativeAddon,
  vectors: Float32Array,
  form: VectorForm,
  kind: "vamana" | "hnsw",
): Promise<Engine & { index: string; graph: NativeGraph }> {
  const { result, build } = await timed(async () => {
    const index = await keptVectors(addon, vectors, form);
    const graph = await addon.buildGraph(index, graphOptions(kind));
    return { index, graph };
  });
  const { index, graph } = result;
  return {
    engine: "embedless",
    index: `${kind} ${form}`,
    build,
    bytesPerVector: (index.memoryBytes + graph.memoryBytes) / index.count,
    graph,
    prepare: (queries) => (searchWindow) => (i) => index.nearest(queries[i]!, { k: K, graph, searchWindow }).nodes,
  };
}

/** Vectors in the memory order that walks read fastest. */
export async function keptVectors(addon: NativeAddon, vectors: Float32Array, form: VectorForm): Promise<NativeIndex> {
  const coder = addon.createVectorCoder(form, DATA_DIMS, "cosine");
  const index = addon.createIndex(coder, { order: "walk" });
  const count = vectors.length / DATA_DIMS;
  for (let first = 0; first < count; first += ROWS_AT_ONCE) {
    const part = vectors.subarray(first * DATA_DIMS, (first + ROWS_AT_ONCE) * DATA_DIMS);
    index.publish({ rows: await coder.encode(part), release: true });
  }
  return index;
}

function graphOptions(kind: "vamana" | "hnsw"): GraphOptions {
  return { kind, threads: BUILD_THREADS };
}
