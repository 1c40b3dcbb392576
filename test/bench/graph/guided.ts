import type { NativeGraph, NativeIndex } from "../../../src/native/surface.js";
import type { SetName } from "../../support/data.js";
import { type Report, round } from "../report.js";
import type { Asked } from "./ladder.js";

/** Best by estimate among which the true 10 are looked for. */
const KEPT = 50;
const WINDOWS = [50, 100, 200, 400, 600, 800];
const ROUNDS = 3;

/** How a walk on codes does beside a scan of all of them. */
export interface Guided {
  readonly set: SetName;
  readonly searchWindow: number;
  /** Share of the true 10 among the best 50 by estimate, of the walk and of the scan. */
  readonly share: number;
  readonly scanShare: number;
  readonly usPerQuery: number;
}

/** Walks over a graph on the codes of `index`, by one thread, beside scans of the same codes. */
export async function measureGuided(
  index: NativeIndex,
  graph: NativeGraph,
  asked: readonly Asked[],
): Promise<Guided[]> {
  const all: Guided[] = [];
  for (const one of asked) {
    const scanned: Uint32Array[] = [];
    for (const query of one.queries) {
      const search = await index.search(query, { k: KEPT, cap: 0, pool: 4 * KEPT });
      scanned.push(search.result().nodes);
    }
    for (const searchWindow of WINDOWS) {
      const walk = (query: Float32Array) => index.nearest(query, { k: KEPT, graph, searchWindow }).nodes;
      const best = one.queries.map(() => Number.POSITIVE_INFINITY);
      const walked = one.queries.map(walk);
      for (let i = 0; i < ROUNDS; i++) {
        one.queries.forEach((query, at) => {
          const start = performance.now();
          walk(query);
          best[at] = Math.min(best[at]!, performance.now() - start);
        });
      }
      all.push({
        set: one.set,
        searchWindow,
        share: shareOf(one.truth, walked),
        scanShare: shareOf(one.truth, scanned),
        usPerQuery: (best.reduce((sum, ms) => sum + ms, 0) * 1000) / best.length,
      });
    }
  }
  return all;
}

/** The figures, and whether a walk is fast and good enough on every set. */
export function reportGuided(report: Report, what: string, index: NativeIndex, guided: readonly Guided[]): void {
  report.figures(
    "guided",
    guided.map(({ set, searchWindow, share, scanShare, usPerQuery }) => ({
      record: {
        graph: what,
        vectors: index.count,
        set,
        searchWindow,
        in50: round(share, 4),
        scanIn50: round(scanShare, 4),
        usPerQuery: round(usPerQuery, 1),
      },
    })),
  );
}

function shareOf(truth: Asked["truth"], found: readonly Uint32Array[]): number {
  let hits = 0;
  let wanted = 0;
  truth.forEach((nodes, i) => {
    hits += found[i]!.reduce((sum, node) => sum + (nodes.has(node) ? 1 : 0), 0);
    wanted += nodes.size;
  });
  return hits / wanted;
}
