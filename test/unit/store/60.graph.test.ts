import { describe, expect, it } from "vitest";
import type { IndexChoice, OpenOptions, SearchOptions, VectorStore } from "../../../src/index.js";
import { fakeEmbedder } from "../../support/fake_embedder.js";
import { items, openStore, temporaryFile, texts } from "../../support/store.js";

const COUNT = 4500;
const K = 5;
const QUESTIONS = texts(20, 100_000);

/** A store of `COUNT` passages whose own codebook is trained, and the options to open it again. */
async function filled(options: OpenOptions): Promise<{ store: VectorStore; file: string; options: OpenOptions }> {
  const file = await temporaryFile();
  const all = { embedder: fakeEmbedder(), ...options };
  const store = await openStore(file, all);
  await store.add(items(COUNT));
  return { store, file, options: all };
}

async function answers(store: VectorStore, options: SearchOptions): Promise<string[][]> {
  const found = [];
  for (const question of QUESTIONS) {
    const { hits } = await store.search(question, { k: K, recall: 0.99, ...options });
    found.push(hits.map(({ id }) => id));
  }
  return found;
}

function share(found: string[][], wanted: string[][]): number {
  const shared = found.map((ids, i) => ids.filter((id) => wanted[i]!.includes(id)).length);
  return shared.reduce((sum, n) => sum + n, 0) / wanted.flat().length;
}

const kinds: [name: string, options: OpenOptions][] = [
  ["vamana on codes", { index: "vamana" }],
  ["hnsw on codes", { index: { hnsw: { M: 12, efConstruction: 80 } } }],
  ["vamana on lvq8", { index: { vamana: { maxDegree: 24, bytes: 20 } }, codes: "lvq8" }],
  ["vamana on vectors in memory", { index: "vamana", vectors: "float16", vectorsIn: "memory" }],
  ["vamana with vectors in the file", { index: "vamana", vectors: "lvq8" }],
];

describe.each(kinds)("%s", (_, options) => {
  it("finds by walking what a scan finds, before and after growth, deletion and reopening", async () => {
    const { store, file, options: all } = await filled(options);
    const walk: SearchOptions = { walk: { window: 200 } };
    const scanned = await answers(store, { walk: "scan" });
    expect(await answers(store, walk)).toEqual(scanned); // there is no graph yet: both scan

    const told: number[] = [];
    const { linked, graphBytes } = await store.compact({
      onProgress: ({ phase, done }) => phase === "link" && told.push(done),
    });
    expect(linked).toBe(COUNT);
    expect(graphBytes).toBeGreaterThan(4 * COUNT);
    expect(share(await answers(store, walk), scanned)).toBeGreaterThanOrEqual(0.97);

    // Few enough deleted for the others to keep their nodes: the graph is repaired and grows.
    await store.delete({ ids: items(300).map(({ id }) => id!) });
    await store.add(items(300, 50_000));
    const grown = await answers(store, { walk: "scan" });
    expect(share(await answers(store, walk), grown)).toBeGreaterThanOrEqual(0.97);
    expect(await store.compact()).toMatchObject({ linked: COUNT + 300, dropped: 0 });
    expect(share(await answers(store, walk), grown)).toBeGreaterThanOrEqual(0.97);

    await store.delete({ ids: items(600, 1_000).map(({ id }) => id!) });
    const afterwards = await answers(store, { walk: "scan" });
    expect(await store.compact()).toMatchObject({ linked: COUNT - 600, dropped: 900 });
    expect(share(await answers(store, { walk: "scan" }), afterwards)).toBe(1);
    expect(share(await answers(store, walk), afterwards)).toBeGreaterThanOrEqual(0.97);
    expect((await store.verify()).problems).toEqual([]);

    const { cost } = await store.search(QUESTIONS[0]!, { k: K, ...walk });
    expect(cost.scanned).toBeLessThan(COUNT);
    const again = await openStore(file, all);
    expect(await answers(again, walk)).toEqual(await answers(store, walk));
  });
});

it("walks by recomputing alone, or by estimates and recomputing", async () => {
  const { store } = await filled({ index: "vamana" });
  await store.compact();
  const truth = await answers(store, { walk: "scan", recall: 0.999 });
  const exact = await answers(store, { walk: { mode: "exact", window: 60 } });
  expect(share(exact, truth)).toBeGreaterThanOrEqual(0.97);
  const search = async (walk: SearchOptions["walk"] & object) =>
    (await store.search(QUESTIONS[3]!, { k: K, walk })).cost.recomputed;
  const [all, some] = [
    await search({ mode: "exact", window: 40 }),
    await search({ mode: "two-level", window: 40, ratio: 0.1 }),
  ];
  expect(some).toBeLessThan(all);
  expect(some).toBeGreaterThanOrEqual(K);
});

it("finds as many hits as match a filter, however few", async () => {
  const { store } = await filled({ index: "vamana" });
  await store.compact();
  for (const count of [1, 4, 40, 2000]) {
    const filter = { n: { $lt: count } };
    const { hits } = await store.search(QUESTIONS[1]!, { k: K, filter, walk: { window: 100 } });
    expect(hits.length).toBe(Math.min(K, count));
    for (const { metadata } of hits) expect(metadata["n"]).toBeLessThan(count);
  }
});

it("is built on the vectors of the living alone, however many have gone", async () => {
  const { store } = await filled({ index: "vamana", vectors: "lvq8", vectorsIn: "memory" });
  await store.delete({ ids: items(3000, 500).map(({ id }) => id!) });
  await store.compact();
  const truth = await answers(store, { walk: "scan" });
  expect(share(await answers(store, { walk: { window: 150 } }), truth)).toBeGreaterThanOrEqual(0.97);
});

it("goes on after the newest passages were deleted, whose vectors the file no longer has", async () => {
  const { store } = await filled({ index: "hnsw", vectors: "lvq8" });
  await store.compact();
  await store.delete({ ids: items(100, COUNT - 100).map(({ id }) => id!) });
  await store.compact();
  const { hits } = await store.search(QUESTIONS[4]!, { k: K, walk: { window: 100 } });
  expect(hits.length).toBe(K);
  expect((await store.verify()).problems).toEqual([]);
});

it.each(["flat", "auto"] as const)(
  "builds nothing for a small store with the index %s, nor for an empty one",
  async (index) => {
    const store = await openStore(await temporaryFile(), { embedder: fakeEmbedder(), index });
    const nothing = { linked: 0, graphBytes: 0 };
    expect(await store.compact()).toEqual({
      ...nothing,
      trained: 0,
      dropped: 0,
      keywordBytes: 0,
      keywordBytesBefore: 0,
      freedBytes: 0,
    });
    await store.add(items(50));
    expect(await store.compact()).toMatchObject(nothing);
    expect(await store.stats()).toMatchObject({ index, ...nothing });
  },
);

it("keeps the index that it was made with", async () => {
  const file = await temporaryFile();
  const store = await openStore(file, { embedder: fakeEmbedder(), index: "vamana" });
  await store.add(items(10));
  expect(await store.compact()).toMatchObject({ linked: 10 }); // passages that wait for a codebook are linked too
  const other = openStore(file, { embedder: fakeEmbedder(), index: "hnsw" });
  await expect(other).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
});

it("sees the graph that another store on the file builds", async () => {
  const { store, file, options } = await filled({ index: "vamana" });
  const other = await openStore(file, options);
  await store.compact();
  const { cost } = await other.search(QUESTIONS[2]!, { k: K, walk: { window: 50 } });
  expect(cost.scanned).toBeLessThan(COUNT);
});

it("stops, and leaves the store as it was", async () => {
  const { store } = await filled({ index: "vamana" });
  await expect(store.compact({ signal: AbortSignal.timeout(20) })).rejects.toMatchObject({ code: "ABORTED" });
  expect((await store.verify()).problems).toEqual([]);
  expect((await store.compact()).linked).toBe(COUNT);
});

it.each<[string, unknown]>([
  ["an unknown name", "ivf"],
  ["nothing", null],
  ["both kinds", { vamana: {}, hnsw: {} }],
  ["an unknown setting", { vamana: { degree: 3 } }],
  ["a degree beyond a byte", { vamana: { maxDegree: 256 } }],
  ["M of 1", { hnsw: { M: 1 } }],
])("refuses %s as index", async (_, index) => {
  const open = openStore(await temporaryFile(), { embedder: fakeEmbedder(), index: index as IndexChoice });
  await expect(open).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
});

it.each<[string, SearchOptions]>([
  ["a window of 0", { walk: { window: 0 } }],
  ["an unknown mode", { walk: { mode: "best" as "exact" } }],
  ["a ratio above 1", { walk: { ratio: 2 } }],
])("refuses %s in a search", async (_, options) => {
  const store = await openStore(await temporaryFile(), { embedder: fakeEmbedder() });
  await expect(store.search("a", options)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
});
