// Stores of a graph alone: no codes, no vectors, every passage that a walk meets is embedded.
import { describe, expect, it } from "vitest";
import type { CompactProgress, OpenOptions, SearchOptions, VectorStore } from "../../../src/index.js";
import { fakeEmbedder } from "../../support/fake_embedder.js";
import { items, openStore, temporaryFile, texts } from "../../support/store.js";

const COUNT = 1500;
const K = 5;
const QUESTIONS = texts(20, 100_000);

async function filled(options: OpenOptions = {}) {
  const file = await temporaryFile();
  const embedder = fakeEmbedder();
  const all: OpenOptions = { codes: "none", embedder, ...options };
  const store = await openStore(file, all);
  await store.add(items(COUNT));
  return { store, file, embedder, options: all };
}

async function answers(store: VectorStore, options: SearchOptions = {}): Promise<string[][]> {
  const found = [];
  for (const question of QUESTIONS) {
    const { hits } = await store.search(question, { k: K, recall: 0.99, ...options });
    found.push(hits.map(({ id }) => id));
  }
  return found;
}

/** The ids that are truly nearest, by a store that keeps every vector. */
async function truth(ids: (id: string) => boolean, ...added: ReturnType<typeof items>[]): Promise<string[][]> {
  const store = await openStore(await temporaryFile(), { embedder: fakeEmbedder(), codes: "lvq8", vectors: "float32" });
  await store.add(added.flat().filter(({ id }) => ids(id!)));
  return await answers(store, { recall: 0.999 });
}

function share(found: string[][], wanted: string[][]): number {
  const shared = found.map((ids, i) => ids.filter((id) => wanted[i]!.includes(id)).length);
  return shared.reduce((sum, n) => sum + n, 0) / wanted.flat().length;
}

const wide: SearchOptions = { walk: { mode: "exact", window: 200 } };

describe.each([undefined, "hnsw", { vamana: { maxDegree: 16, bytes: 18 } }] as const)("index %j", (index) => {
  it("finds what is nearest before and after compact, growth and deletion, and keeps only a graph", async () => {
    const { store, file, embedder, options } = await filled(index ? { index } : {});
    const all = await truth(() => true, items(COUNT));
    expect(share(await answers(store), all)).toBeGreaterThan(0.98);
    expect(await store.stats()).toMatchObject({ codes: "none", codebook: "none", pending: COUNT, linked: 0 });

    embedder.documents = 0;
    const { linked, graphBytes } = await store.compact();
    expect(embedder.documents).toBe(0); // their vectors were still there
    expect(linked).toBe(COUNT);
    expect(graphBytes / COUNT).toBeLessThanOrEqual(25);
    expect(await store.stats()).toMatchObject({ pending: 0, codeBytes: 512, keptBytes: 0, codeBytesPerPassage: 0 });
    expect(share(await answers(store, wide), all)).toBeGreaterThan(0.95);
    expect(embedder.documents).toBeGreaterThan(200);

    const gone = new Set(items(300).map(({ id }) => id!));
    await store.delete({ ids: [...gone] });
    await store.add(items(100, 50_000));
    const now = await truth((id) => !gone.has(id), items(COUNT), items(100, 50_000));
    expect(share(await answers(store, wide), now)).toBeGreaterThan(0.93);
    expect((await store.verify()).problems).toEqual([]);

    const told: CompactProgress[] = [];
    embedder.documents = 0;
    expect((await store.compact({ onProgress: (progress) => told.push(progress) })).linked).toBe(COUNT + 100);
    expect(embedder.documents).toBe(COUNT - 300);
    expect(told[0]).toEqual({ phase: "embed", done: 0, total: COUNT });
    expect(share(await answers(store, wide), now)).toBeGreaterThan(0.95);
    expect((await store.verify()).problems).toEqual([]);
    const again = await openStore(file, options);
    expect(await answers(again, wide)).toEqual(await answers(store, wide));
  });
});

it("neither embeds nor writes when nothing changed", async () => {
  const { store, embedder } = await filled();
  const first = await store.compact();
  const { fileBytes } = await store.stats();
  embedder.documents = 0;
  expect(await store.compact()).toEqual({ ...first, freedBytes: 0 });
  expect(embedder.documents).toBe(0);
  expect((await store.stats()).fileBytes).toBe(fileBytes);
});

it("does not embed passages that wait, and says where their vectors came from", async () => {
  const { store, embedder } = await filled();
  await store.compact();
  const [late] = items(1, 90_000);
  await store.add([late!]);
  embedder.documents = 0;
  const { hits, cost, expectedRecall } = await store.search(late!.text, { k: 1, explain: true });
  expect(hits[0]).toMatchObject({ id: late!.id, explain: { source: "kept" } });
  expect(hits[0]!.score).toBeCloseTo(1, 2);
  expect(cost.embedded).toBe(embedder.documents);
  expect(cost.recomputed).toBeGreaterThan(cost.embedded);
  expect(expectedRecall).toBeUndefined();
});

it("recomputes each of a few passages that match a filter, and walks where there are many", async () => {
  const { store } = await filled();
  await store.compact();
  for (const count of [0, 1, 4, 60]) {
    const { hits, cost } = await store.search(QUESTIONS[1]!, { k: K, filter: { n: { $lt: count } } });
    expect(hits.length).toBe(Math.min(K, count));
    expect(cost.recomputed).toBe(count);
  }
  const { hits } = await store.search(QUESTIONS[1]!, { k: K, filter: { n: { $gte: 10 } }, walk: { window: 5 } });
  for (const { metadata } of hits) expect(metadata["n"]).toBeGreaterThanOrEqual(10);
  expect(hits.length).toBe(K);
});

it("keeps to limits of recomputing", async () => {
  const { store } = await filled();
  await store.compact();
  const { hits, cost } = await store.search(QUESTIONS[2]!, { k: K, recompute: { max: 40 } });
  expect(cost.recomputed).toBeLessThanOrEqual(40);
  expect(hits.length).toBe(K);
});

it.each([
  [{ walk: "scan" }, 'walk: "scan"'],
  [{ walk: { mode: "guided" } }, 'walk: {"mode":"guided"}'],
  [{ walk: { mode: "two-level", ratio: 0.5 } }, "walk: "],
  [{ recompute: 0 }, "recompute: 0"],
  [{ scores: "approx" }, 'scores: "approx"'],
] as [SearchOptions, string][])("refuses %j, which takes estimates", async (options, named) => {
  const { store } = await filled();
  await store.compact();
  const search = store.search(QUESTIONS[0]!, options);
  await expect(search).rejects.toMatchObject({ code: "INVALID_ARGUMENT", message: expect.stringContaining(named) });
});

it.each(["flat", "auto"] as const)("refuses the index %s, which may never be a graph", async (index) => {
  const opening = openStore(await temporaryFile(), { embedder: fakeEmbedder(), codes: "none", index });
  await expect(opening).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
});

it("follows a compact of another process, and grows beside it", async () => {
  const { store, file, options } = await filled();
  const other = await openStore(file, options);
  const before = await answers(other);
  await store.compact();
  expect(share(await answers(other, wide), before)).toBeGreaterThan(0.95);
  await other.add(items(10, 70_000));
  const both = await Promise.all([store.compact(), other.compact()]);
  expect(both.map(({ linked }) => linked)).toEqual([COUNT + 10, COUNT + 10]);
  expect((await store.verify()).problems).toEqual([]);
  expect(share(await answers(store, wide), before)).toBeGreaterThan(0.93);
});

it("stands again after all was deleted", async () => {
  const { store } = await filled();
  await store.compact();
  await store.delete({ all: true });
  await store.compact();
  expect((await store.search(QUESTIONS[0]!)).hits).toEqual([]);
  await store.add(items(30, 80_000));
  expect((await store.search(QUESTIONS[0]!, { k: K })).hits.length).toBe(K);
  expect((await store.compact()).linked).toBe(30);
  expect((await store.search(QUESTIONS[0]!, { k: K })).hits.length).toBe(K);
  expect((await store.verify()).problems).toEqual([]);
});

it("leaves the store as it was when it is stopped while it embeds", async () => {
  const { store, embedder } = await filled();
  await store.compact();
  await store.add(items(20, 60_000));
  const before = await answers(store, wide);
  embedder.documents = 0;
  const controller = new AbortController();
  const onProgress = ({ done }: CompactProgress) => done > 0 && controller.abort();
  await expect(store.compact({ signal: controller.signal, onProgress })).rejects.toMatchObject({ code: "ABORTED" });
  expect(embedder.documents).toBeGreaterThan(0);
  expect(await store.stats()).toMatchObject({ pending: 20, linked: COUNT });
  expect(await answers(store, wide)).toEqual(before);
});

it.each(["file", "memory"] as const)("builds on kept vectors, and ranks by them (in %s)", async (vectorsIn) => {
  const { store, embedder } = await filled({ vectors: "float16", vectorsIn });
  embedder.documents = 0;
  const all = await truth(() => true, items(COUNT));
  await store.compact();
  await store.delete({ ids: ["no such id"] });
  expect(share(await answers(store, { walk: { window: 200 } }), all)).toBeGreaterThan(0.95);
  await store.add(items(10, 70_000));
  embedder.documents = 0;
  expect((await store.compact()).linked).toBe(COUNT + 10);
  expect(embedder.documents).toBe(0);
  expect((await store.verify()).problems).toEqual([]);
});

it("passages that no graph links yet are scored by the vectors that wait in the file, and hits say so", async () => {
  const embedder = fakeEmbedder({ dims: 16 });
  const store = await openStore(await temporaryFile(), { embedder, codes: "none" });
  await store.add(items(30));
  const sources = async () => {
    const { hits } = await store.search("the river in winter", { k: 30, explain: true });
    return new Set(hits.map(({ explain }) => explain?.source));
  };
  expect(await sources()).toEqual(new Set(["recompute"]));
  await store.compact();
  expect(await sources()).toEqual(new Set(["cache"]));
  await store.add(items(5, 100));
  expect(await sources()).toEqual(new Set(["cache", "kept"]));
});
