import type { NativeGraph, NativeIndex } from "../../../src/native/surface.js";
import { WINDOW_KS } from "../../../src/search/walk.js";
import { SET_NAMES } from "../../support/data.js";
import type { AskedOfSet } from "../calibration/asked.js";
import { mean } from "../report.js";
import { recallAt } from "./material.js";

/** Windows that are tried; each k among them, where the window of that k begins. */
const TRIED = [1, 2, 3, 4, 6, 8, 10, 12, 16, 24, 30, 48, 64, 100, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048, 3072];
/** Shares missed below this are none: a logarithm needs something. */
const NOTHING = 1e-5;

/** What walks over one graph miss, by window: measured when it is asked for, once for all k. */
export class Misses {
  readonly #index: NativeIndex;
  readonly #graph: NativeGraph;
  readonly #asked: readonly AskedOfSet[];
  readonly #known = new Map<number, ReadonlyMap<number, number>>();

  /** @param index Vectors in memory, so that nothing but the window decides. */
  constructor(index: NativeIndex, graph: NativeGraph, asked: readonly AskedOfSet[]) {
    this.#index = index;
    this.#graph = graph;
    this.#asked = asked;
  }

  /**
   * The smallest window, of k at least, with which a walk meets a share of the k nearest in the mean over either set of
   * queries: between two windows by a straight line in logarithms. `undefined` if no window does.
   */
  windowFor(k: number, share: number): number | undefined {
    let low: { window: number; missed: number } | undefined;
    for (const window of TRIED.filter((one) => one >= k)) {
      const missed = Math.max(NOTHING, this.#at(window).get(k)!);
      if (missed <= 1 - share) {
        if (low === undefined) return window;
        const way = Math.log(low.missed / (1 - share)) / Math.log(low.missed / missed);
        return Math.ceil(low.window * (window / low.window) ** way);
      }
      low = { window, missed };
    }
    return undefined;
  }

  /** By k the share of the true k nearest that is missed, on the set where it is more. */
  #at(searchWindow: number): ReadonlyMap<number, number> {
    const known = this.#known.get(searchWindow);
    if (known) return known;
    const ks = WINDOW_KS.filter((k) => k <= searchWindow);
    const most = Math.max(...ks);
    const sets = SET_NAMES.map((set) => {
      const queries = this.#asked.filter((one) => one.set === set);
      const recalls = queries.map(({ vector, nearest }) => {
        const { nodes } = this.#index.nearest(vector, { k: most, graph: this.#graph, searchWindow });
        return ks.map((k) => recallAt(k, nodes, nearest));
      });
      return ks.map((_, i) => 1 - mean(recalls.map((all) => all[i]!)));
    });
    const missed = new Map(ks.map((k, i) => [k, Math.max(...sets.map((set) => set[i]!))]));
    this.#known.set(searchWindow, missed);
    return missed;
  }
}
