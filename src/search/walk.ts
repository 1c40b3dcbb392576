import type { NativeGraph, NativeIndex, NativeSearchOptions } from "../native.js";
import type { SearchOptions } from "../types.js";
import { type GraphTraits, shareMet, windowFor } from "./walk_window.js";

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
  return windowFor(traitsOf(graph, index), k, share);
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
  return graph === undefined || searchWindow === undefined ? 1 : shareMet(traitsOf(graph, index), k, searchWindow);
}

function traitsOf({ kind, count, edges }: NativeGraph, { live }: NativeIndex): GraphTraits {
  return { kind, edges, count: Math.max(1, Math.min(count, live)) };
}

/** Whether the rows are vectors, whose estimates are exact but for rounding: the window alone decides what is found. */
function isVector({ coder: { kind } }: NativeIndex): boolean {
  return kind !== "pq" && kind !== "lvq" && kind !== "leanvec";
}
