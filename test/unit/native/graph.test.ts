// Graphs: built, saved, loaded, thinned, grown, repaired.
import { describe, expect, it } from "vitest";
import type { NativeGraph, NativeIndex, SavedGraph } from "../../../src/native/surface.js";
import { addon, codebook, dims, filledIndex, metrics, vectors } from "./corpus.js";
import { kinds, lists, nearest, overQueries, recallOf, vectorIndex } from "./graphs.js";

const count = 1500;
const all = vectors(count, 7);

function recall(index: NativeIndex, graph: NativeGraph, allowed?: (node: number) => boolean): Promise<number> {
  return overQueries((query) =>
    recallOf(
      nearest("cosine", query, all, 10, allowed),
      index.nearest(query, { k: 10, graph, searchWindow: 40 }).nodes,
    ),
  );
}

describe.each(kinds)("a graph of $kind", (options) => {
  it.each(metrics)("finds the nearest by %s, whatever the form of the vectors", async (metric) => {
    for (const form of ["float32", "float16", "lvq8"] as const) {
      const index = await vectorIndex(all, metric, form);
      const graph = await addon.buildGraph(index, options);
      expect(graph.kind).toBe(options.kind);
      expect(graph.count).toBe(count);
      expect(graph.maxDegree).toBe(16);
      expect(graph.layers > 0).toBe(options.kind === "hnsw");
      expect(graph.edges).toBe(lists(graph).flat().length);
      expect(graph.memoryBytes).toBeGreaterThanOrEqual(count * 16 * 4);
      const found = await overQueries((query) =>
        recallOf(nearest(metric, query, all, 10), index.nearest(query, { k: 10, graph, searchWindow: 60 }).nodes),
      );
      expect(found).toBeGreaterThan(0.9);
    }
  });

  it("is the same for any number of threads, and another for another seed", async () => {
    const index = await vectorIndex(all, "l2");
    const one = lists(await addon.buildGraph(index, { ...options, threads: 1 }));
    expect(lists(await addon.buildGraph(index, { ...options, threads: 3 }))).toEqual(one);
    expect(lists(await addon.buildGraph(index, { ...options, seed: 9 }))).not.toEqual(one);
  });

  it("is built on codes alone", async () => {
    const { index } = await filledIndex(await codebook(), count);
    const graph = await addon.buildGraph(index, options);
    expect(await recall(await vectorIndex(all, "cosine"), graph)).toBeGreaterThan(0.8);
  });

  it("comes back from its bytes, flat and packed, and grows as before", async () => {
    const index = await vectorIndex(all.subarray(0, 1000 * dims), "cosine");
    const graph = await addon.buildGraph(index, options);
    const saved = await graph.save();
    const whole = await vectorIndex(all, "cosine");
    const grown = lists(await graph.extend(whole));
    for (const form of ["flat", "packed"] as const) {
      const loaded = await addon.loadGraph(saved, { lists: form });
      expect({ kind: loaded.kind, count: loaded.count, layers: loaded.layers, edges: loaded.edges }).toEqual({
        kind: graph.kind,
        count: 1000,
        layers: graph.layers,
        edges: graph.edges,
      });
      expect(lists(loaded)).toEqual(lists(graph));
      expect(lists(await loaded.extend(whole))).toEqual(grown);
      const again = await loaded.save();
      expect(again).toEqual(saved);
    }
  });

  it("takes in new nodes and lets go of dead ones", async () => {
    const index = await vectorIndex(all.subarray(0, 1000 * dims), "cosine");
    const half = await addon.buildGraph(index, options);
    index.publish({ rows: await index.coder.encode(all.subarray(1000 * dims)) });
    const grown = await half.extend(index);
    expect(half.count).toBe(1000);
    expect(grown.count).toBe(count);
    const fresh = await addon.buildGraph(index, options);
    expect(await recall(index, grown)).toBeGreaterThan((await recall(index, fresh)) - 0.02);

    const isLive = (node: number) => node % 5 !== 2;
    index.publish({ dead: Uint32Array.from(Array.from({ length: count }, (_, i) => i).filter((i) => !isLive(i))) });
    const repaired = await grown.repair(index);
    expect(lists(repaired).every((list, node) => (isLive(node) || list.length === 0) && list.every(isLive))).toBe(true);
    expect(await recall(index, repaired, isLive)).toBeGreaterThan(0.9);

    let next = 0;
    const numbers = Uint32Array.from({ length: count }, (_, node) => (isLive(node) ? next++ : 0xffffffff));
    const kept = Float32Array.from(all.filter((_, i) => isLive(Math.floor(i / dims))));
    const compact = await repaired.renumber(numbers);
    expect(compact.count).toBe(next);
    const renumbered = await vectorIndex(kept, "cosine");
    const found = await overQueries((query) =>
      recallOf(nearest("cosine", query, kept, 10), renumbered.nearest(query, { k: 10, graph: compact }).nodes),
    );
    expect(found).toBeGreaterThan(0.9);
  });

  it("is thinned to a degree or to bytes", async () => {
    const index = await vectorIndex(all, "cosine");
    const graph = await addon.buildGraph(index, options);
    for (const method of ["prune", "hubs", "random"] as const) {
      const thin = await graph.thin(index, { degree: 6, method, threads: 1 });
      expect(thin.edges).toBeLessThan(graph.edges);
      expect(lists(await graph.thin(index, { degree: 6, method, threads: 2 }))).toEqual(lists(thin));
      if (method !== "hubs") expect(thin.maxDegree).toBeLessThanOrEqual(6);
    }
    const thin = await graph.thin(index, { bytes: 9 });
    const { blocks } = await thin.save();
    const lowest = Math.ceil(count / 4096);
    const bytes = blocks.slice(0, lowest).reduce((sum, block) => sum + block.length, 0);
    expect(bytes / count).toBeLessThanOrEqual(9);
    expect(bytes / count).toBeGreaterThan(5);
    expect(await recall(index, thin)).toBeGreaterThan(0.6);
  });
});

it("of an empty index is refused, of one node is not", async () => {
  const coder = addon.createVectorCoder("float32", dims, "ip");
  const index = addon.createIndex(coder);
  await expect(addon.buildGraph(index, { kind: "vamana" })).rejects.toThrow(RangeError);
  index.publish({ rows: await coder.encode(vectors(1)) });
  for (const kind of ["vamana", "hnsw"] as const) {
    const graph = await addon.buildGraph(index, { kind });
    expect([...index.nearest(vectors(1), { k: 10, graph }).nodes]).toEqual([0]);
  }
});

describe("progress", () => {
  it.each(kinds)("of $kind counts up to its total", async (options) => {
    const progress = new addon.Progress();
    expect([progress.done, progress.total]).toEqual([0, 0]);
    const index = await vectorIndex(all, "l2");
    const graph = await addon.buildGraph(index, { ...options, progress });
    expect(progress.done).toBe(progress.total);
    expect(progress.total).toBeGreaterThanOrEqual(graph.count);
  });
});

describe("stopping", () => {
  it.each(kinds)("a build of $kind rejects soon", async (options) => {
    const index = await vectorIndex(vectors(20_000, 3), "l2");
    const stop = new addon.StopFlag();
    const progress = new addon.Progress();
    const window = options.kind === "vamana" ? { buildWindow: 1000 } : { efConstruction: 1000 };
    const build = addon.buildGraph(index, { ...options, ...window, stop, progress });
    while (progress.done < 100) await new Promise((resolve) => setTimeout(resolve, 1));
    stop.stop();
    await expect(build).rejects.toMatchObject({ code: "ABORTED" });
    expect(progress.done).toBeLessThan(progress.total);
    for (const work of [
      () => addon.buildGraph(index, { ...options, stop }),
      async () => (await addon.buildGraph(await vectorIndex(all, "l2"), options)).extend(index, { stop }),
      async () =>
        (await addon.buildGraph(index, { kind: "vamana", maxDegree: 2, buildWindow: 2 })).thin(index, {
          degree: 1,
          stop,
        }),
    ]) {
      await expect(work()).rejects.toMatchObject({ code: "ABORTED" });
    }
  });
});

describe("damage", () => {
  const damaged = (saved: SavedGraph, change: (copy: SavedGraph) => void): SavedGraph => {
    const copy = { header: saved.header.slice(), blocks: saved.blocks.map((block) => block.slice()) };
    change(copy);
    return copy;
  };

  it("is CORRUPT, or a graph that can be walked; never a crash", async () => {
    const index = await vectorIndex(all, "l2");
    const saved = await (await addon.buildGraph(index, { kind: "hnsw", M: 4, efConstruction: 20 })).save();
    let corrupt = 0;
    for (let round = 0; round < 200; round++) {
      const copy = damaged(saved, ({ header, blocks }) => {
        const block = round % 4 === 0 ? header : blocks[round % blocks.length]!;
        const at = (round * 7919) % block.length;
        block[at] = (block[at] ?? 0) ^ (1 << (round % 8));
      });
      const failure = await addon.loadGraph(copy).then(
        (graph) => void index.nearest(vectors(1, round), { k: 5, graph }),
        (error: { code: string }) => error.code,
      );
      if (failure !== undefined) {
        expect(["CORRUPT", "FORMAT_VERSION"]).toContain(failure);
        corrupt++;
      }
    }
    expect(corrupt).toBeGreaterThan(50);
  });

  it("of the shape is CORRUPT, a newer version FORMAT_VERSION", async () => {
    const index = await vectorIndex(all, "l2");
    const saved = await (await addon.buildGraph(index, kinds[1]!)).save();
    for (const change of [
      (copy: SavedGraph) => copy.blocks.pop(),
      (copy: SavedGraph) => copy.blocks.push(new Uint8Array()),
      (copy: SavedGraph) => copy.blocks.reverse(),
      (copy: SavedGraph) => (copy.blocks[0] = new Uint8Array(5)),
      (copy: SavedGraph) => (copy.header = new Uint8Array()),
      (copy: SavedGraph) => (copy.header = copy.header.slice(0, -1)),
    ]) {
      await expect(addon.loadGraph(damaged(saved, change))).rejects.toMatchObject({ code: "CORRUPT" });
    }
    const newer = damaged(saved, ({ header }) => (header[4] = 2));
    await expect(addon.loadGraph(newer)).rejects.toMatchObject({ code: "FORMAT_VERSION" });
  });
});
