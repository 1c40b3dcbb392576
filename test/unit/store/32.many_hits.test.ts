import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { type OpenOptions, VectorStore } from "../../../src/index.js";
import { countRounds, slowClock } from "../../support/clock.js";
import { fakeEmbedder } from "../../support/fake_embedder.js";
import { items } from "../../support/store.js";

const COUNT = 12_000;

describe.each<[string, OpenOptions]>([
  ["vectors recomputed", { keywords: true }],
  ["vectors kept in the file", { vectors: "float16", keywords: true }],
  ["vectors kept, a graph", { vectors: "float16", keywords: true, index: { vamana: { maxDegree: 8 } } }],
  ["no codes", { codes: "none", keywords: true, index: { vamana: { maxDegree: 8 } } }],
])("a store of 12,000 passages, %s", (_, options) => {
  let store: VectorStore;
  beforeAll(async () => {
    const folder = await mkdtemp(path.join(tmpdir(), "embedless-test-"));
    store = await VectorStore.open(path.join(folder, "store.db"), { ...options, embedder: fakeEmbedder({ dims: 32 }) });
    await store.add(items(COUNT));
    await store.add([{ id: "alone", text: "a text of its own" }]);
    if (options.index) await store.compact();
    return async () => {
      await store.close();
      await rm(folder, { recursive: true });
    };
  }, 120_000);

  it.each([COUNT, COUNT + 1, 1e6, 2 ** 31 - 1])(
    "answers a k of %i with as many as there are, best first",
    async (k) => {
      const { hits, expectedRecall } = await store.search("text of its own", { k });
      expect(hits.length).toBe(Math.min(k, COUNT + 1));
      expect(new Set(hits.map(({ id }) => id)).size).toBe(hits.length);
      expect(hits.every(({ score }, i) => i === 0 || score <= hits[i - 1]!.score)).toBe(true);
      expect(hits[0]?.id).toBe("alone");
      expect(expectedRecall ?? 1).toBeGreaterThan(0.9);
    },
  );

  it.each(["keyword", "hybrid"] as const)("does so by mode %s", async (mode) => {
    const [first] = items(1);
    const { hits } = await store.search(first!.text, { k: 1e6, mode });
    expect(hits.length).toBeGreaterThan(mode === "hybrid" ? COUNT : 1_000);
    expect(hits.every(({ score }, i) => i === 0 || score <= hits[i - 1]!.score)).toBe(true);
  });

  it("walks over a graph for as many", async () => {
    if (!options.index) return;
    const { hits } = await store.search("text of its own", {
      k: 1e6,
      walk: { mode: options.codes ? "exact" : "guided" },
    });
    expect(hits.length).toBeGreaterThan(COUNT * 0.99);
  });

  it("lets others on the event loop meanwhile, and stops by its signal", async () => {
    const stop = new AbortController();
    slowClock(1);
    const rounds = countRounds();
    await store.search("text", { k: COUNT });
    expect(rounds()).toBeGreaterThan(20);
    const search = store.search("text", { k: COUNT, signal: stop.signal });
    setTimeout(() => stop.abort(), 1);
    await expect(search).rejects.toMatchObject({ code: "ABORTED" });
  });
});
