import { planSearch, type SearchPlan } from "../../../src/codes/plan.js";
import type { NativeAddon, NativeGraph, NativeIndex } from "../../../src/native/surface.js";
import { chooseWalk, type Walk } from "../../../src/search/walk.js";
import { codeData } from "../coded_data.js";
import { emptyIndex, graphBytes, vectorIndex } from "./material.js";

/** A way to find passages whose vectors are not kept. */
export interface Method {
  readonly name: string;
  readonly bytesPerPassage: number;
  readonly index: NativeIndex;
  /** Whether one search answers every k: a walk that recomputes what it meets does not look at k. */
  readonly servesAll: boolean;
  /** How a search of each effort is done, least first. */
  readonly efforts: readonly ((k: number) => SearchPlan & Walk)[];
  /** The effort that is likely to reach the targets. */
  readonly start: number;
}

/** Windows of walks that recompute what they meet. */
const WINDOWS = [4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024];
/** Recall that searches by the bound are asked for. */
const TARGETS = [0.5, 0.7, 0.8, 0.85, 0.9, 0.93, 0.95, 0.97, 0.98, 0.99, 0.999];
/** One byte holds eight live bits, which every store keeps. */
const LIVE_BIT = 1 / 8;
/** Edges of the thinned graphs. */
const FEW_EDGES = 12;
/** Bytes a passage of a store that keeps a graph alone. */
const GRAPH_ALONE = 25;

const thinnedTo = (method: string) => `exact walk, Vamana thinned to ${FEW_EDGES} edges: ${method}`;
const thinnedToBytes = `exact walk, Vamana thinned to ${GRAPH_ALONE} bytes: prune`;
/** Names of the methods that tell which way of thinning is better: by hubs, and plainly to less and to more than its bytes. */
export const THINNED = [thinnedTo("hubs"), thinnedTo("prune"), thinnedToBytes] as const;

/** Methods in the order of the ideas, each built when its turn comes. */
export async function* methodsOf(
  addon: NativeAddon,
  vectors: Float32Array,
  data: string,
  note: (sentence: string) => void,
): AsyncGenerator<Method> {
  const full = await vectorIndex(addon, vectors);
  const none = emptyIndex(addon, full.count);
  const codes = new Map<string, { index: NativeIndex; bytes: number }>();
  for (const code of ["24", "48", "96"]) {
    const { index, bytesPerVector } = await codeData(addon, vectors, code, "trained", data);
    codes.set(code, { index, bytes: bytesPerVector });
  }
  const exact = async (name: string, graph: NativeGraph) =>
    recomputing(name, none, { mode: "exact", graph }, (await graphBytes(graph)) + LIVE_BIT);
  const twoLevel = async (name: string, code: string, graph: NativeGraph, walk: Walk) => {
    const { index, bytes } = codes.get(code)!;
    return recomputing(name, index, { ...walk, mode: "two-level", graph }, (await graphBytes(graph)) + bytes);
  };

  const hnsw = await addon.buildGraph(full, { kind: "hnsw", M: 32, efConstruction: 200 });
  yield await exact("exact walk, HNSW as LEANN's (M 32, efConstruction 200)", hnsw);
  const vamana = await addon.buildGraph(full, { kind: "vamana" });
  note(`Vamana: ${edges(vamana)} edges a node; HNSW: ${edges(hnsw)} in the lowest layer`);
  yield await exact("exact walk, Vamana", vamana);
  for (const method of ["random", "hubs", "prune"] as const) {
    yield await exact(thinnedTo(method), await vamana.thin(full, { degree: FEW_EDGES, method }));
  }
  yield await exact(thinnedToBytes, await vamana.thin(full, { bytes: GRAPH_ALONE }));

  for (const ratio of [0.5, 0.2, 0.1, 0.05]) yield await twoLevel(`two-level, ratio ${ratio}`, "48", vamana, { ratio });
  for (const strategy of ["local", "proportional"] as const) {
    yield await twoLevel(`two-level, ratio 0.1, ${strategy}`, "48", vamana, { ratio: 0.1, strategy });
  }
  yield await twoLevel("two-level, ratio 0.1, HNSW", "48", hnsw, { ratio: 0.1 });
  yield await twoLevel("two-level, ratio 0.1, 24-byte codes", "24", vamana, { ratio: 0.1 });
  const thin = await vamana.thin(full, { degree: FEW_EDGES });
  yield await twoLevel(`two-level, ratio 0.1, thinned to ${FEW_EDGES} edges`, "48", thin, { ratio: 0.1 });

  for (const [code, graph, form] of [
    ["48", vamana, ""],
    ["48", thin, `, thinned to ${FEW_EDGES} edges`],
  ] as const) {
    const { index, bytes } = codes.get(code)!;
    yield bounded(`guided walk, ${code}-byte codes${form}`, index, graph, bytes + (await graphBytes(graph)));
  }
  const { index, bytes } = codes.get("48")!;
  yield bounded("scan, 48-byte codes, clear hits by estimate", index, undefined, bytes, "approx");
  for (const [code, { index, bytes }] of codes) yield bounded(`scan, ${code}-byte codes`, index, undefined, bytes);
}

function edges(graph: NativeGraph): string {
  return (graph.edges / graph.count).toFixed(1);
}

/** A walk whose window decides what it finds. Recomputes are asked for as soon as they are known to be needed. */
function recomputing(name: string, index: NativeIndex, walk: Walk, bytesPerPassage: number): Method {
  const plan = { recall: 1, leastChance: 1, batch: 1, cap: index.count, pool: 400, scores: "exact" as const };
  const efforts = WINDOWS.map((searchWindow) => () => ({ ...plan, ...walk, searchWindow }));
  return { name, bytesPerPassage, index, servesAll: true, efforts, start: WINDOWS.indexOf(48) };
}

/** A search by the bound, over a graph or by scan, as the store does it. */
function bounded(
  name: string,
  index: NativeIndex,
  graph: NativeGraph | undefined,
  bytesPerPassage: number,
  scores: SearchPlan["scores"] = "exact",
): Method {
  const efforts = TARGETS.map((recall) => (k: number) => {
    const plan = planSearch(k, recall, { code: index.coder, scores });
    const asked = graph ? ({ mode: "guided" } as const) : ("scan" as const);
    const walk = chooseWalk(index, graph, { asked, k, recall, maxRecomputes: undefined, allowed: undefined });
    return { ...plan, ...walk };
  });
  return { name, bytesPerPassage, index, servesAll: false, efforts, start: TARGETS.indexOf(0.9) };
}
