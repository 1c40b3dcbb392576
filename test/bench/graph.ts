import { native } from "../../src/native/native.js";
import type { NativeAddon } from "../../src/native/surface.js";
import { DATA_DIMS, readQueries, readVectors, rowOf, SET_NAMES } from "../support/data.js";
import type { Bench, BenchContext } from "./bench.js";
import { codeData } from "./coded_data.js";
import { type Engine, K } from "./graph/engine.js";
import { measureGuided, reportGuided } from "./graph/guided.js";
import { type Asked, type Ladder, measureLadders } from "./graph/ladder.js";
import { measureMillion } from "./graph/million.js";
import { BUILD_THREADS, FORMS, filledIndex, type Ours, ours, packed } from "./graph/ours.js";
import { INSTALL, loadPeers } from "./graph/peers.js";
import { reportTargets } from "./graph/targets.js";
import { round } from "./report.js";
import { Truth } from "./truth.js";

/** Graphs over kept vectors beside the libraries that Node users run today, all in one run. */
export const graph: Bench = {
  name: "graph",
  about: "graphs beside hnswlib-node and usearch, walks on codes; with --full a walk over 1,000,000 codes too",
  needsData: true,
  run: measureGraphs,
};

async function measureGraphs(context: BenchContext): Promise<void> {
  const { report, data, full } = context;
  const addon = native();
  const vectors = readVectors(data);
  const count = vectors.length / DATA_DIMS;
  report.note(`${count} real passages as they are. Queries by one thread, all engines taking turns, best of 7 rounds.`);
  report.note(
    `Builds of embedless by ${BUILD_THREADS} threads, of the others by one. Bytes: what lies in memory; of the`,
  );
  report.note("others the file that they save, as they do not tell.");
  const own = await allOfOurs(addon, vectors);
  const peers = await allPeers(context, vectors);
  const asked = await questions(addon, data, vectors);
  const ladders = measureLadders([...own, ...peers], asked);
  reportLadders(context, count, ladders);
  reportTargets(report, ladders);
  await reportLists(context, addon, own[0]!);
  await guidedWalks(context, addon, vectors, own[0]!, asked);
  if (full) await measureMillion(addon, context, vectors, asked);
}

async function allOfOurs(addon: NativeAddon, vectors: Float32Array): Promise<Ours[]> {
  const all: Ours[] = [];
  for (const kind of ["vamana", "hnsw"] as const) {
    for (const form of FORMS) {
      const one = await ours(addon, vectors, form, kind);
      all.push(one);
      if (kind === "vamana" && form === "float16") all.push(await packed(addon, one));
    }
  }
  return all;
}

async function allPeers({ report }: BenchContext, vectors: Float32Array): Promise<Engine[]> {
  const { peers, missing } = loadPeers();
  for (const name of missing) report.note(`  skipped  ${name}: not installed; ${INSTALL}`);
  const engines: Engine[] = [];
  for (const peer of peers) {
    for (const setting of peer.settings) engines.push(await peer.build(vectors, setting));
  }
  return engines;
}

async function questions(addon: NativeAddon, data: string, vectors: Float32Array): Promise<Asked[]> {
  const truth = await Truth.of(addon, vectors);
  const all: Asked[] = [];
  for (const set of SET_NAMES) {
    const { vectors: flat, count } = readQueries(data, set);
    const queries = Array.from({ length: count }, (_, i) => rowOf(flat, i));
    const nearest: Set<number>[] = [];
    for (const query of queries) nearest.push(new Set(await truth.nearest(query, K)));
    all.push({ set, queries, truth: nearest });
  }
  return all;
}

function reportLadders({ report }: BenchContext, vectors: number, ladders: readonly Ladder[]): void {
  report.figures(
    "graph",
    ladders.flatMap(({ engine: { engine, index, build, bytesPerVector }, set, rungs }) =>
      rungs.map(({ searchWindow, recall10, usPerQuery }) => ({
        record: {
          engine,
          index,
          vectors,
          set,
          searchWindow,
          recall10: round(recall10, 4),
          usPerQuery: round(usPerQuery, 1),
          buildSeconds: round(build.seconds, 2),
          bytesPerVector: round(bytesPerVector, 1),
        },
      })),
    ),
  );
}

/** Bits of an edge where lists are packed, as they are saved. */
async function reportLists({ report }: BenchContext, addon: NativeAddon, { graph }: Ours): Promise<void> {
  const saved = await graph.save();
  const onDisk = (8 * saved.blocks.reduce((sum, block) => sum + block.length, 0)) / graph.edges;
  const inMemory = (8 * (await addon.loadGraph(saved, { lists: "packed" })).memoryBytes) / graph.edges;
  report.aside("packed lists", [
    {
      nodes: graph.count,
      edges: round(graph.edges / graph.count, 2),
      bitsSaved: round(onDisk, 2),
      bitsInMemory: round(inMemory, 2),
    },
  ]);
  report.target("at most 16 bits an edge", Math.max(onDisk, inMemory) <= 16);
}

/** Walks on 48-byte codes: on the graph of a store that keeps no vectors, and on one built while vectors were at hand. */
async function guidedWalks(
  { report, data }: BenchContext,
  addon: NativeAddon,
  vectors: Float32Array,
  { graph }: Ours,
  asked: readonly Asked[],
): Promise<void> {
  const { index: scanned } = await codeData(addon, vectors, "48", "trained", data);
  const codes = await filledIndex(addon, scanned.coder, vectors);
  const onCodes = await addon.buildGraph(codes, { kind: "vamana", threads: BUILD_THREADS });
  reportGuided(report, "on codes", codes, await measureGuided(codes, onCodes, asked));
  reportGuided(report, "on vectors", codes, await measureGuided(codes, graph, asked));
}
