import { native } from "../../src/native.js";
import { searchIndex } from "../../src/search/search.js";
import { readVectors, SET_NAMES, type SetName } from "../support/data.js";
import type { Bench, BenchContext } from "./bench.js";
import { type Asked, readAsked } from "./calibration/asked.js";
import { handOut } from "./coded_data.js";
import { Ladder, type Reached, type Rung } from "./ladder/climb.js";
import { recallAt } from "./ladder/material.js";
import { type Method, methodsOf } from "./ladder/methods.js";
import { mean, round } from "./report.js";
import { Truth } from "./truth.js";

/** What is asked for: share of the true k nearest. */
const GOALS = [
  { k: 3, target: 0.9 },
  { k: 10, target: 0.95 },
] as const;
/** Every so many queries are asked, of odd place: even ones fitted the bound. */
const EVERY = 4;

/** Recomputes a question where no vectors are kept, idea by idea. */
export const ladder: Bench = {
  name: "ladder",
  about:
    "embeddings recomputed a question and bytes a passage: exact walks, two-level, thinned graphs, codes; 5 minutes",
  needsData: true,
  run: climb,
};

async function climb({ report, data }: BenchContext): Promise<void> {
  const addon = native();
  const vectors = readVectors(data);
  const truth = await Truth.of(addon, vectors);
  const asked = await readAsked(data, truth, 10, (place) => place % EVERY === 1);
  const note = (sentence: string) => report.note(sentence);
  const reached: { method: Method; set: SetName; k: number; target: number; at: Reached | undefined }[] = [];
  for await (const method of methodsOf(addon, vectors, data, note)) {
    for (const set of SET_NAMES) {
      const queries = asked.filter((one) => one.set === set);
      const rungs = new Map<number, Ladder>();
      for (const { k, target } of GOALS) {
        const served = method.servesAll ? GOALS.at(-1)!.k : k;
        const known =
          rungs.get(served) ??
          new Ladder(method.efforts.length, (effort) => measure(method, effort, served, queries, vectors));
        rungs.set(served, known);
        reached.push({ method, set, k, target, at: await known.reach(k, target, method.start) });
      }
    }
  }
  report.figures(
    "ladder",
    reached.map(({ method, set, k, target, at }) => ({
      record: {
        method: method.name,
        bytesPerPassage: round(method.bytesPerPassage, 1),
        set,
        k,
        target,
        recall: at && round(at.recall, 4),
        meanRecomputes: at && round(at.recomputes, 1),
      },
    })),
  );
}

/** All queries at one effort. */
async function measure(
  method: Method,
  effort: number,
  k: number,
  queries: readonly Asked[],
  vectors: Float32Array,
): Promise<Rung> {
  const { index, efforts } = method;
  const source = handOut(vectors);
  const found: { nodes: readonly number[]; recomputed: number; nearest: readonly number[] }[] = [];
  for (const { vector, nearest } of queries) {
    const { eps, batch, cap, pool, scores, ...walk } = efforts[effort]!(k);
    const plan = { eps, batch, cap, pool, scores };
    const { nodes, cost } = await searchIndex(index, vector, { k, plan, source, walk });
    found.push({ nodes, recomputed: cost.recomputed, nearest });
  }
  const recall = GOALS.filter((goal) => goal.k <= k).map(
    (goal) => [goal.k, mean(found.map(({ nodes, nearest }) => recallAt(goal.k, nodes, nearest)))] as const,
  );
  return { recall: new Map(recall), recomputes: mean(found.map(({ recomputed }) => recomputed)) };
}
