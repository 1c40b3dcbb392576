import { native } from "../../src/native.js";
import { DATA_DIMS, readQueries, readVectors, rowOf, SET_NAMES } from "../support/data.js";
import type { Bench, BenchContext } from "./bench.js";
import { type Engine, K } from "./graph/engine.js";
import { type Asked, measureLadders, timeAt } from "./graph/ladder.js";
import { FORMS, ours } from "./graph/ours.js";
import { INSTALL, loadPeers } from "./graph/peers.js";
import { round } from "./report.js";
import { Truth } from "./truth.js";

/** Graphs over kept vectors beside the libraries that Node users run today, all in one run. */
export const graph: Bench = {
  name: "graph",
  about: "recall and time of the graphs beside hnswlib-node and usearch; with --full a walk over 1,000,000 codes too",
  needsData: true,
  run: measureGraphs,
};

async function measureGraphs({ report, data }: BenchContext): Promise<void> {
  const addon = native();
  const vectors = readVectors(data);
  report.note(`the ${vectors.length / DATA_DIMS} real passages as they are; queries by one thread`);
  const engines: Engine[] = [];
  for (const kind of ["vamana", "hnsw"] as const) {
    for (const form of FORMS) engines.push(await ours(addon, vectors, form, kind));
  }
  const { peers, missing } = loadPeers();
  for (const name of missing) report.note(`  skipped  ${name}: not installed (${INSTALL})`);
  for (const peer of peers) {
    for (const setting of peer.settings) engines.push(await peer.build(vectors, setting));
  }
  const truth = await Truth.of(addon, vectors);
  const asked: Asked[] = [];
  for (const set of SET_NAMES) {
    const { vectors: flat, count } = readQueries(data, set);
    const queries = Array.from({ length: count }, (_, i) => rowOf(flat, i));
    const nearest: Set<number>[] = [];
    for (const query of queries) nearest.push(new Set(await truth.nearest(query, K)));
    asked.push({ set, queries, truth: nearest });
  }
  const ladders = measureLadders(engines, asked);
  report.figures(
    "graph",
    ladders.flatMap(({ engine, set, rungs }) =>
      rungs.map((rung) => ({
        record: {
          engine: engine.engine,
          index: engine.index,
          vectors: vectors.length / DATA_DIMS,
          set,
          searchWindow: rung.searchWindow,
          recall10: round(rung.recall10, 4),
          usPerQuery: round(rung.usPerQuery, 1),
          buildSeconds: round(engine.build.seconds, 2),
          bytesPerVector: round(engine.bytesPerVector, 1),
        },
      })),
    ),
  );
  report.aside(
    "at equal recall",
    engines.map((engine) => {
      const at = (set: string, recall: number) =>
        round(timeAt(recall, ladders.find((l) => l.engine === engine && l.set === set)!.rungs), 1);
      return {
        engine: engine.engine,
        index: engine.index,
        "questions .95": at("questions", 0.95),
        "questions .99": at("questions", 0.99),
        "sentences .95": at("sentences", 0.95),
        "sentences .99": at("sentences", 0.99),
        buildSeconds: round(engine.build.seconds, 1),
        cpuSeconds: round(engine.build.cpuSeconds, 1),
        bytes: round(engine.bytesPerVector, 0),
      };
    }),
  );
}
