import type { SearchPlan } from "../../../src/codes/plan.js";
import type { NativeIndex, NativeSearch } from "../../../src/native/surface.js";
import { DATA_DIMS, readQueries, rowOf, SET_NAMES, type SetName } from "../../support/data.js";
import type { Truth } from "../truth.js";

/** A query of the data with its true nearest. */
export interface Asked {
  readonly vector: Float32Array;
  /** Best first. */
  readonly nearest: readonly number[];
  /** Bitmap of the passages that it is asked of; all of them if it has none. */
  readonly among?: Uint8Array;
}

/** A query with the set that it is from. */
export interface AskedOfSet extends Asked {
  readonly set: SetName;
}

/** Queries of both sets, all of them or those that `takes` says, with `depth` nearest each. */
export async function readAsked(
  data: string,
  truth: Truth,
  depth: number,
  takes: (place: number) => boolean = () => true,
): Promise<AskedOfSet[]> {
  const asked: AskedOfSet[] = [];
  for (const set of SET_NAMES) {
    const { vectors, count } = readQueries(data, set);
    for (let i = 0; i < count; i++) {
      if (!takes(i)) continue;
      const vector = rowOf(vectors, i);
      asked.push({ set, vector, nearest: await truth.nearest(vector, depth) });
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
}

/** One real search; exact vectors are those of the data. */
export async function searchReally(
  index: NativeIndex,
  vectors: Float32Array,
  query: Asked,
  k: number,
  plan: SearchPlan,
): Promise<Searched> {
  return (await searchThrough(index, vectors, query, k, [plan.recall], plan))[0]!;
}

/** One real search that ends at one raw recall after the other, which rise: what it gave at each. */
export async function searchThrough(
  index: NativeIndex,
  vectors: Float32Array,
  { vector, nearest, among }: Asked,
  k: number,
  stops: readonly number[],
  plan: Omit<SearchPlan, "recall">,
): Promise<Searched[]> {
  const session = await index.search(vector, { k, ...plan, recall: stops[0]!, ...(among && { filter: among }) });
  const wanted = new Set(nearest.slice(0, k));
  return stops.map((stop) => {
    session.raise(stop);
    feedAll(session, vectors);
    const { nodes, expectedRecall, recomputed } = session.result();
    const hits = nodes.reduce((sum, node) => sum + (wanted.has(node) ? 1 : 0), 0);
    return { recall: hits / k, raw: expectedRecall, recomputed };
  });
}

function feedAll(session: NativeSearch, vectors: Float32Array): void {
  while (!session.done) {
    const wanted = session.wants();
    const exact = new Float32Array(wanted.length * DATA_DIMS);
    wanted.forEach((node, i) => {
      exact.set(rowOf(vectors, node), i * DATA_DIMS);
    });
    session.feed(wanted, exact, new Uint32Array());
  }
}
