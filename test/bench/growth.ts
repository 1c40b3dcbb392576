import { native } from "../../src/native/native.js";
import type { GraphOptions, NativeAddon, NativeGraph, NativeIndex } from "../../src/native/surface.js";
import { DATA_DIMS, readQueries, readVectors, rowOf, SET_NAMES, type SetName } from "../support/data.js";
import { choose, seeded } from "../support/seeded.js";
import type { Bench, BenchContext } from "./bench.js";
import { trainOn } from "./codebook.js";
import { append, recallAt, vectorIndex } from "./ladder/material.js";
import { mean, type Report, round } from "./report.js";

const ROUNDS = 10;
/** Share of the passages that each round replaces. */
const REPLACED = 0.1;
const K = 10;
/** Around the recalls that stores ask for. */
const WINDOWS = [64, 192];
/** What growth may cost. */
const LOSS = 0.01;
/** Every so many queries are asked. */
const EVERY = 2;

/** Graphs that have long been changed, against graphs built anew. */
export const growth: Bench = {
  name: "growth",
  about: "recall@10 of graphs after 10 rounds of replacing a tenth of 25,000 passages, against a fresh build",
  needsData: true,
  run: grow,
};

/** Half of the passages begin, the other half comes in turn: after ten rounds each has been in the store. */
async function grow({ report, data }: BenchContext): Promise<void> {
  const addon = native();
  const vectors = readVectors(data);
  const queries = SET_NAMES.flatMap((set) => {
    const { vectors: all, count } = readQueries(data, set);
    return Array.from({ length: Math.floor(count / EVERY) }, (_, i) => ({ set, vector: rowOf(all, i * EVERY) }));
  });
  const vamana = { kind: "vamana" } as const;
  const cases: { name: string; options: GraphOptions; codes?: boolean; renumbered?: boolean }[] = [
    { name: "vamana", options: vamana },
    { name: "vamana linked by 48-byte codes, renumbered", options: vamana, codes: true, renumbered: true },
    { name: "hnsw, renumbered", options: { kind: "hnsw" }, renumbered: true },
  ];
  for (const { name, options, codes = false, renumbered = false } of cases) {
    const store = await Changing.of(addon, vectors, options, codes);
    for (let round = 0; round < ROUNDS; round++) await store.replace(round, renumbered);
    await compare(report, name, store, queries);
  }
}

/** A store's rows and its graph through rounds of change, the way `compact` brings a graph up to date. */
class Changing {
  readonly #addon: NativeAddon;
  readonly #vectors: Float32Array;
  readonly #options: GraphOptions;
  /** Rows of `vectors` by node; dead ones too. */
  #passages: number[];
  #live: Set<number>;
  /** What links the nodes: their vectors or their codes. */
  #linking: NativeIndex;
  graph: NativeGraph;

  static async of(addon: NativeAddon, vectors: Float32Array, options: GraphOptions, codes: boolean): Promise<Changing> {
    const passages = Array.from({ length: Math.floor(vectors.length / DATA_DIMS / 2) }, (_, i) => 2 * i);
    const first = rowsOf(vectors, passages);
    const linking = codes
      ? addon.createIndex(await trainOn(addon, first, { threads: 2, code: { bytes: 48 } }))
      : undefined;
    if (linking) await append(linking, first);
    const index = linking ?? (await vectorIndex(addon, first));
    return new Changing(addon, vectors, options, passages, index, await addon.buildGraph(index, options));
  }

  private constructor(
    addon: NativeAddon,
    vectors: Float32Array,
    options: GraphOptions,
    passages: number[],
    linking: NativeIndex,
    graph: NativeGraph,
  ) {
    this.#addon = addon;
    this.#vectors = vectors;
    this.#options = options;
    this.#passages = passages;
    this.#live = new Set(passages.keys());
    this.#linking = linking;
    this.graph = graph;
  }

  /** Deletes a tenth by chance, adds as many, links, repairs; with `renumbered` the dead give up their numbers. */
  async replace(round: number, renumbered: boolean): Promise<void> {
    const dead = choose([...this.#live], Math.round(REPLACED * this.#live.size), seeded(round + 1));
    const added = dead.map((_, i) => 2 * (round * dead.length + i) + 1);
    for (const node of dead) this.#live.delete(node);
    for (const i of added.keys()) this.#live.add(this.#passages.length + i);
    this.#passages.push(...added);
    await append(this.#linking, rowsOf(this.#vectors, added));
    this.#linking.publish({ dead: Uint32Array.from(dead) });
    this.graph = await (await this.graph.extend(this.#linking)).repair(this.#linking);
    if (renumbered) await this.#renumber();
  }

  async #renumber(): Promise<void> {
    let next = 0;
    const numbers = Uint32Array.from(this.#passages, (_, node) => (this.#live.has(node) ? next++ : 0xffffffff));
    this.graph = await this.graph.renumber(numbers);
    this.#passages = this.#passages.filter((_, node) => this.#live.has(node));
    this.#live = new Set(this.#passages.keys());
    this.#linking = this.#addon.createIndex(this.#linking.coder, { order: "walk" });
    await append(this.#linking, rowsOf(this.#vectors, this.#passages));
  }

  /** The vectors of all nodes, so that graphs alone are compared. */
  async measured(): Promise<NativeIndex> {
    const index = await vectorIndex(this.#addon, rowsOf(this.#vectors, this.#passages));
    const dead = [...this.#passages.keys()].filter((node) => !this.#live.has(node));
    index.publish({ dead: Uint32Array.from(dead) });
    return index;
  }

  /** The same passages in a store that never changed, and its graph. */
  async fresh(): Promise<{ index: NativeIndex; graph: NativeGraph }> {
    const rows = rowsOf(
      this.#vectors,
      this.#passages.filter((_, node) => this.#live.has(node)),
    );
    const linking = this.#addon.createIndex(this.#linking.coder);
    await append(linking, rows);
    return { index: await vectorIndex(this.#addon, rows), graph: await this.#addon.buildGraph(linking, this.#options) };
  }
}

function rowsOf(vectors: Float32Array, passages: readonly number[]): Float32Array {
  const rows = new Float32Array(passages.length * DATA_DIMS);
  passages.forEach((passage, i) => {
    rows.set(rowOf(vectors, passage), i * DATA_DIMS);
  });
  return rows;
}

async function compare(
  report: Report,
  name: string,
  store: Changing,
  queries: readonly { set: SetName; vector: Float32Array }[],
): Promise<void> {
  const changed = { index: await store.measured(), graph: store.graph };
  const anew = await store.fresh();
  const rows = [];
  for (const searchWindow of WINDOWS) {
    for (const set of SET_NAMES) {
      const own = queries.filter((one) => one.set === set);
      const recalls = [];
      for (const { index, graph } of [changed, anew]) {
        recalls.push(mean(await Promise.all(own.map(({ vector }) => recallOf(index, graph, vector, searchWindow)))));
      }
      const [grown, fresh] = recalls as [number, number];
      rows.push({ graph: name, set, searchWindow, grown: round(grown, 4), fresh: round(fresh, 4) });
    }
  }
  report.figures(
    "growth",
    rows.map((record) => ({ record })),
  );
  const edges = ({ graph, index }: typeof changed) => (graph.edges / index.live).toFixed(1);
  report.note(`  edges a live node: ${edges(changed)} grown, ${edges(anew)} fresh`);
  report.target(
    `${name}: after ${ROUNDS} rounds at most ${LOSS} below a fresh build`,
    rows.every(({ grown, fresh }) => grown >= fresh - LOSS),
  );
}

/** Against all that lives, scanned. */
async function recallOf(index: NativeIndex, graph: NativeGraph, query: Float32Array, searchWindow: number) {
  const scan = await index.search(query, { k: K, cap: 0, pool: 400 });
  return recallAt(K, index.nearest(query, { k: K, graph, searchWindow }).nodes, [...scan.result().nodes]);
}
