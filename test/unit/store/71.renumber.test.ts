import { expect, it } from "vitest";
import type { OpenOptions, VectorStore } from "../../../src/index.js";
import { fakeEmbedder } from "../../support/fake_embedder.js";
import { seeded } from "../../support/seeded.js";
import { items, openStore, temporaryFile } from "../../support/store.js";
import { tamper } from "../storage/temporary_store.js";

const embedder = () => fakeEmbedder({ dims: 16 });

async function filled(count: number, options: OpenOptions = {}): Promise<VectorStore> {
  const store = await openStore(await temporaryFile(), { embedder: embedder(), ...options });
  for (let at = 0; at < count; at += 2_000) await store.add(items(Math.min(2_000, count - at), at));
  return store;
}

/** Ids to delete: some at the beginning, a run, and others by chance. */
function condemned(count: number, share: number): string[] {
  const random = seeded(7);
  const ids = items(count).map(({ id }) => id!);
  return ids.filter((_, i) => i < 3 || (i >= count / 2 && i < count / 2 + 70) || random() < share);
}

/** What a store answers, by every way of asking. */
async function answers(store: VectorStore) {
  const questions = items(6, 40).map(({ text }) => text);
  const found: unknown[] = [];
  const shown = (hits: { id: string; score: number; text: string }[]) =>
    hits.map(({ id, score, text }) => ({ id, score: score.toFixed(5), text }));
  for (const question of questions) {
    found.push(shown((await store.search(question, { k: 5, recall: 0.99 })).hits));
    found.push(shown((await store.search(question, { k: 5, filter: { n: { $gt: 300 } }, recall: 0.99 })).hits));
  }
  const listed: string[] = [];
  for await (const { id } of store.passages()) listed.push(id);
  const odd: string[] = [];
  for await (const { id } of store.passages({ filter: { n: { $nin: [9, 401] } }, after: listed[5]! })) odd.push(id);
  return { found, listed, odd, count: await store.count({ n: { $gt: 100 } }), get: await store.get(listed.slice(-3)) };
}

const kinds: [name: string, count: number, options: OpenOptions][] = [
  ["waiting vectors", 400, {}],
  ["codes", 5_000, {}],
  ["codes, words and indexes", 4_500, { keywords: true, filterable: ["n"] }],
  ["kept vectors in the file", 4_200, { vectors: "float16" }],
  ["kept vectors in memory under a graph", 1_000, { vectors: "float32", vectorsIn: "memory", index: "vamana" }],
  ["codes under a graph", 4_500, { index: "hnsw" }],
];

it.each(kinds)("%s: compact drops what was deleted, and every answer stays", async (_, count, options) => {
  const store = await filled(count, options);
  const other = await openStore(store.path, { embedder: embedder(), ...options });
  if (options.index) await store.compact();
  const gone = condemned(count, 0.25);
  await store.delete({ ids: gone });
  const before = await answers(store);
  expect(await answers(other)).toEqual(before);
  const bytes = (await store.stats()).codeBytes;

  expect((await store.compact()).dropped).toBe(gone.length);
  expect(await answers(store)).toEqual(before);
  expect(await answers(other)).toEqual(before);
  expect((await store.verify()).problems).toEqual([]);
  if (count > 4_096) expect((await store.stats()).codeBytes).toBeLessThan(0.8 * bytes);
  expect((await store.compact()).dropped).toBe(0);

  await other.add(items(50, 10_000));
  await other.delete({ ids: ["p10003"] });
  expect(await answers(store)).toEqual(await answers(other));
  expect(await store.count()).toBe(count - gone.length + 49);
  expect((await store.verify()).problems).toEqual([]);
  await store.close();
  await other.close();
  const again = await openStore(store.path, { embedder: embedder(), ...options });
  expect((await again.search(items(1, 10_007)[0]!.text, { k: 1 })).hits[0]?.id).toBe("p10007");
});

it.each([
  [9, 0],
  [10, 10],
  [11, 11],
])("of 100 passages %i are deleted: codes of %i are dropped", async (deleted, dropped) => {
  const store = await filled(100);
  await store.delete({ ids: items(deleted, 30).map(({ id }) => id!) });
  expect((await store.compact()).dropped).toBe(dropped);
});

it("words and meaning find the same afterwards", async () => {
  const store = await filled(600, { keywords: true });
  await store.delete({ ids: condemned(600, 0.3) });
  const ask = async () => {
    const found = [];
    for (const mode of ["keyword", "hybrid"] as const) {
      for (const { text } of items(5, 200)) {
        const { hits } = await store.search(text, { mode, k: 4, filter: { n: { $lt: 500 } } });
        found.push(hits.map(({ id, score }) => `${id} ${score.toFixed(5)}`));
      }
    }
    return found;
  };
  const before = await ask();
  expect((await store.compact()).dropped).toBeGreaterThan(100);
  expect(await ask()).toEqual(before);
});

it("searches, listings and writes of others go on meanwhile, and no answer pairs an id with another's text", async () => {
  const store = await filled(4_300, { keywords: true });
  // Time for the store to be renumbered between what a search finds and what it reads.
  const slow = fakeEmbedder({ dims: 16, delayMs: 3 });
  const other = await openStore(store.path, { embedder: slow, cacheBytes: 0 });
  const texts = new Map(items(4_300).map(({ id, text }) => [id, text]));
  const rounds = { vector: 0, keyword: 0, hybrid: 0 };
  let stop = false;
  const asking = (["vector", "keyword", "hybrid"] as const).map(async (mode) => {
    for (let i = 0; !stop; i++) {
      const { id, text } = items(1, 2_600 + ((i * 37) % 1_700))[0]!;
      const { hits } = await other.search(text, { k: 3, mode, filter: { n: { $gte: 0 } } });
      expect(hits).toHaveLength(3);
      for (const hit of hits) expect(hit.text).toBe(texts.get(hit.id));
      // It stays all the time, and nothing is nearer to its text.
      expect(hits[0]?.id).toBe(id);
      if (mode === "vector") expect(hits[0]?.score).toBeCloseTo(1, 3);
      rounds[mode]++;
    }
  });
  const listing = (async () => {
    while (!stop) {
      const seen: string[] = [];
      for await (const { id, text } of other.passages()) {
        expect(text).toBe(texts.get(id));
        seen.push(id);
      }
      const numbers = seen.map((id) => Number(id.slice(1)));
      expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
    }
  })();
  let left = 4_300;
  for (const from of [0, 2_000]) {
    await store.delete({ ids: items(600, from).map(({ id }) => id!) });
    left -= 600;
    expect((await store.compact()).dropped).toBe(600);
  }
  stop = true;
  await Promise.all([...asking, listing]);
  expect(Math.min(...Object.values(rounds))).toBeGreaterThan(3);
  expect(await other.count()).toBe(left);
  expect((await other.verify()).problems).toEqual([]);
}, 120_000);

it("a listing keeps its place, with and without a filter", async () => {
  for (const filter of [undefined, { n: { $gte: 0 } }]) {
    const store = await filled(600);
    const seen: number[] = [];
    for await (const { metadata } of store.passages(filter ? { filter } : {})) {
      seen.push(metadata["n"] as number);
      if (seen.length === 200) {
        // The last passage given is among them.
        await store.delete({ ids: items(150, 190).map(({ id }) => id!) });
        await store.compact();
      }
    }
    const after = seen.slice(256);
    expect(seen.slice(0, 200)).toEqual(Array.from({ length: 200 }, (_, i) => i));
    expect(after).toEqual(Array.from({ length: 600 - 340 }, (_, i) => 340 + i));
  }
});

it("a listing whose place is gone for good says so", async () => {
  const store = await filled(600);
  const listing = store.passages();
  for (let i = 0; i < 128; i++) await listing.next();
  await store.delete({ ids: items(128).map(({ id }) => id!) });
  await store.compact();
  await expect(listing.next()).rejects.toMatchObject({ code: "NOT_FOUND" });
});

it("one that is stopped leaves the store as it was", async () => {
  const store = await filled(4_500);
  await store.delete({ ids: condemned(4_500, 0.3) });
  const before = await answers(store);
  const stop = new AbortController();
  const phases = new Set<string>();
  const stopped = store.compact({
    signal: stop.signal,
    onProgress: ({ phase, done, total }) => {
      phases.add(phase);
      if (done > total / 2) stop.abort();
    },
  });
  await expect(stopped).rejects.toMatchObject({ code: "ABORTED" });
  expect([...phases]).toEqual(["renumber"]);
  expect(await answers(store)).toEqual(before);
  expect((await store.verify()).problems).toEqual([]);
  expect((await store.compact()).dropped).toBeGreaterThan(1_000);
  expect(await answers(store)).toEqual(before);
});

it("a damaged passage stops it, and nothing has changed", async () => {
  const store = await filled(300);
  await store.delete({ ids: items(100, 50).map(({ id }) => id!) });
  tamper(store.path, (raw) => raw.exec("UPDATE passages SET hash = zeroblob(8) WHERE node = 200"));
  const before = (await store.verify()).problems;
  await expect(store.compact()).rejects.toMatchObject({ code: "CORRUPT" });
  expect((await store.verify()).problems).toEqual(before);
  expect(await store.get(["p10"])).toMatchObject([{ id: "p10" }]);
});

it("a store of which all was deleted begins anew", async () => {
  const store = await filled(4_200);
  await store.delete({ all: true });
  expect((await store.stats()).codeBytes).toBe(0);
  expect((await store.compact()).dropped).toBe(0);
  expect((await store.search("the river")).hits).toEqual([]);
  expect((await store.verify()).problems).toEqual([]);
  await store.add(items(70, 5_000));
  expect((await store.search(items(1, 5_012)[0]!.text, { k: 1 })).hits[0]?.id).toBe("p5012");
  expect((await store.verify()).problems).toEqual([]);
});

it("a store without codes keeps its nodes: there is nothing to drop, and its graph would be lost", async () => {
  const store = await filled(200, { codes: "none", index: "vamana" });
  await store.compact();
  await store.delete({ ids: items(100).map(({ id }) => id!) });
  expect((await store.compact()).dropped).toBe(0);
  expect((await store.search(items(1, 150)[0]!.text, { k: 1 })).hits[0]?.id).toBe("p150");
});
