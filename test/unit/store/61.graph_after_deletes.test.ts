import { describe, expect, test } from "vitest";
import type { OpenOptions, SearchOptions } from "../../../src/index.js";
import { fakeEmbedder } from "../../support/fake_embedder.js";
import { items, openStore, temporaryFile } from "../../support/store.js";

/** Every way in which a graph and the rows it is walked on can come together. */
const KINDS: readonly OpenOptions[] = [
  { vectors: "float32", vectorsIn: "memory" },
  { vectors: "float16", vectorsIn: "memory", metric: "ip" },
  { vectors: "lvq8", vectorsIn: "memory", metric: "l2" },
  { vectors: "float32", vectorsIn: "file" },
  { codes: "lvq8" },
  { codes: "none" },
  { codes: "none", vectors: "float32", vectorsIn: "memory" },
];
const named = KINDS.map((options) => ({ name: JSON.stringify(options), options }));

const ids = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => `p${from + i}`);

describe.each(named)("$name", ({ options }) => {
  const all = { embedder: fakeEmbedder({ dims: 16 }), index: "vamana", durability: "normal", ...options } as const;

  /** Searches of every mode that this kind of store knows answer all passages that are left. */
  async function expectAll(file: string, wanted: readonly string[]): Promise<void> {
    const store = await openStore(file, all);
    const modes: SearchOptions["walk"][] =
      options.codes === "none" ? [undefined] : [undefined, "scan", { mode: "guided" }, { mode: "exact" }];
    for (const walk of modes) {
      const { hits } = await store.search("the river in winter", {
        k: Math.max(1, wanted.length),
        recall: 0.999,
        ...(walk && { walk }),
      });
      expect([walk, hits.map(({ id }) => id).sort()]).toEqual([walk, [...wanted].sort()]);
    }
    expect((await store.verify()).problems).toEqual([]);
  }

  test("the newest passages are deleted, the store is opened again, and others come", async () => {
    const file = await temporaryFile();
    const before = await openStore(file, all);
    await before.add(items(400));
    await before.compact();
    await before.delete({ ids: ids(60, 400) });
    await before.close();
    const after = await openStore(file, all);
    await after.add(items(10, 1000));
    await expectAll(file, [...ids(0, 60), ...ids(1000, 1010)]);
    await after.compact();
    await expectAll(file, [...ids(0, 60), ...ids(1000, 1010)]);
    await after.compact();
  });

  test("all that the graph links is deleted, and others come", async () => {
    const file = await temporaryFile();
    const store = await openStore(file, all);
    await store.add(items(20));
    await store.compact();
    await store.delete({ all: true });
    await store.add(items(5, 100));
    await expectAll(file, ids(100, 105));
    const { linked } = await store.compact();
    expect(linked).toBeGreaterThan(0);
    await expectAll(file, ids(100, 105));
    await store.delete({ all: true });
    await store.compact();
    await expectAll(file, []);
    await store.add(items(3, 200));
    await store.compact();
    await expectAll(file, ids(200, 203));
  });

  test("another store deletes, adds and compacts while this one compacts and searches", async () => {
    const file = await temporaryFile();
    const [a, b] = [await openStore(file, all), await openStore(file, all)];
    await a.add(items(400));
    await a.compact();
    for (let round = 0; round < 3; round++) {
      const [first, last] = [1000 * (round + 1), 1000 * (round + 1) + 40];
      const from = round === 0 ? 136 : first - 1000;
      const to = round === 0 ? 400 : last - 1000;
      await Promise.all([
        a.compact(),
        a.search("the river in winter", { k: 5 }),
        b.delete({ ids: ids(from, to) }),
        b.add(items(40, first)),
        b.compact(),
        b.search("the glacier", { k: 5 }),
        a.search("the engine", { k: 5 }),
      ]);
      await expectAll(file, [...ids(0, 136), ...ids(first, last)]);
    }
    await a.compact();
    await expectAll(file, [...ids(0, 136), ...ids(3000, 3040)]);
  });
});
