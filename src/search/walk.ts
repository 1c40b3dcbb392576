import type { SearchOptions } from "../api/search.js";
import { EmbedlessError } from "../base/errors.js";
import { tableAt } from "../codes/calibration.js";
import type { SearchPlan } from "../codes/plan.js";
import type { NativeGraph, NativeIndex, NativeSearchOptions } from "../native/surface.js";

/** How one search finds its candidates: what `NativeSearchOptions` needs in addition to the plan. Empty for a scan. */
export type Walk = Pick<NativeSearchOptions, "mode" | "graph" | "searchWindow" | "ratio" | "strategy"> & {
  /** Most recomputes, instead of the plan's. A walk that recomputes what it meets ends by its window. */
  cap?: number;
};

/** Codes that a walk reads per node of its window and per edge of a node: 20 with 30 edges. */
const LOOKS_PER_EDGE = 2 / 3;
/**
 * What a walk on codes may miss of what a scan finds: half a percent, or half of what the caller allows if that is
 * less. On 50,000 passages, answers lost 0.1 to 0.4 points of recall with codes of 48 bytes and more at k 3, 10 and
 * 100, and up to 0.6 with 24 bytes: `npm run bench -- walks`.
 */
const MOST_MISSED = 0.005;

/** The goal of a search. */
export interface Asked {
  asked: SearchOptions["walk"];
  k: number;
  /** Mean share of the true k nearest to find. */
  recall: number;
  /** The caller's limit of recomputes. */
  maxRecomputes: number | undefined;
  /** Number of nodes that pass the filter; `undefined` without one. */
  allowed: number | undefined;
}

/**
 * Decides whether to walk the graph or to scan, and how wide the window is. The graph must not have nodes that the
 * index lacks: see `View`.
 *
 * If only a share of the nodes is allowed, a walk visits about `20 * window / share` nodes, and a scan reads only the
 * allowed ones. With few allowed nodes, and in small stores, the scan is faster and misses nothing.
 */
export function chooseWalk(
  index: NativeIndex,
  graph: NativeGraph | undefined,
  { asked, k, recall, maxRecomputes, allowed }: Asked,
): Walk {
  if (graph === undefined || asked === "scan") return {};
  const { mode = "guided", window, ratio, strategy } = asked ?? {};
  const isExact = mode !== "guided" || isVector(index);
  const share = isExact ? recall : 1 - Math.min(MOST_MISSED, (1 - recall) / 2);
  const searchWindow = window ?? windowOf(graph, index, k, share);
  if (mode !== "guided") {
    const limits = { searchWindow, cap: maxRecomputes ?? index.count };
    return { mode, graph, ...limits, ...(ratio && { ratio }), ...(strategy && { strategy }) };
  }
  const answerable = allowed ?? index.live;
  if (asked === undefined && nodesMet(graph, index, searchWindow, answerable) >= answerable) return {};
  return { mode, graph, searchWindow };
}

/** The window that finds a share of the true k nearest, on average. */
export function windowOf(graph: NativeGraph, index: NativeIndex, k: number, share: number): number {
  return windowFor(graphTraits(graph, index), k, share);
}

/** Expected number of nodes a walk visits when `allowed` nodes pass the filter. It passes through the others too. */
export function nodesMet(
  { edges, count }: NativeGraph,
  index: NativeIndex,
  searchWindow: number,
  answerable: number,
): number {
  const perNode = Math.max(1, (LOOKS_PER_EDGE * edges) / count);
  return (perNode * searchWindow * index.count) / Math.max(1, answerable);
}

/** Mean share of the true k nearest that a search meets, before it ranks them. 1 for a scan. */
export function shareOfWalk({ graph, searchWindow }: Walk, index: NativeIndex, k: number): number {
  return graph === undefined || searchWindow === undefined ? 1 : shareMet(graphTraits(graph, index), k, searchWindow);
}

function graphTraits({ kind, count, edges }: NativeGraph, { live }: NativeIndex): GraphTraits {
  return { kind, edges, count: Math.max(1, Math.min(count, live)) };
}

/**
 * Whether the rows are vectors. Then estimates are exact except for rounding, and the window alone decides what is
 * found.
 */
function isVector({ coder: { kind } }: NativeIndex): boolean {
  return kind !== "pq" && kind !== "lvq" && kind !== "leanvec";
}

/** The goal of a search in a store without codes. */
export interface AskedOfGraph {
  asked: SearchOptions["walk"];
  k: number;
  /** Mean share of the true k nearest to find. */
  recall: number;
  scores: SearchPlan["scores"];
  /** The caller's limit of recomputes. */
  maxRecomputes: number | undefined;
  /** Number of nodes that pass the filter; `undefined` without one. */
  allowed: number | undefined;
}

/**
 * How to search without codes. Every passage that the walk meets is recomputed. If a filter leaves so few that a walk
 * would meet as many others, all that the filter leaves are recomputed instead.
 *
 * @throws `INVALID_ARGUMENT` for options that need estimates
 */
export function walkWithoutCodes(
  index: NativeIndex,
  graph: NativeGraph,
  { asked, k, recall, scores, maxRecomputes, allowed = index.live }: AskedOfGraph,
): Walk {
  const { mode = "exact", window } = asked === "scan" ? { mode: asked } : (asked ?? {});
  if (mode !== "exact") throw refusal(`walk: ${JSON.stringify(asked)}`, 'walk: { mode: "exact" }');
  if (maxRecomputes === 0) throw refusal("recompute: 0", "recompute: { max }");
  if (scores === "approx") throw refusal('scores: "approx"', 'scores: "exact"');
  const searchWindow = window ?? windowOf(graph, index, k, recall);
  const isWalk = nodesMet(graph, index, searchWindow, allowed) < allowed;
  return { mode, searchWindow, cap: maxRecomputes ?? index.count, ...(isWalk && { graph }) };
}

function refusal(given: string, instead: string): EmbedlessError {
  return new EmbedlessError(
    "INVALID_ARGUMENT",
    `The option ${given} needs estimates, but the store has codes "none". Use ${instead}, or create a store with codes.`,
  );
}

/**
 * The properties of a graph that a window depends on. `count`: its live nodes. Dead nodes have no edges after repair.
 */
export type GraphTraits = Pick<NativeGraph, "kind" | "count" | "edges">;

/** The graph that the table was measured on: Vamana with its default settings, over real passages. */
const MEASURED = { count: 50_000, degree: 30.45 };
/**
 * Windows grow if nodes have fewer edges, by the ratio of degrees to this power up to k 10, and to a power lower by a
 * half per tenfold k. Measured from 50 down to 12 edges; with 8, walks get lost.
 */
const FEWER_EDGES = 1.6;
const LESS_BY_K = 0.5;
const MORE_EDGES = 0.8;
const LARGEST_RATIO = 4;
/** HNSW needs wider windows than Vamana with as many edges. */
const HNSW = 1.15;
/**
 * Each doubling of the nodes beyond 50,000 widens the window by this share of the window for 50,000. From 6,250 on 0.1
 * to 0.2 were measured, more for larger k.
 */
const GROWTH = 0.2;
/** In smaller stores a window finds as much as one that is wider by the ratio of sizes to this power. */
const FEWER_NODES = 0.15;
/** Average questions miss this share of what the harder set misses. */
const MISSED_BY_MOST = 0.7;
/**
 * Windows are this much wider than in the table. Graphs of other passages needed up to 1.5 times its windows for few
 * nearest.
 */
const MARGIN = 1.25;
/** The addon's limit. More hits than that are filled up with what the walk met on its way. */
const MOST_WINDOW = 2 ** 20;
/** Rows of the table. */
export const WINDOW_KS = [1, 3, 10, 30, 100];
const LARGEST_K = 100;
/** The range of shares in the table. Other shares are limited to it. */
const LEAST_SHARE = 0.5;
const MOST_SHARE = 0.999;

/**
 * Windows with which a walk on exact distances finds a share of the true k nearest, as a mean over the queries of the
 * harder set. Rows by k, columns by share, those of `calibration.json`: `npm run bench -- walks` measures and prints
 * them. Single queries decide the last columns of the first two rows, so these are smoothed by what smaller stores
 * needed.
 */
// biome-ignore format: several numbers a line
const WINDOWS: readonly (readonly number[])[] = [
  [5, 10, 16, 32, 47, 65, 140, 500],
  [5, 10, 16, 32, 47, 65, 140, 600],
  [10, 12, 19, 36, 59, 83, 177, 943],
  [30, 30, 33, 65, 121, 179, 377, 1387],
  [100, 100, 100, 170, 293, 412, 796, 2289],
];
const LOGARITHMS = WINDOWS.map((row) => row.map(Math.log));

/**
 * The window with which a walk finds a share of the k nearest, with a margin.
 *
 * Fewer edges per node need wider windows, and so do more nodes.
 *
 * @param share Mean share of the true k nearest to find, limited to 0.5 to 0.999.
 */
export function windowFor(graph: GraphTraits, k: number, share: number): number {
  const wanted = MARGIN * scaleOf(graph, k) * Math.exp(tableAt(LOGARITHMS, k, bounded(share), WINDOW_KS));
  return Math.min(MOST_WINDOW, Math.max(k, Math.ceil(wanted)));
}

/**
 * The mean share of the true k nearest that a walk finds with a window, at most 0.999. It is `windowFor` reversed,
 * without its margin, for questions between the harder set and easy ones. With a window of 20 it lay within 0.05 of the
 * middle of both sets in stores of 700 to 50,000 passages, and the sets lay up to 0.1 on either side of it; with 80
 * everything was within 0.03.
 */
export function shareMet(graph: GraphTraits, k: number, window: number): number {
  if (window >= graph.count) return 1;
  const smaller = Math.min(1, graph.count / MEASURED.count) ** FEWER_NODES;
  return 1 - MISSED_BY_MOST * (1 - shareOfHarder(graph, k, window / smaller));
}

/** The share according to the table. */
function shareOfHarder(graph: GraphTraits, k: number, window: number): number {
  let low = LEAST_SHARE;
  let high = MOST_SHARE;
  for (let round = 0; round < 30; round++) {
    const middle = (low + high) / 2;
    if (scaleOf(graph, k) * Math.exp(tableAt(LOGARITHMS, k, middle, WINDOW_KS)) <= window) low = middle;
    else high = middle;
  }
  return low;
}

/** How much wider windows are than in the table. */
function scaleOf({ kind, count, edges }: GraphTraits, k: number): number {
  const ratio = Math.min(LARGEST_RATIO, MEASURED.degree / Math.max(1, edges / count));
  const tenfolds = Math.log10(Math.min(LARGEST_K, Math.max(10, k)) / 10);
  const power = ratio > 1 ? FEWER_EDGES - LESS_BY_K * tenfolds : MORE_EDGES;
  const shape = ratio ** power * (kind === "hnsw" ? HNSW : 1);
  const size = 1 + GROWTH * Math.max(0, Math.log2(count / MEASURED.count));
  return shape * size * Math.max(1, k / LARGEST_K);
}

function bounded(share: number): number {
  return Math.min(MOST_SHARE, Math.max(LEAST_SHARE, share));
}
