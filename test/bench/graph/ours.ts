import type {
  GraphOptions,
  NativeAddon,
  NativeCoder,
  NativeGraph,
  NativeIndex,
  VectorForm,
} from "../../../src/native/surface.js";
import { DATA_DIMS } from "../../support/data.js";
import { type Engine, K, timed } from "./engine.js";

/** Threads of a build: as many as the targets allow. */
export const BUILD_THREADS = 2;

/** Forms in which a store keeps vectors. */
export const FORMS = ["float32", "float16", "lvq8"] as const satisfies readonly VectorForm[];

/** Rows that one publication takes. */
const ROWS_AT_ONCE = 32_768;
/** What a walk keeps beside a row: its live bit, and the norm of its vector. */
const BESIDE_ROW = 1 / 8 + 4;

/** An index of this library over kept vectors, and a graph over it with its usual settings. */
export interface Ours extends Engine {
  readonly vectors: NativeIndex;
  readonly graph: NativeGraph;
}

export async function ours(
  addon: NativeAddon,
  vectors: Float32Array,
  form: VectorForm,
  kind: GraphOptions["kind"],
): Promise<Ours> {
  const { result, build } = await timed(async () => {
    const index = await filledIndex(addon, addon.createVectorCoder(form, DATA_DIMS, "cosine"), vectors);
    return { index, graph: await addon.buildGraph(index, { kind, threads: BUILD_THREADS }) };
  });
  return engineOf(`${kind} ${form}`, result.index, result.graph, build);
}

/** The same graph with its lists packed: less than half their bytes, for some time. */
export async function packed(addon: NativeAddon, one: Ours): Promise<Ours> {
  const graph = await addon.loadGraph(await one.graph.save(), { lists: "packed" });
  return engineOf(`${one.index}, packed`, one.vectors, graph, one.build);
}

function engineOf(index: string, vectors: NativeIndex, graph: NativeGraph, build: Engine["build"]): Ours {
  return {
    engine: "embedless",
    index,
    build,
    bytesPerVector: vectors.coder.rowBytes + BESIDE_ROW + graph.memoryBytes / graph.count,
    vectors,
    graph,
    prepare: (queries) => (searchWindow) => (i) => vectors.nearest(queries[i]!, { k: K, graph, searchWindow }).nodes,
  };
}

/** An index of `vectors` in the order that walks read fastest. */
export async function filledIndex(addon: NativeAddon, coder: NativeCoder, vectors: Float32Array): Promise<NativeIndex> {
  const index = addon.createIndex(coder, { order: "walk" });
  for (let first = 0; first < vectors.length; first += ROWS_AT_ONCE * DATA_DIMS) {
    const part = vectors.subarray(first, first + ROWS_AT_ONCE * DATA_DIMS);
    index.publish({ rows: await coder.encode(part), release: true });
  }
  return index;
}
