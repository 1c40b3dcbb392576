import { expect, test } from "vitest";
import type { OpenOptions, SearchOptions, VectorStore } from "../../../src/index.js";
import { stoppedTimers, until } from "../../support/clock.js";
import { type FakeEmbedderOptions, fakeEmbedder } from "../../support/fake_embedder.js";
import { items, openStore, temporaryFile, texts } from "../../support/store.js";

const QUESTION = "Which violin freezes the glacier in winter?";

/** A store of 300 passages that nothing is cached of, with an embedder of its own that has embedded nothing yet. */
async function freshStore(embedding: FakeEmbedderOptions = {}, options: OpenOptions = {}) {
  const file = await temporaryFile();
  const first = await openStore(file, { embedder: fakeEmbedder() });
  await first.add(items(300));
  await first.close();
  const embedder = fakeEmbedder(embedding);
  return { embedder, store: await openStore(file, { embedder, cacheBytes: 0, ...options }) };
}

async function summary(store: VectorStore, options: SearchOptions) {
  const { hits, cost, expectedRecall } = await store.search(QUESTION, { recall: 0.999, explain: true, ...options });
  expect(expectedRecall).toBeGreaterThanOrEqual(0);
  expect(expectedRecall).toBeLessThanOrEqual(1);
  expect(hits.map(({ score }) => score)).toEqual(hits.map(({ score }) => score).sort((a, b) => b - a));
  for (const { score, explain } of hits) {
    expect(explain!.source === "none").toBe(explain!.exact === undefined);
    if (explain!.exact === undefined) expect(score).toBeCloseTo(explain!.estimate!, 6);
    else expect(score).toBe(explain!.exact);
  }
  return { hits, cost, expectedRecall, exact: hits.filter(({ explain }) => explain!.exact !== undefined).length };
}

test("a limit below k is kept, and estimates fill up the answer", async () => {
  const { store, embedder } = await freshStore();
  for (const max of [1, 4, 9, 10]) {
    const before = embedder.documents;
    const { hits, cost, exact } = await summary(store, { recompute: { max } });
    expect([hits.length, cost.recomputed, cost.embedded, exact]).toEqual([10, max, max, max]);
    // The first search also proved the model by two canaries.
    expect(embedder.documents - before).toBe(max + (max === 1 ? 2 : 0));
  }
});

test("the more is recomputed the more recall is expected", async () => {
  const { store } = await freshStore();
  const recalls: number[] = [];
  for (const recompute of [0, { max: 20 }, { max: 60 }, { max: 300 }] as const) {
    recalls.push((await summary(store, { recompute })).expectedRecall!);
  }
  expect(recalls).toEqual([...recalls].sort((a, b) => a - b));
  expect(recalls[0]).toBeLessThan(recalls.at(-1)!);
});

test("approximate scores cost less, and exact ones are those of the vectors", async () => {
  const { store } = await freshStore();
  const full = await summary(store, {});
  const approx = await summary(store, { scores: "approx" });
  expect(approx.hits.length).toBe(10);
  expect(approx.cost.recomputed).toBeLessThanOrEqual(full.cost.recomputed);
  expect(full.exact).toBe(10);
  const exactScores = new Map(full.hits.map(({ id, score }) => [id, score]));
  const shared = approx.hits.filter(({ id, explain }) => explain!.exact !== undefined && exactScores.has(id));
  for (const { id, score } of shared) expect(score).toBe(exactScores.get(id));
  // Five passages of five are in the answer whatever their scores: none is embedded.
  const small = await openStore(await temporaryFile(), { embedder: fakeEmbedder(), cacheBytes: 0 });
  await small.add(items(5));
  expect(await summary(small, { scores: "approx" })).toMatchObject({ exact: 0, cost: { recomputed: 0 } });
});

test("a deadline of 0 embeds the question and nothing else", async () => {
  const { store, embedder } = await freshStore();
  const { cost, hits } = await summary(store, { recompute: { deadlineMs: 0 } });
  const estimated = await summary(store, { recompute: 0 });
  expect(hits).toEqual(estimated.hits);
  expect(cost).toMatchObject({ recomputed: 0, embedded: 0, recomputeMs: 0 });
  expect([embedder.queries, embedder.documents]).toEqual([1, 2]);
});

test("at the deadline the search answers with what has come, and the model is left alone", async () => {
  // Call 1 is the question, call 2 the canaries; then three passages are answered and two wait.
  const { store, embedder } = await freshStore({ waitFrom: 6, concurrency: 2 });
  const pass = stoppedTimers();
  const searching = summary(store, { recall: 0.999, recompute: { deadlineMs: 600_000 } });
  await until(() => embedder.waiting === 2);
  pass(600_000);
  const { cost, hits, exact } = await searching;
  expect([hits.length, cost.recomputed, exact]).toEqual([10, 3, 3]);
  expect(embedder.peak).toBeLessThanOrEqual(4); // two passages, and the two canaries
  expect([embedder.waiting, embedder.calls]).toEqual([0, 7]);
  // Without a deadline the same search goes on to the end.
  const { store: patient } = await freshStore({ concurrency: 2 });
  expect((await summary(patient, { recall: 0.999 })).cost.recomputed).toBeGreaterThan(10);
});

test("a deadline that is far away changes nothing", async () => {
  const { store } = await freshStore({ concurrency: 3 });
  const unhurried = await summary(store, {});
  const hurried = await summary(store, { recompute: { deadlineMs: 600_000 } });
  expect(hurried.hits).toEqual(unhurried.hits);
  expect(hurried.cost).toMatchObject({ recomputed: unhurried.cost.recomputed, dismissed: unhurried.cost.dismissed });
  const limited = await summary(store, { recompute: { deadlineMs: 600_000, max: 5 } });
  expect(limited.cost.recomputed).toBe(5);
});

test("a hanging model cannot hold up a search beyond its deadline, only an abort fails it", async () => {
  // Call 1 is the question, calls 2 the canaries; the first passages hang.
  const { store } = await freshStore({ hangAt: 3, concurrency: 1 });
  expect((await summary(store, { recompute: { deadlineMs: 60 } })).hits.length).toBe(10);
  const { store: other } = await freshStore({ hangAt: 3, concurrency: 1 });
  const aborted = other.search(QUESTION, { recompute: { deadlineMs: 60_000 }, signal: AbortSignal.timeout(60) });
  await expect(aborted).rejects.toMatchObject({ code: "ABORTED" });
});

test("a model that fails before the deadline fails the search", async () => {
  const { store } = await freshStore({ failAt: 4, concurrency: 1 });
  await expect(store.search(QUESTION, { recompute: { deadlineMs: 60_000 } })).rejects.toMatchObject({
    code: "EMBEDDER_FAILED",
  });
});

test("a search that is cut short does not disturb another that waits for the same passages", async () => {
  const { store } = await freshStore({ delayMs: 15, concurrency: 2 });
  const alone = await summary(store, {});
  const [hurried, unhurried, estimated] = await Promise.all([
    summary(store, { recompute: { deadlineMs: 50 } }),
    summary(store, {}),
    summary(store, { recompute: 0 }),
  ]);
  expect(unhurried.hits.map(({ id, score }) => [id, score])).toEqual(alone.hits.map(({ id, score }) => [id, score]));
  expect(unhurried.cost.recomputed).toBe(alone.cost.recomputed);
  expect(hurried.hits.length).toBe(10);
  expect(estimated.cost.recomputed).toBe(0);
});

test("closing ends a search with a deadline", async () => {
  const { store, embedder } = await freshStore({ waitFrom: 3, concurrency: 1 });
  const searching = store.search(QUESTION, { recompute: { deadlineMs: 60_000 } });
  searching.catch(() => {});
  await until(() => embedder.waiting === 1);
  await store.close();
  await expect(searching).rejects.toMatchObject({ code: "ABORTED" });
});

test("answers depend on earlier queries only if calibration is live", async () => {
  const asked = texts(30, 1000);
  const run = async (calibration: "fixed" | "live") => {
    const { store } = await freshStore({}, { calibration });
    const sigmas = async () => (await summary(store, { recall: 0.9 })).hits.map(({ explain }) => explain!.sigma);
    const before = await sigmas();
    for (const text of asked) await store.search(text, { recall: 0.9 });
    return { before, after: await sigmas() };
  };
  const fixed = await run("fixed");
  expect(fixed.after).toEqual(fixed.before);
  const live = await run("live");
  expect(live.before).toEqual(fixed.before);
  expect(live.after).not.toEqual(live.before);
  await expect(
    openStore(await temporaryFile(), { embedder: fakeEmbedder(), calibration: "auto" as "live" }),
  ).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
});

test("of an empty store all was found", async () => {
  const store = await openStore(await temporaryFile(), { embedder: fakeEmbedder() });
  expect(await store.search("anything", { recompute: { deadlineMs: 0 } })).toMatchObject({
    hits: [],
    expectedRecall: 1,
    cost: { recomputed: 0, scanned: 0 },
  });
});

test("the parts of the time are told apart", async () => {
  const { store, embedder } = await freshStore({ delayMs: 20 });
  const vector = await fakeEmbedder().embedQuery(QUESTION);
  const byText = (await summary(store, {})).cost;
  const { cost: byVector } = await store.search(vector, { recall: 0.999 });
  expect(embedder.queries).toBe(1);
  expect(byText.queryMs).toBeGreaterThan(15); // the embedder's 20 ms; a timer may fire a little early
  for (const cost of [byText, byVector]) {
    expect(cost.recomputeMs).toBeGreaterThan(15);
    expect(cost.scanMs).toBeGreaterThan(0);
    expect(cost.readMs).toBeGreaterThan(0);
    expect(cost.queryMs + cost.scanMs + cost.readMs + cost.recomputeMs).toBeLessThanOrEqual(cost.totalMs);
  }
  expect(byText.recomputed + byText.dismissed).toBe(300);
});

test("vectors of all hits come along, coded ones for hits that were not recomputed, and the question's", async () => {
  const embedder = fakeEmbedder();
  const store = await openStore(await temporaryFile(), { embedder });
  await store.add(items(300));
  const exact = await store.search(QUESTION, { k: 5, includeVectors: true });
  expect([...exact.vector!]).toEqual(Array.from(await embedder.embedQuery(QUESTION), Math.fround));
  for (const { text, vector } of exact.hits) {
    const [own] = await embedder.embedDocuments([text]);
    expect([...vector!]).toEqual(Array.from(own!, Math.fround));
  }
  const estimated = await store.search(QUESTION, { k: 5, includeVectors: true, recompute: 0 });
  for (const { score, vector } of estimated.hits) {
    const dot = vector!.reduce((sum, x, i) => sum + x * estimated.vector![i]!, 0);
    const norms = Math.hypot(...vector!) * Math.hypot(...estimated.vector!);
    expect(dot / norms).toBeCloseTo(score, 1);
  }
  const without = await store.search(QUESTION, { k: 1 });
  expect(without.vector ?? without.hits[0]!.vector).toBeUndefined();
});

test("the cost keeps apart what was embedded, cached and kept", async () => {
  const costs = async (options: OpenOptions) => {
    const store = await openStore(await temporaryFile(), { embedder: fakeEmbedder(), ...options });
    await store.add(items(40));
    const answers = [await store.search(QUESTION), await store.search(QUESTION)];
    return answers.map(({ cost: { recomputed, embedded, cached, kept } }) => ({ recomputed, embedded, cached, kept }));
  };
  const [first, again] = await costs({});
  expect(first!.recomputed).toBeGreaterThanOrEqual(10);
  expect(first).toEqual({ recomputed: first!.recomputed, embedded: first!.recomputed, cached: 0, kept: 0 });
  expect(again).toEqual({ ...first, embedded: 0, cached: first!.recomputed });
  for (const cost of await costs({ vectors: "float32" })) {
    expect(cost).toEqual({ recomputed: cost.recomputed, embedded: 0, cached: 0, kept: cost.recomputed });
    expect(cost.kept).toBeGreaterThanOrEqual(10);
  }
});
