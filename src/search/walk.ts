import type { NativeGraph, NativeIndex, NativeSearchOptions } from "../native.js";
import type { SearchOptions } from "../types.js";

/** How one search finds its candidates: what `NativeSearchOptions` needs besides the plan; empty for a scan. */
export type Walk = Pick<NativeSearchOptions, "mode" | "graph" | "searchWindow" | "ratio" | "strategy"> & {
  /** Most recomputes, in the place of the plan's: a walk that recomputes what it meets ends by its window. */
  cap?: number;
};

/** Codes that a walk looks at for each node of its window. */
export const LOOKS_PER_WINDOW = 20;
/** Window of a walk on codes at least: of the nearest 50, half a percent less is found than by a scan. */
const LEAST_GUIDED_WINDOW = 400;

/** Window of a walk that recomputes what it meets. */
export function exactWindow(k: number): number {
  return Math.max(64, 4 * k);
}

/** What the search is to do. */
export interface Asked {
  asked: SearchOptions["walk"];
  k: number;
  /** Of the plan: so many candidates must come back at least. */
  cap: number;
  /** The caller's limit of recomputes. */
  maxRecomputes: number | undefined;
  /** Nodes that the filter lets through; `undefined` without one. */
  allowed: number | undefined;
}

/**
 * Whether to walk over the graph or to scan, and how wide.
 *
 * A walk meets about `20 * window / share` nodes when only a share of them is allowed, a scan the allowed ones alone: for
 * few allowed nodes, and in small stores, the scan is faster and misses nothing.
 */
export function chooseWalk(
  index: NativeIndex,
  graph: NativeGraph | undefined,
  { asked, k, cap, maxRecomputes, allowed }: Asked,
): Walk {
  if (graph === undefined || asked === "scan") return {};
  // Another search may be reading a new graph and has not come to the rows yet: a scan does meanwhile.
  if (graph.count > index.count) return {};
  const { mode = "guided", window, ratio, strategy } = asked ?? {};
  const searchWindow = window ?? (mode === "guided" ? Math.max(LEAST_GUIDED_WINDOW, 2 * cap, k) : exactWindow(k));
  if (mode !== "guided") {
    const limits = { searchWindow, cap: maxRecomputes ?? index.count };
    return { mode, graph, ...limits, ...(ratio && { ratio }), ...(strategy && { strategy }) };
  }
  const looks = (LOOKS_PER_WINDOW * searchWindow * index.count) / Math.max(1, allowed ?? index.live);
  if (asked === undefined && looks >= (allowed ?? index.live)) return {};
  return { mode, graph, searchWindow };
}
