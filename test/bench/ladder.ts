import { native } from "../../src/native/native.js";
import { searchIndex } from "../../src/search/session.js";
import { readVectors, SET_NAMES, type SetName } from "../support/data.js";
import type { Bench, BenchContext } from "./bench.js";
import { type AskedOfSet, readAsked } from "./calibration/asked.js";
import { handOut } from "./coded_data.js";
import { Ladder, type Reached, type Rung } from "./ladder/climb.js";
import { recallAt } from "./ladder/material.js";
import { type Method, methodsOf, THINNED } from "./ladder/methods.js";
import { mean, type Report, round } from "./report.js";
import { Truth } from "./truth.js";

/** What is asked for: share of the true k nearest. */
const GOALS = [
  { k: 3, target: 0.9 },
  { k: 10, target: 0.95 },
] as const;
/** Every so many queries are asked, of odd place: even ones fitted the bound. */
const EVERY = 4;

/**
 * LEANN 0.3.8 itself, run on 20,000 of these passages with its defaults (HNSW, every distance recomputed): edges alone,
 * recomputes between the two efforts around each goal by a straight line.
 */
const LEANN = {
  method: "LEANN 0.3.8 itself, on 20,000 of them",
  bytes: 142,
  "questions @3": 800,
  "questions @10": 1278,
  "sentences @3": 544,
  "sentences @10": 787,
};

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
  const reached: Line[] = [];
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
  overview(report, reached);
  compareThinning(report, reached);
}

/** One method, one set, one goal. */
interface Line {
  readonly method: Method;
  readonly set: SetName;
  readonly k: number;
  readonly target: number;
  readonly at: Reached | undefined;
}

/** One line a method, to be read. */
function overview(report: Report, reached: readonly Line[]): void {
  const lines = [...new Set(reached.map(({ method }) => method))].map((method) => {
    const cells = reached.filter((line) => line.method === method);
    const columns = cells.map(({ set, k, at }) => [`${set} @${k}`, at ? Math.round(at.recomputes) : "never"]);
    return { method: method.name, bytes: round(method.bytesPerPassage, 1), ...Object.fromEntries(columns) };
  });
  report.aside("recomputes a query for recall@3 0.90 and recall@10 0.95", [LEANN, ...lines]);
}

/** Which way of thinning needs fewer recomputes at the bytes that hubs take, between the two sizes of plain re-pruning. */
function compareThinning(report: Report, reached: readonly Line[]): void {
  const [hubs, ...plain] = THINNED.map((name) => reached.filter(({ method }) => method.name === name));
  const ratios = hubs!.map((line, i) => {
    const [less, more] = plain.map((lines) => lines[i]!) as [Line, Line];
    if (!line.at || !less.at || !more.at) return Number.NaN;
    const bytes = [line, less, more].map(({ method }) => method.bytesPerPassage) as [number, number, number];
    const share = (bytes[0] - bytes[1]) / (bytes[2] - bytes[1]);
    return line.at.recomputes / (less.at.recomputes + share * (more.at.recomputes - less.at.recomputes));
  });
  report.note(
    `  hubs against plain re-pruning at equal bytes, recomputes: ${ratios.map((one) => one.toFixed(2)).join(", ")}`,
  );
  report.target("plain re-pruning, the default, needs no more than hubs in the mean", mean(ratios) >= 1);
}

/** All queries at one effort. */
async function measure(
  method: Method,
  effort: number,
  k: number,
  queries: readonly AskedOfSet[],
  vectors: Float32Array,
): Promise<Rung> {
  const { index, efforts } = method;
  const source = handOut(vectors);
  const found: { nodes: readonly number[]; recomputed: number; nearest: readonly number[] }[] = [];
  for (const { vector, nearest } of queries) {
    const { recall, leastChance, cap, pool, scores, ...walk } = efforts[effort]!(k);
    const plan = { recall, leastChance, cap, pool, scores };
    const { nodes, cost } = await searchIndex(index, vector, { k, plan, source, walk });
    found.push({ nodes, recomputed: cost.recomputed, nearest });
  }
  const recall = GOALS.filter((goal) => goal.k <= k).map(
    (goal) => [goal.k, mean(found.map(({ nodes, nearest }) => recallAt(goal.k, nodes, nearest)))] as const,
  );
  return { recall: new Map(recall), recomputes: mean(found.map(({ recomputed }) => recomputed)) };
}
