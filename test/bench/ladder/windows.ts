import type { NativeGraph, NativeIndex } from "../../../src/native.js";
import { SET_NAMES } from "../../support/data.js";
import type { Asked } from "../calibration/asked.js";
import { mean } from "../report.js";
import { recallAt } from "./material.js";

/** Windows that are tried, each about 1.4 times the one before. */
const TRIED = [
  1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048, 3072, 4096,
];
/** Shares missed below this are none: a logarithm needs something. */
const NOTHING = 1e-5;

/**
 * The smallest window with which a walk on vectors meets a share of the k nearest in the mean over either set of queries,
 * between two windows by a straight line in logarithms; at least k. `undefined` if no window does.
 */
export function windowNeeded(
  index: NativeIndex,
  graph: NativeGraph,
  asked: readonly Asked[],
  k: number,
  share: number,
): number | undefined {
  const tried = TRIED.filter((window) => window >= k);
  if (tried[0] !== k) tried.unshift(k);
  let low: { window: number; missed: number } | undefined;
  for (const window of tried) {
    const missed = Math.max(NOTHING, missedBy(index, graph, asked, k, window));
    if (missed <= 1 - share) {
      if (low === undefined) return window;
      const way = Math.log(low.missed / (1 - share)) / Math.log(low.missed / missed);
      return Math.ceil(low.window * (window / low.window) ** way);
    }
    low = { window, missed };
  }
  return undefined;
}

const known = new WeakMap<NativeGraph, Map<string, number>>();

/** Share of the true k nearest that is missed, on the set where it is more. */
function missedBy(
  index: NativeIndex,
  graph: NativeGraph,
  asked: readonly Asked[],
  k: number,
  searchWindow: number,
): number {
  const of = known.get(graph) ?? new Map<string, number>();
  known.set(graph, of);
  const key = `${asked.length} ${k} ${searchWindow}`;
  const missed =
    of.get(key) ??
    Math.max(
      ...SET_NAMES.map((set) => {
        const queries = asked.filter((one) => one.set === set);
        const found = queries.map(({ vector, nearest }) =>
          recallAt(k, index.nearest(vector, { k, graph, searchWindow }).nodes, nearest),
        );
        return 1 - mean(found);
      }),
    );
  of.set(key, missed);
  return missed;
}
