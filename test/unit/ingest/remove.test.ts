import { afterEach, describe, expect, it, vi } from "vitest";
import type { OpenOptions, VectorStore } from "../../../src/index.js";
import { Connection } from "../../../src/storage/connection.js";
import { fakeEmbedder } from "../../support/fake_embedder.js";
import { items, openStore, temporaryFile } from "../../support/store.js";
import { tamper } from "../storage/temporary_store.js";

const QUESTION = "Which violin freezes the glacier in winter?";

const kinds: Record<string, OpenOptions> = {
  "waiting passages": {},
  codes: { codes: "lvq8", keywords: true, filterable: ["n"] },
  "a graph": { codes: "lvq8", index: "vamana" },
  "a graph alone": { codes: "none", index: "hnsw" },
  "kept vectors": { vectors: "float16", index: "vamana" },
  "kept vectors in memory": { vectors: "float32", vectorsIn: "memory" },
};

const options = (kind: string): OpenOptions => ({
  ...kinds[kind],
  embedder: fakeEmbedder({ dims: 16 }),
  durability: "normal",
});

async function ids(store: VectorStore): Promise<string[]> {
  const found: string[] = [];
  for await (const { id } of store.passages()) found.push(id);
  return found;
}

async function found(store: VectorStore): Promise<string[]> {
  return (await store.search(QUESTION, { k: 5, recall: 0.999 })).hits.map(({ id }) => id);
}

afterEach(() => void vi.restoreAllMocks());

describe.each(Object.keys(kinds))("deleting all of a store of %s", (kind) => {
  it("leaves what a new store has, and what it is, to this handle and to others", async () => {
    const file = await temporaryFile();
    const store = await openStore(file, options(kind));
    await store.add(items(120));
    await store.delete({ ids: ["p7"] });
    await store.compact();
    await store.records("book").update(["p1", "p2"]);
    const other = await openStore(file, options(kind));
    expect((await found(other)).length).toBe(5);
    const before = await store.stats();

    expect(await store.delete({ all: true })).toBe(119);
    expect(await store.delete({ all: true })).toBe(0);
    for (const one of [store, other, await openStore(file, options(kind))]) {
      expect([await one.count(), await one.count({ n: 1 }), await ids(one), await found(one)]).toEqual([0, 0, [], []]);
      expect(await one.has(["p1"])).toEqual([false]);
      expect((await one.verify()).problems).toEqual([]);
    }
    const after = await store.stats();
    const empty = { passages: 0, rawBytes: 0, textBytes: 0, codeBytes: 0, pending: 0, linked: 0, graphBytes: 0 };
    expect(after).toMatchObject({ ...empty, keptBytes: 0, dims: 16, codebook: before.codebook, codes: before.codes });
    expect(await store.records("book").list()).toEqual([]);
    expect(tamper(file, (raw) => raw.prepare("SELECT count(*) AS n FROM id_buckets").get())).toEqual({ n: 1 });

    const fresh = items(80, 1_000);
    expect(await other.add(fresh)).toMatchObject({ added: 80 });
    await store.compact();
    const again = await openStore(await temporaryFile(), options(kind));
    await again.add(fresh);
    for (const one of [store, other]) {
      expect(await ids(one)).toEqual(fresh.map(({ id }) => id));
      expect(await found(one)).toEqual(await found(again));
      expect((await one.verify()).problems).toEqual([]);
    }
  });

  it("runs as many statements for many passages as for few", async () => {
    const counts: number[] = [];
    for (const count of [20, 120]) {
      const store = await openStore(await temporaryFile(), options(kind));
      await store.add(items(count));
      await store.compact();
      const run = vi.spyOn(Connection.prototype, "run");
      await store.delete({ all: true });
      counts.push(run.mock.calls.length);
      vi.restoreAllMocks();
    }
    expect(counts[1]).toBe(counts[0]);
  });
});

it("is done all or not at all", async () => {
  const store = await openStore(await temporaryFile(), options("codes"));
  await store.add(items(200));
  const { run } = Connection.prototype;
  vi.spyOn(Connection.prototype, "run").mockImplementation(function (this: Connection, sql, ...params) {
    if (sql.includes("live_blocks")) throw new Error("the disk is gone");
    return run.call(this, sql, ...params);
  });
  await expect(store.delete({ all: true })).rejects.toThrow();
  vi.restoreAllMocks();
  expect(await store.count()).toBe(200);
  expect((await found(store)).length).toBe(5);
  expect((await store.verify()).problems).toEqual([]);
});

it("takes damaged passages with it", async () => {
  const store = await openStore(await temporaryFile(), options("codes"));
  await store.add(items(100));
  tamper(store.path, (raw) => raw.exec("UPDATE passages SET text = x'00' WHERE node = 50"));
  expect(await store.delete({ all: true })).toBe(100);
  expect((await store.verify()).problems).toEqual([]);
});

it("ends a listing, and searches beside it find what was there or nothing", async () => {
  const file = await temporaryFile();
  const embedder = fakeEmbedder({ dims: 16, delayMs: 1 });
  const store = await openStore(file, { ...options("codes"), embedder, cacheBytes: 0 });
  const other = await openStore(file, options("codes"));
  for (let round = 0; round < 4; round++) {
    await other.add(items(300, 300 * round));
    const known = new Set(items(300, 300 * round).map(({ id }) => id));
    const seen: string[] = [];
    const listing = (async () => {
      for await (const { id } of store.passages()) if (seen.push(id) === 70) await other.delete({ all: true });
    })();
    const searches = Array.from({ length: 6 }, () => found(store));
    for (const hits of await Promise.all(searches)) for (const id of hits) expect(known).toContain(id);
    await listing;
    expect(seen.length).toBeGreaterThanOrEqual(70);
    expect(await found(store)).toEqual([]);
  }
});
