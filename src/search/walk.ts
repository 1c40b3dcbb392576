import type { SearchOptions } from "../api/search.js";
import { EmbedlessError } from "../base/errors.js";
import { tableAt } from "../codes/calibration.js";
import type { SearchPlan } from "../codes/plan.js";
import type { NativeGraph, NativeIndex, NativeSearchOptions } from "../native/surface.js";

/** How one search finds its candidates: what `NativeSearchOptions` needs besides the plan; empty for a scan. */
export type Walk = Pick<NativeSearchOptions, "mode" | "graph" | "searchWindow" | "ratio" | "strategy"> & {
  /** Most recomputes, in the place of the plan's: a walk that recomputes what it meets ends by its window. */
  cap?: number;
};

/** Codes that a walk looks at for each node of its window and each edge of a node: 20 with 30 edges. */
const LOOKS_PER_EDGE = 2 / 3;
/**
 * What a walk on codes may miss of what a scan finds: half a percent, and half of what the caller allows where that is
 * less. Of what searches answer, on 50,000 passages, 0.1 to 0.4 points of recall were lost with codes of 48 bytes and more at k 3,
 * 10 and 100, up to 0.6 with 24 bytes: `npm run bench -- walks`.
 */
const MOST_MISSED = 0.005;

/** What the search is to do. */
export interface Asked {
  asked: SearchOptions["walk"];
  k: number;
  /** Mean share of the true k nearest to find. */
  recall: number;
  /** The caller's limit of recomputes. */
  maxRecomputes: number | undefined;
  /** Nodes that the filter lets through; `undefined` without one. */
  allowed: number | undefined;
}

/**
 * Whether to walk over the graph or to scan, and how wide. The graph must not know of nodes that the index lacks: see `View`.
 *
 * A walk meets about `20 * window / share` nodes when only a share of them is allowed, a scan the allowed ones alone: for
 * few allowed nodes, and in small stores, the scan is faster and misses nothing.
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

/** The window that meets a share of the true k nearest, in the mean. */
export function windowOf(graph: NativeGraph, index: NativeIndex, k: number, share: number): number {
  return windowFor(graphTraits(graph, index), k, share);
}

/** How many nodes a walk looks at of which so many may be answered: it passes through the others. */
export function nodesMet(
  { edges, count }: NativeGraph,
  index: NativeIndex,
  searchWindow: number,
  answerable: number,
): number {
  const perNode = Math.max(1, (LOOKS_PER_EDGE * edges) / count);
  return (perNode * searchWindow * index.count) / Math.max(1, answerable);
}

/** Share of the true k nearest that a search meets, in the mean; what it makes of them is another matter. 1 for a scan. */
export function shareOfWalk({ graph, searchWindow }: Walk, index: NativeIndex, k: number): number {
  return graph === undefined || searchWindow === undefined ? 1 : shareMet(graphTraits(graph, index), k, searchWindow);
}

function graphTraits({ kind, count, edges }: NativeGraph, { live }: NativeIndex): GraphTraits {
  return { kind, edges, count: Math.max(1, Math.min(count, live)) };
}

/** Whether the rows are vectors, whose estimates are exact but for rounding: the window alone decides what is found. */
function isVector({ coder: { kind } }: NativeIndex): boolean {
  return kind !== "pq" && kind !== "lvq" && kind !== "leanvec";
}

/** What a search of a store without codes is to do. */
export interface AskedOfGraph {
  asked: SearchOptions["walk"];
  k: number;
  /** Mean share of the true k nearest to find. */
  recall: number;
  scores: SearchPlan["scores"];
  /** The caller's limit of recomputes. */
  maxRecomputes: number | undefined;
  /** Nodes that the filter lets through; `undefined` without one. */
  allowed: number | undefined;
}

/**
 * How to search where there are no codes: every passage that a walk meets is recomputed; or, where a filter leaves so few
 * that a walk would meet as many others, each of those.
 *
 * @throws `INVALID_ARGUMENT` for what takes estimates
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
    `The option ${given} takes estimates, but the store has codes "none": ask for ${instead}, or make a store with codes.`,
  );
}

/** What a window depends on of a graph. `count`: its nodes that live; the dead have no edges once it is repaired. */
export type GraphTraits = Pick<NativeGraph, "kind" | "count" | "edges">;

/** Of the graph that the table was measured on: Vamana as it is built by default, over the real passages. */
const MEASURED = { count: 50_000, degree: 30.45 };
/**
 * Windows grow with the edges that a node lacks, to a power of the ratio of degrees: to this one up to k 10, and to half of
 * one less with every tenfold of k. Measured from 50 down to 12 edges; with 8 walks get lost.
 */
const FEWER_EDGES = 1.6;
const LESS_BY_K = 0.5;
const MORE_EDGES = 0.8;
const LARGEST_RATIO = 4;
/** HNSW needs more than Vamana of as many edges. */
const HNSW = 1.15;
/**
 * Each doubling of the nodes asks for so much more of the window that 50,000 need; from 6,250 on 0.1 to 0.2 were measured,
 * the more the larger k is.
 */
const GROWTH = 0.2;
/** In smaller stores a window meets as much as one wider by the ratio of sizes to this power. */
const FEWER_NODES = 0.15;
/** Of what the harder set misses, questions in the middle miss this share. */
const MISSED_BY_MOST = 0.7;
/** Wider than the table by so much: graphs of other passages needed up to 1.5 times of it for few of the nearest. */
const MARGIN = 1.25;
/** The addon's limit; the nearest beyond it are filled up by what the walk met on its way. */
const MOST_WINDOW = 2 ** 20;
/** Rows of the table. */
export const WINDOW_KS = [1, 3, 10, 30, 100];
const LARGEST_K = 100;
/** Shares that the table knows; beyond them `tableAt` has no more to say. */
const LEAST_SHARE = 0.5;
const MOST_SHARE = 0.999;

/**
 * Windows with which a walk on exact distances meets a share of the true k nearest, in the mean over the queries of the
 * harder set. Rows by k, columns by share, those of `calibration.json`: `npm run bench -- walks` measures and prints them.
 * Single queries decide the last columns of the first two rows, so these are smoothed by what smaller stores needed.
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
 * The window with which a walk meets a share of the k nearest, with some to spare.
 *
 * Fewer edges a node ask for wider windows, and so do more nodes.
 *
 * @param share Mean share of the true k nearest that the walk meets; taken as 0.5 to 0.999.
 */
export function windowFor(graph: GraphTraits, k: number, share: number): number {
  const wanted = MARGIN * scaleOf(graph, k) * Math.exp(tableAt(LOGARITHMS, k, bounded(share), WINDOW_KS));
  return Math.min(MOST_WINDOW, Math.max(k, Math.ceil(wanted)));
}

/**
 * The mean share of the true k nearest that a walk meets with a window, at most 0.999: `windowFor` reversed, without its
 * margin, for questions between those of the harder set and easy ones. With a window of 20 it lay within 0.05 of the middle
 * of both sets in stores of 700 to 50,000 passages, and the sets up to 0.1 on either side of it; with 80 all was within 0.03.
 */
export function shareMet(graph: GraphTraits, k: number, window: number): number {
  if (window >= graph.count) return 1;
  const smaller = Math.min(1, graph.count / MEASURED.count) ** FEWER_NODES;
  return 1 - MISSED_BY_MOST * (1 - shareOfHarder(graph, k, window / smaller));
}

/** The share by the table. */
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

/** How much wider than in the table. */
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
