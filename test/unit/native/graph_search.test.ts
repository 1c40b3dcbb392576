// Searches that walk over a graph, against brute force: modes, filters, deletes, nodes that the graph lacks.
import { beforeAll, describe, expect, it } from "vitest";
import type { NativeGraph, NativeIndex, NativeSearchOptions } from "../../../src/native/surface.js";
import { addon, bruteForce, codebook, dims, feedAll, metrics, vectors } from "./corpus.js";
import { bitmap, kinds, nearest, overQueries, recallOf, vectorIndex } from "./graphs.js";

const count = 2000;
const linked = 1800;
const all = vectors(count, 7);
const bound: NativeSearchOptions = { k: 10, recall: 0.999, batch: 8, cap: 100_000, pool: 200 };

/** Codes of all vectors, some of them dead, and a graph that lacks the last 200. */
async function coded(order: "scan" | "walk", metric: (typeof metrics)[number] = "cosine"): Promise<NativeIndex> {
  const index = addon.createIndex(await codebook(metric), { order });
  index.publish({ rows: await index.coder.encode(all) });
  return index;
}

let index: NativeIndex;
let graphs: NativeGraph[];

beforeAll(async () => {
  index = await coded("walk");
  const part = await vectorIndex(all.subarray(0, linked * dims), "cosine");
  graphs = await Promise.all(kinds.map((options) => addon.buildGraph(part, options)));
});

interface Outcome {
  nodes: number[];
  scores: number[];
  recomputed: number;
  capped: boolean;
}

async function found(on: NativeIndex, query: Float32Array, options: Partial<NativeSearchOptions>): Promise<Outcome> {
  const search = await on.search(query, { ...bound, ...options });
  const asked = feedAll(search, all);
  expect(new Set(asked).size).toBe(asked.length);
  const result = search.result();
  expect(result.recomputed).toBe(asked.length);
  return { nodes: [...result.nodes], scores: [...result.scores], recomputed: asked.length, capped: result.capped };
}

const modes = [
  { mode: "guided", searchWindow: 80 },
  { mode: "exact", searchWindow: 60 },
  { mode: "two-level", searchWindow: 60, ratio: 0.3, strategy: "global" },
  { mode: "two-level", searchWindow: 60, ratio: 0.3, strategy: "local" },
  { mode: "two-level", searchWindow: 60, ratio: 0.3, strategy: "proportional" },
] as const;

describe.each(modes)("mode $mode $strategy", (mode) => {
  it.each([0, 1])("finds the nearest, those that the graph lacks among them (graph %i)", async (which) => {
    const graph = graphs[which]!;
    let late = 0;
    const recall = await overQueries(async (query) => {
      const truth = nearest("cosine", query, all, 10);
      const { nodes, scores } = await found(index, query, { ...mode, graph });
      const exact = new Map(bruteForce("cosine", query, all).map(({ node, score }) => [node, score]));
      expect(scores).toEqual(nodes.map((node) => exact.get(node)));
      expect(scores).toEqual(scores.toSorted((a, b) => b - a));
      late += nodes.filter((node) => node >= linked).length;
      return recallOf(truth, nodes);
    });
    expect(recall).toBeGreaterThan(0.9);
    expect(late).toBeGreaterThan(5);
  });

  it("answers only nodes that live and pass the filter", async () => {
    const killed = await coded("walk");
    killed.publish({ dead: Uint32Array.from({ length: 400 }, (_, i) => 5 * i) });
    for (const one of [2, 10]) {
      const passes = (node: number) => node % one === 1;
      const filter = bitmap(count, passes);
      const recall = await overQueries(async (query) => {
        const { nodes } = await found(killed, query, { ...mode, graph: graphs[0]!, filter });
        expect(nodes.every((node) => node % 5 !== 0 && passes(node))).toBe(true);
        return recallOf(
          nearest("cosine", query, all, 10, (node) => node % 5 !== 0 && passes(node)),
          nodes,
        );
      });
      expect(recall).toBeGreaterThan(0.9);
    }
  });

  it("finds nothing where nothing is allowed, and what the graph lacks where only that is", async () => {
    const nothing = await found(index, vectors(1, 2), { ...mode, graph: graphs[1]!, filter: new Uint8Array() });
    expect(nothing.nodes).toEqual([]);
    const filter = bitmap(count, (node) => node >= linked);
    const query = vectors(1, 3);
    const { nodes } = await found(index, query, { ...mode, graph: graphs[1]!, filter });
    expect(
      recallOf(
        nearest("cosine", query, all, 10, (node) => node >= linked),
        nodes,
      ),
    ).toBeGreaterThan(0.7);
  });

  it("stops at the cap", async () => {
    for (const cap of [0, 1, 30]) {
      const { recomputed, capped } = await found(index, vectors(1, 2), { ...mode, graph: graphs[0]!, cap, recall: 1 });
      expect(recomputed).toBe(cap);
      expect(capped).toBe(true);
    }
  });

  it("goes on when passages are gone", async () => {
    const gone = new Set(Array.from({ length: count }, (_, node) => node).filter((node) => node % 4 === 0));
    const search = await index.search(vectors(1, 2), { ...bound, ...mode, graph: graphs[0]! });
    feedAll(search, all, gone);
    const { nodes, exact } = search.result();
    expect(nodes).toHaveLength(10);
    expect([...nodes].some((node) => gone.has(node))).toBe(false);
    expect([...exact]).toEqual(Array(10).fill(1));
  });

  it("works by every metric", async () => {
    for (const metric of metrics) {
      const of = await coded("walk", metric);
      const graph = await addon.buildGraph(await vectorIndex(all, metric), kinds[0]!);
      const recall = await overQueries(async (query) =>
        recallOf(nearest(metric, query, all, 10), (await found(of, query, { ...mode, graph })).nodes),
      );
      expect(recall, metric).toBeGreaterThan(0.85);
    }
  });

  it("refuses a graph of more nodes than the index has", async () => {
    const small = await vectorIndex(all.subarray(0, 100 * dims), "cosine");
    await expect(small.search(vectors(1), { ...bound, ...mode, graph: graphs[0]! })).rejects.toThrow(RangeError);
  });
});

describe("a guided walk", () => {
  it("answers alike whatever the order of rows, and looks at fewer codes than a scan", async () => {
    const scanned = await coded("scan");
    for (let seed = 0; seed < 10; seed++) {
      const query = vectors(1, 50 + seed);
      const options = { ...bound, mode: "guided", graph: graphs[0]!, searchWindow: 80, cap: 20 } as const;
      const one = await index.search(query, options);
      const other = await scanned.search(query, options);
      expect([...one.wants()]).toEqual([...other.wants()]);
      expect(one.scanned).toBeLessThan(count);
      expect(one.scanned).toBeGreaterThan(200);
    }
  });

  it("minds factors that no byte could hold", async () => {
    const coder = await codebook("ip");
    const large = all.slice();
    for (const node of [3, 700, 1999]) {
      for (let i = 0; i < dims; i++) large[node * dims + i] = (large[node * dims + i] ?? 0) * 1000;
    }
    const rows = await coder.encode(large);
    expect(rows.exceptions.length).toBeGreaterThan(0);
    const exceptional = addon.createIndex(coder, { order: "walk" });
    exceptional.publish({ rows });
    const graph = await addon.buildGraph(await vectorIndex(all, "ip"), kinds[0]!);
    for (const node of [3, 700, 1999]) {
      const query = all.slice(node * dims, (node + 1) * dims);
      const search = await exceptional.search(query, { ...bound, mode: "guided", graph, searchWindow: 80 });
      feedAll(search, large);
      expect(search.result().nodes[0]).toBe(nearest("ip", query, large, 1)[0]);
    }
  });
});

describe("exact walks", () => {
  it("need no codes", async () => {
    const empty = addon.createIndex(addon.createEmptyCoder(dims, "cosine"));
    expect(empty.coder).toMatchObject({ kind: "none", rowBytes: 0 });
    empty.publish({ nodes: 1000 });
    empty.publish({ nodes: 1000, dead: Uint32Array.of(7, 1900) });
    expect({ count: empty.count, live: empty.live }).toEqual({ count, live: count - 2 });
    const options = { mode: "exact", graph: graphs[0]!, searchWindow: 60 } as const;
    const recall = await overQueries(async (query) => {
      const { nodes, recomputed } = await found(empty, query, options);
      // Nothing tells which of the nodes that the graph lacks are near.
      expect(recomputed).toBeGreaterThan(count - linked - 2);
      expect(nodes).not.toContain(7);
      return recallOf(
        nearest("cosine", query, all, 10, (node) => node !== 7 && node !== 1900),
        nodes,
      );
    });
    expect(recall).toBeGreaterThan(0.95);
    for (const mode of ["scan", "guided", "two-level"] as const) {
      await expect(empty.search(vectors(1), { ...bound, ...options, mode })).rejects.toThrow(RangeError);
    }
    await expect(addon.buildGraph(empty, kinds[0]!)).rejects.toThrow(RangeError);
    expect(() => index.publish({ nodes: 1 })).toThrow(RangeError);
  });

  it("are scans of exact scores where there is no graph", async () => {
    const empty = addon.createIndex(addon.createEmptyCoder(dims, "cosine"));
    empty.publish({ nodes: count, dead: Uint32Array.of(7) });
    for (const on of [empty, index]) {
      await overQueries(async (query) => {
        const some = (node: number) => node % 13 === 2 && !(on === empty && node === 7);
        const { nodes, recomputed } = await found(on, query, { mode: "exact", filter: bitmap(count, some) });
        expect(nodes).toEqual(nearest("cosine", query, all, 10, some));
        expect(recomputed).toBe(Array.from({ length: count }, (_, node) => node).filter(some).length);
        return 1;
      });
    }
    const limited = await found(empty, vectors(1, 5), { mode: "exact", cap: 70 });
    expect(limited).toMatchObject({ recomputed: 70, capped: true });
    for (const mode of ["guided", "two-level"] as const) {
      await expect(index.search(vectors(1), { ...bound, mode })).rejects.toThrow(TypeError);
    }
  });

  it("recompute fewer nodes on two levels, and fill batches", async () => {
    const query = vectors(1, 5);
    const graph = graphs[0]!;
    const exact = await found(index, query, { mode: "exact", graph, searchWindow: 60 });
    const two = await found(index, query, { mode: "two-level", graph, searchWindow: 60, ratio: 0.1, batch: 1 });
    expect(two.recomputed).toBeLessThan(exact.recomputed / 2);
    const search = await index.search(query, { ...bound, mode: "exact", graph, searchWindow: 60, batch: 64 });
    const rounds: number[] = [];
    while (!search.done) {
      const wants = search.wants();
      rounds.push(wants.length);
      const rows = new Float32Array(wants.length * dims);
      for (const [i, node] of wants.entries()) rows.set(all.subarray(node * dims, (node + 1) * dims), i * dims);
      search.feed(wants, rows, new Uint32Array());
    }
    expect(rounds.filter((size) => size >= 64).length).toBeGreaterThan(rounds.length / 2);
  });

  it("take scores in parts, and refuse what they did not ask for", async () => {
    const query = vectors(1, 6);
    const options = { ...bound, mode: "exact", graph: graphs[1]!, searchWindow: 30 } as const;
    const whole = await index.search(query, options);
    feedAll(whole, all);
    const parts = await index.search(query, options);
    while (!parts.done) {
      const wants = parts.wants();
      const one = wants.slice(-1);
      parts.feed(one, all.slice(one[0]! * dims, (one[0]! + 1) * dims), new Uint32Array());
      if (wants.length > 1) {
        expect(parts.wants()).toEqual(wants.slice(0, -1));
        expect(() => parts.feed(one, new Float32Array(dims).fill(1), new Uint32Array())).toThrow(RangeError);
      }
    }
    expect(parts.result()).toEqual(whole.result());
  });
});

describe("nearest", () => {
  it("gives the scores of the vectors, on the calling thread", async () => {
    for (const metric of metrics) {
      const of = await vectorIndex(all, metric);
      const graph = await addon.buildGraph(of, kinds[0]!);
      const query = vectors(1, 8);
      const { nodes, scores } = of.nearest(query, { k: 10, graph, searchWindow: 100 });
      const truth = new Map(bruteForce(metric, query, all).map(({ node, score }) => [node, score]));
      for (const [i, node] of nodes.entries()) expect(scores[i]).toBeCloseTo(truth.get(node)!, 5);
      expect(recallOf(nearest(metric, query, all, 10), nodes)).toBeGreaterThan(0.8);
      const filter = bitmap(count, (node) => node % 2 === 0);
      expect([...of.nearest(query, { k: 10, graph, filter }).nodes].every((node) => node % 2 === 0)).toBe(true);
    }
  });

  it("gives all there are where k is more", async () => {
    const few = await vectorIndex(all.subarray(0, 30 * dims), "l2");
    const graph = await addon.buildGraph(few, kinds[1]!);
    expect(few.nearest(vectors(1), { k: 100, graph }).nodes).toHaveLength(30);
  });
});
