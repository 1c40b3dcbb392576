// Graphs that stores have changed for long, against graphs built anew.
import { describe, expect, it } from "vitest";
import type { NativeGraph, NativeIndex } from "../../../src/native/surface.js";
import { choose, normal, seeded } from "../../support/seeded.js";
import { addon, dims } from "./corpus.js";
import { kinds, nearest, recallOf, vectorIndex } from "./graphs.js";

const count = 1500;
const rounds = 10;
const searchWindow = 12;

/** Vectors around 30 centres, a few of them far larger than the others. */
function clustered(n: number, seed: number): Float32Array {
  const topics = seeded(17);
  const centres = Array.from({ length: 30 }, () => Array.from({ length: dims }, () => normal(topics)));
  const random = seeded(seed);
  return Float32Array.from(
    Array.from({ length: n }, () => centres[Math.floor(30 * random() ** 2)]!).flatMap((centre) =>
      centre.map((value) => value + 0.5 * normal(random)),
    ),
  );
}

const queries = clustered(100, 99);

/** Mean recall@10 among the live nodes. */
function meanRecall(index: NativeIndex, graph: NativeGraph, all: Float32Array, isLive: (node: number) => boolean) {
  let sum = 0;
  for (let i = 0; i * dims < queries.length; i++) {
    const query = queries.subarray(i * dims, (i + 1) * dims);
    const truth = nearest("cosine", query, all, 10, isLive);
    sum += recallOf(truth, index.nearest(query, { k: 10, graph, searchWindow }).nodes);
  }
  return (sum * dims) / queries.length;
}

const rowsOf = (all: Float32Array, nodes: readonly number[]) =>
  Float32Array.from(nodes.flatMap((node) => [...all.subarray(node * dims, (node + 1) * dims)]));

describe.each(kinds)("ten rounds of replacing a tenth of a graph of $kind", (options) => {
  it.each([false, true])("cost less than a point of recall; numbered anew: %s", async (renumbers) => {
    let all = clustered(count, 1);
    let live = Array.from({ length: count }, (_, node) => node);
    let index = await vectorIndex(all, "cosine");
    let graph = await addon.buildGraph(index, options);
    for (let round = 0; round < rounds; round++) {
      const dead = choose(live, count / 10, seeded(round + 1));
      const added = clustered(dead.length, 100 + round);
      const gone = new Set(dead);
      live = live.filter((node) => !gone.has(node));
      for (let i = 0; i < dead.length; i++) live.push(all.length / dims + i);
      index.publish({ rows: await index.coder.encode(added) });
      index.publish({ dead: Uint32Array.from(dead) });
      all = Float32Array.from([...all, ...added]);
      graph = await (await graph.extend(index)).repair(index);
      if (!renumbers) continue;
      const numbers = new Uint32Array(all.length / dims).fill(0xffffffff);
      live.forEach((node, number) => {
        numbers[node] = number;
      });
      graph = await graph.renumber(numbers);
      all = rowsOf(all, live);
      live = live.map((_, number) => number);
      index = await vectorIndex(all, "cosine");
    }
    expect(graph.count).toBe(renumbers ? count : 2 * count);
    expect(index.live).toBe(count);
    const isLive = new Set(live);
    const grown = meanRecall(index, graph, all, (node) => isLive.has(node));
    const rows = rowsOf(all, live);
    const anew = await vectorIndex(rows, "cosine");
    const fresh = meanRecall(anew, await addon.buildGraph(anew, options), rows, () => true);
    expect(fresh).toBeGreaterThan(0.8);
    expect(fresh).toBeLessThan(0.999); // else nothing could be lost
    expect(grown).toBeGreaterThan(fresh - 0.01);
  });
});
