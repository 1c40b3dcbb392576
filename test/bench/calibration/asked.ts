import type { NativeIndex } from "../../../src/native.js";
import type { SearchPlan } from "../../../src/search/plan.js";
import { DATA_DIMS, readQueries, rowOf, SET_NAMES, type SetName } from "../../support/data.js";
import { mean } from "../report.js";
import type { Truth } from "../truth.js";

/** A query of the data with its true nearest. */
export interface Asked {
  readonly set: SetName;
  readonly vector: Float32Array;
  /** Queries of even place fit, the others judge. */
  readonly fits: boolean;
  /** Best first. */
  readonly nearest: readonly number[];
}

/** Queries of both sets, all of them or those that `takes` says, with `depth` nearest each. */
export async function readAsked(
  data: string,
  truth: Truth,
  depth: number,
  takes: (place: number) => boolean = () => true,
): Promise<Asked[]> {
  const asked: Asked[] = [];
  for (const set of SET_NAMES) {
    const { vectors, count } = readQueries(data, set);
    for (let i = 0; i < count; i++) {
      if (!takes(i)) continue;
      const vector = rowOf(vectors, i);
      asked.push({ set, vector, fits: i % 2 === 0, nearest: await truth.nearest(vector, depth) });
    }
  }
  return asked;
}

/** What a real search gave. */
export interface Searched {
  readonly recall: number;
  /** `NativeResult.expectedRecall`. */
  readonly raw: number;
  readonly recomputed: number;
  /** Nodes whose vectors it asked for, in order. */
  readonly looks: readonly number[];
}

/** One real search; exact vectors are those of the data. */
export async function searchReally(
  index: NativeIndex,
  vectors: Float32Array,
  query: Asked,
  k: number,
  plan: SearchPlan,
): Promise<Searched> {
  const session = await index.search(query.vector, { k, ...plan });
  const looks: number[] = [];
  while (!session.done) {
    const wanted = session.wants();
    const exact = new Float32Array(wanted.length * DATA_DIMS);
    wanted.forEach((node, i) => {
      exact.set(rowOf(vectors, node), i * DATA_DIMS);
    });
    looks.push(...wanted);
    session.feed(wanted, exact, new Uint32Array());
  }
  const { nodes, expectedRecall, recomputed } = session.result();
  const wanted = new Set(query.nearest.slice(0, k));
  const hits = nodes.reduce((sum, node) => sum + (wanted.has(node) ? 1 : 0), 0);
  return { recall: hits / k, raw: expectedRecall, recomputed, looks };
}

/** The lowest of the means of several lists. */
export function lowestMean(lists: readonly (readonly number[])[]): number {
  return Math.min(...lists.map(mean));
}
