import { calibration } from "../../src/codes/calibration.js";
import { planSearch } from "../../src/codes/plan.js";
import { native } from "../../src/native/native.js";
import type { GraphOptions, NativeGraph, NativeIndex } from "../../src/native/surface.js";
import { type IndexSearch, searchIndex } from "../../src/search/session.js";
import { chooseWalk, WINDOW_KS, windowFor } from "../../src/search/walk.js";
import { DATA_DIMS, readVectors, rowOf, SET_NAMES } from "../support/data.js";
import type { Bench, BenchContext } from "./bench.js";
import { type AskedOfSet, readAsked } from "./calibration/asked.js";
import { codeData, handOut } from "./coded_data.js";
import { recallAt, vectorIndex } from "./ladder/material.js";
import { Misses } from "./ladder/windows.js";
import { mean, type Report, round } from "./report.js";
import { Truth } from "./truth.js";

const { recalls: SHARES } = calibration();
/** Shares that the rule is compared at on other graphs. */
const COMPARED = [0.9, 0.95, 0.99];
/** Codes that guided walks are judged on, unless the command names others. */
const CODES = ["24", "48", "96", "lvq8"];
/** What a guided walk may lose against the scan, in the mean over a set; a little more, for 600 queries tell no less. */
const LOSS = 0.005;
const NOISE = 0.001;

/** What a walk's window does to recall. */
export const walks: Bench = {
  name: "walks",
  about:
    "the windows that walks need by recall, k and graph, as in src/search/walk_window.ts, and what the rule reaches; 12 minutes",
  needsData: true,
  run: measureWalks,
};

async function measureWalks({ report, data, codes = CODES }: BenchContext): Promise<void> {
  const addon = native();
  const vectors = readVectors(data);
  const asked = await readAsked(
    data,
    await Truth.of(addon, vectors),
    Math.max(...WINDOW_KS),
    (place) => place % 2 === 1,
  );
  const some = asked.filter((_, i) => i % 2 === 1);
  const full = await vectorIndex(addon, vectors);
  const vamana = await addon.buildGraph(full, { kind: "vamana" });
  await windowTable(report, full, vamana, asked);
  await otherGraphs(report, full, vamana, some);
  await smallerStores(report, vectors, some);
  await keptVectors(report, vectors, vamana, some);
  for (const code of codes) {
    const { index } = await codeData(addon, vectors, code, "trained", data);
    await guidedWalks(report, index, code, vamana, some, vectors);
  }
  const { index } = await codeData(addon, vectors, "48", "trained", data);
  await recomputingWalks(
    report,
    index,
    vamana,
    some.filter((_, i) => i % 2 === 1),
    vectors,
  );
}

/** The table of the rule. */
async function windowTable(report: Report, index: NativeIndex, graph: NativeGraph, asked: readonly AskedOfSet[]) {
  const misses = new Misses(index, graph, asked);
  const rows = WINDOW_KS.map((k) => ({ k, windows: SHARES.map((share) => misses.windowFor(k, share)) }));
  report.figures(
    "walk windows",
    rows.flatMap(({ k, windows }) => windows.map((window, i) => ({ record: { k, share: SHARES[i]!, window } }))),
  );
  report.note("  as rows of the table:");
  for (const { windows } of rows) report.note(`  [${windows.map((window) => window ?? "?").join(", ")}],`);
}

/** Other graphs of the same passages: what they need, and what the rule says. */
async function otherGraphs(report: Report, index: NativeIndex, vamana: NativeGraph, asked: readonly AskedOfSet[]) {
  const built = (options: GraphOptions) => native().buildGraph(index, options);
  const graphs: [string, NativeGraph][] = [
    ["vamana", vamana],
    ["vamana, maxDegree 64", await built({ kind: "vamana", maxDegree: 64 })],
    ["vamana, thinned to 20", await vamana.thin(index, { degree: 20 })],
    ["vamana, thinned to 12", await vamana.thin(index, { degree: 12 })],
    ["hnsw", await built({ kind: "hnsw" })],
    ["hnsw, M 32", await built({ kind: "hnsw", M: 32 })],
  ];
  for (const [name, graph] of graphs) compareRule(report, name, index, graph, asked);
}

/** Fewer passages: every second, fourth, eighth. */
async function smallerStores(report: Report, vectors: Float32Array, asked: readonly AskedOfSet[]) {
  for (const step of [2, 4, 8]) {
    const count = Math.floor(vectors.length / DATA_DIMS / step);
    const fewer = new Float32Array(count * DATA_DIMS);
    for (let i = 0; i < count; i++) fewer.set(rowOf(vectors, i * step), i * DATA_DIMS);
    const scanned = await vectorIndex(native(), fewer, { order: "scan" });
    const again: AskedOfSet[] = [];
    for (const one of asked) again.push({ ...one, nearest: await nearestOf(scanned, one.vector) });
    const index = await vectorIndex(native(), fewer);
    compareRule(report, "vamana", index, await native().buildGraph(index, { kind: "vamana" }), again);
  }
}

async function nearestOf(index: NativeIndex, query: Float32Array): Promise<number[]> {
  const k = Math.max(...WINDOW_KS);
  return [...(await index.search(query, { k, cap: 0, pool: k })).result().nodes];
}

function compareRule(
  report: Report,
  name: string,
  index: NativeIndex,
  graph: NativeGraph,
  asked: readonly AskedOfSet[],
) {
  const misses = new Misses(index, graph, asked);
  report.figures(
    "walk rule",
    WINDOW_KS.flatMap((k) =>
      COMPARED.map((share) => ({
        record: {
          graph: name,
          nodes: graph.count,
          edges: round(graph.edges / graph.count, 1),
          k,
          share,
          needed: misses.windowFor(k, share),
          rule: windowFor(graph, k, share),
        },
      })),
    ),
  );
}

/** One search as a store does it. */
interface Judged {
  recall: number;
  expected: number;
  recomputed: number;
  window: number | undefined;
}

/** All queries of a set in one way; means. */
async function judge(
  index: NativeIndex,
  queries: readonly AskedOfSet[],
  options: Omit<IndexSearch, "source">,
  vectors: Float32Array,
): Promise<Judged> {
  const source = handOut(vectors);
  const { k } = options;
  const found: Omit<Judged, "window">[] = [];
  for (const { vector, nearest } of queries) {
    const { nodes, cost, expectedRecall = Number.NaN } = await searchIndex(index, vector, { ...options, source });
    found.push({ recall: recallAt(k, nodes, nearest), expected: expectedRecall, recomputed: cost.recomputed });
  }
  return {
    recall: round(mean(found.map(({ recall }) => recall)), 4),
    expected: round(mean(found.map(({ expected }) => expected)), 4),
    recomputed: round(mean(found.map(({ recomputed }) => recomputed)), 1),
    window: options.walk?.searchWindow,
  };
}

const asStore = { maxRecomputes: undefined, allowed: undefined };

/** Vectors in memory: the window alone decides. */
async function keptVectors(report: Report, vectors: Float32Array, graph: NativeGraph, asked: readonly AskedOfSet[]) {
  const rows = [];
  for (const form of ["float32", "float16", "lvq8"] as const) {
    const index = await vectorIndex(native(), vectors, { form });
    for (const k of [1, 3, 10, 100]) {
      for (const recall of COMPARED) {
        const plan = planSearch(k, recall, { code: index.coder });
        const walk = chooseWalk(index, graph, { ...asStore, asked: { mode: "guided" }, k, recall });
        for (const set of SET_NAMES) {
          const queries = asked.filter((one) => one.set === set);
          rows.push({ form, set, k, target: recall, ...(await judge(index, queries, { k, plan, walk }, vectors)) });
        }
      }
    }
  }
  report.figures(
    "walk on kept vectors",
    rows.map((record) => ({ record })),
  );
  report.target(
    "every recall asked for, less 0.01",
    rows.every(({ recall, target }) => recall >= target - 0.01),
  );
}

/** Codes: what the walk loses of what the scan finds, both after the bound. */
async function guidedWalks(
  report: Report,
  index: NativeIndex,
  code: string,
  graph: NativeGraph,
  asked: readonly AskedOfSet[],
  vectors: Float32Array,
) {
  const rows = [];
  for (const k of [3, 10, 100]) {
    for (const recall of COMPARED) {
      const plan = planSearch(k, recall, { code: index.coder });
      const walk = chooseWalk(index, graph, { ...asStore, asked: { mode: "guided" }, k, recall });
      for (const set of SET_NAMES) {
        const queries = asked.filter((one) => one.set === set);
        const scan = await judge(index, queries, { k, plan }, vectors);
        const guided = await judge(index, queries, { k, plan, walk }, vectors);
        const loss = round(scan.recall - guided.recall, 4);
        rows.push({ code, set, k, target: recall, ...guided, scan: scan.recall, scanExpected: scan.expected, loss });
      }
    }
  }
  report.figures(
    "guided walk",
    rows.map((record) => ({ record })),
  );
  report.target(
    `${code}: at most ${LOSS} below the scan`,
    rows.every(({ loss }) => loss <= LOSS + NOISE),
  );
}

/** Walks that recompute what they meet, at the window that the recall asked for gives. */
async function recomputingWalks(
  report: Report,
  index: NativeIndex,
  graph: NativeGraph,
  asked: readonly AskedOfSet[],
  vectors: Float32Array,
) {
  const rows = [];
  for (const mode of ["exact", "two-level"] as const) {
    for (const k of [3, 10]) {
      for (const recall of COMPARED) {
        const plan = planSearch(k, recall, { code: index.coder });
        const walk = chooseWalk(index, graph, { ...asStore, asked: { mode }, k, recall });
        for (const set of SET_NAMES) {
          const queries = asked.filter((one) => one.set === set);
          const { expected: _, ...judged } = await judge(index, queries, { k, plan, walk }, vectors);
          rows.push({ mode, set, k, target: recall, ...judged });
        }
      }
    }
  }
  report.figures(
    "recomputing walk",
    rows.map((record) => ({ record })),
  );
  report.target(
    "every recall asked for, less 0.01",
    rows.every(({ recall, target }) => recall >= target - 0.01),
  );
}
