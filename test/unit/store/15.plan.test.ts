import { describe, expect, it } from "vitest";
import type { PlanOptions, StatsOptions } from "../../../src/api/stats.js";
import { VectorStore } from "../../../src/index.js";
import { fakeEmbedder } from "../../support/fake_embedder.js";
import { items, openStore, temporaryFile } from "../../support/store.js";

describe("plan", () => {
  it("foretells bytes and time with the embedder given, and what it names can be opened", async () => {
    const embedder = fakeEmbedder({ delayMs: 5 });
    const plan = await VectorStore.plan({ passages: 10_000, bytesPerPassage: 60, embedder });
    expect(plan).toMatchObject({ k: 10, recall: 0.95, best: { vectors: "recompute", fits: true } });
    expect(plan.speed.questionMs).toBeGreaterThan(3);
    expect(plan.speed.scanNsPerByte).toBeGreaterThan(0);
    expect(plan.best.queryMs).toBeGreaterThan(plan.speed.questionMs);
    expect(plan.choices.length).toBeGreaterThan(10);
    const { codes, vectors } = plan.best;
    const store = await openStore(await temporaryFile(), { embedder, codes, vectors });
    expect(await store.stats()).toMatchObject({ codes, vectors });
  });

  it("takes the budget as a total too", async () => {
    const embedder = fakeEmbedder();
    const { best } = await VectorStore.plan({ passages: 1000, totalBytes: 1e6, embedder, k: 3, recall: 0.8 });
    expect(best).toMatchObject({ fits: true, codes: { bytes: 48 } });
    expect(best.vectors).not.toBe("recompute");
    expect(best.totalBytes).toBeLessThanOrEqual(1e6);
  });

  it.each<[string, object]>([
    ["no budget", { passages: 10 }],
    ["two budgets", { passages: 10, totalBytes: 1000, bytesPerPassage: 100 }],
    ["no passages", { bytesPerPassage: 100 }],
    ["half a passage", { passages: 0.5, bytesPerPassage: 100 }],
    ["no bytes", { passages: 10, bytesPerPassage: 0 }],
    ["too few bytes", { passages: 10, bytesPerPassage: 10 }],
    ["recall of 1", { passages: 10, bytesPerPassage: 100, recall: 1 }],
    ["a misspelt option", { passages: 10, bytesPerPasage: 100 }],
  ])("refuses %s", async (_, options) => {
    const plan = VectorStore.plan({ embedder: fakeEmbedder(), ...options } as unknown as PlanOptions);
    await expect(plan).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });

  it("stops", async () => {
    const embedder = fakeEmbedder({ delayMs: 20 });
    const plan = VectorStore.plan({
      passages: 10,
      bytesPerPassage: 60,
      embedder,
      signal: AbortSignal.timeout(10),
    });
    await expect(plan).rejects.toMatchObject({ code: "ABORTED" });
  });
});

describe("stats", () => {
  it("foretells recomputes, and milliseconds when asked to measure", async () => {
    const embedder = fakeEmbedder({ delayMs: 2 });
    const store = await openStore(await temporaryFile(), { embedder });
    expect((await store.stats()).query).toBeUndefined();
    await store.add(items(300));
    const { query } = await store.stats();
    expect(query).toMatchObject({ k: 10, recall: 0.95, ms: undefined, speed: undefined });
    expect(query?.recomputes).toBeGreaterThanOrEqual(10);
    const measured = await store.stats({ measure: true, k: 3, recall: 0.8 });
    expect(measured.query).toMatchObject({ k: 3, recall: 0.8 });
    expect(measured.query?.ms).toBeGreaterThan(2);
    expect(measured.query?.recomputes).toBeLessThanOrEqual(query!.recomputes);
  });

  it("refuses unknown options", async () => {
    const store = await openStore(await temporaryFile(), { embedder: fakeEmbedder() });
    const stats = store.stats({ measured: true } as StatsOptions);
    await expect(stats).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });
});
