import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { fakeEmbedder } from "../../support/fake_embedder.js";
import { items, openStore, temporaryFile, texts } from "../../support/store.js";

function cosine(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [ab, aa, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    ab += a[i]! * b[i]!;
    aa += a[i]! * a[i]!;
    bb += b[i]! * b[i]!;
  }
  return ab / Math.sqrt(aa * bb);
}

/** Scores of all texts by hand. */
async function exact(question: string, all: string[], score = cosine, options = {}) {
  const model = fakeEmbedder(options);
  const query = await model.embedQuery(question);
  const vectors = await model.embedDocuments(all);
  return vectors.map((vector) => score(query, vector));
}

const QUESTION = "Which violin freezes the glacier in winter?";

test("an empty store answers nothing and asks the embedder nothing", async () => {
  const embedder = fakeEmbedder();
  const store = await openStore(await temporaryFile(), { embedder });
  expect((await store.search("anything")).hits).toEqual([]);
  expect(embedder.calls).toBe(0);
});

test.each([1, 63, 64, 65, 300])("%i passages: the best come back with exact scores, best first", async (count) => {
  const store = await openStore(await temporaryFile(), { embedder: fakeEmbedder() });
  await store.add(items(count));
  const { hits, cost } = await store.search(QUESTION, { k: 5, recall: 0.999 });
  const scores = await exact(QUESTION, texts(count));
  const best = [...scores].sort((a, b) => b - a).slice(0, 5);
  expect(hits.map(({ score }) => score).length).toBe(Math.min(5, count));
  hits.forEach(({ id, score, text, metadata }, i) => {
    const n = Number(id.slice(1));
    expect(text).toBe(texts(1, n)[0]);
    expect(metadata).toEqual({ n });
    expect(Math.abs(score - scores[n]!)).toBeLessThan(1e-6);
    expect(Math.abs(score - best[i]!)).toBeLessThan(1e-6);
  });
  expect(cost.recomputed).toBeGreaterThanOrEqual(hits.length);
  expect(cost.scanned).toBe(count);
});

test("cold, cached, reopened and in another process a hit has the same score", async () => {
  const file = await temporaryFile();
  const store = await openStore(file, { embedder: fakeEmbedder() });
  await store.add(items(200));
  const scoresOf = async (from: typeof store) => (await from.search(QUESTION)).hits.map(({ id, score }) => [id, score]);
  const cold = await scoresOf(store);
  expect(await scoresOf(store)).toEqual(cold);
  await store.close();
  const again = await openStore(file, { embedder: fakeEmbedder() });
  expect(await scoresOf(again)).toEqual(cold);
  const script = `
    const { VectorStore } = await import("embedless");
    const { fakeEmbedder } = await import(process.argv[2]);
    const store = await VectorStore.open(process.argv[1], { embedder: fakeEmbedder() });
    const { hits } = await store.search(process.argv[3]);
    console.log(JSON.stringify(hits.map(({ id, score }) => [id, score])));`;
  const fake = new URL("../../../dist/test/support/fake_embedder.js", import.meta.url).href;
  const other = spawnSync(process.execPath, ["--input-type=module", "-e", script, "--", file, fake, QUESTION], {
    cwd: new URL("../../..", import.meta.url).pathname,
    encoding: "utf8",
  });
  expect(other.stderr).toBe("");
  expect(JSON.parse(other.stdout)).toEqual(cold);
});

test("ten equal searches at once embed each passage and the question once", async () => {
  const embedder = fakeEmbedder({ delayMs: 5 });
  const file = await temporaryFile();
  const first = await openStore(file, { embedder });
  await first.add(items(300));
  await first.close();
  const store = await openStore(file, { embedder });
  Object.assign(embedder, { documents: 0, queries: 0 });
  embedder.texts.length = 0;
  const answers = await Promise.all(Array.from({ length: 10 }, () => store.search(QUESTION)));
  const [one] = answers;
  for (const answer of answers) expect(answer.hits).toEqual(one!.hits);
  expect(embedder.queries).toBe(1);
  expect(new Set(embedder.texts).size).toBe(embedder.texts.length);
  // Besides the passages there are the two canaries that prove the model.
  expect(embedder.documents).toBe(one!.cost.recomputed + 2);
  expect(answers.reduce((sum, { cost }) => sum + cost.embedded, 0)).toBe(one!.cost.recomputed);
});

test("a repeated question embeds nothing", async () => {
  const embedder = fakeEmbedder();
  const store = await openStore(await temporaryFile(), { embedder });
  await store.add(items(100));
  await store.search(QUESTION);
  const before = embedder.calls;
  const { cost } = await store.search(QUESTION);
  expect(embedder.calls).toBe(before);
  expect(cost).toMatchObject({ embedded: 0 });
});

test.each(["ip", "l2"] as const)("metric %s: scores are exact for vectors of uneven length", async (metric) => {
  const norm = (text: string) => 0.5 + (text.length % 7);
  const store = await openStore(await temporaryFile(), { embedder: fakeEmbedder({ norm }), metric });
  await store.add(items(150));
  const score = (q: ArrayLike<number>, x: ArrayLike<number>) =>
    Array.from(q).reduce((sum, value, i) => sum + (metric === "ip" ? value * x[i]! : -((value - x[i]!) ** 2)), 0);
  const scores = await exact(QUESTION, texts(150), score, { norm });
  const { hits } = await store.search(QUESTION, { k: 10, recall: 0.999 });
  expect(hits.map(({ id }) => id)).toEqual(
    scores
      .map((s, n) => ({ s, n }))
      .sort((a, b) => b.s - a.s)
      .slice(0, 10)
      .map(({ n }) => `p${n}`),
  );
  for (const hit of hits) expect(Math.abs(hit.score - scores[Number(hit.id.slice(1))]!)).toBeLessThan(1e-5);
});

test("recompute: 0 answers from estimates, and { max } keeps to its limit", async () => {
  const embedder = fakeEmbedder();
  const store = await openStore(await temporaryFile(), { embedder, cacheBytes: 0 });
  await store.add(items(300));
  const estimated = await store.search(QUESTION, { recompute: 0, explain: true });
  expect(estimated.cost.recomputed).toBe(0);
  expect(estimated.hits.length).toBe(10);
  for (const { explain, score } of estimated.hits) {
    expect(explain!.source).toBe("none");
    expect(score).toBeCloseTo(explain!.estimate!, 6);
  }
  for (const max of [10, 11, 16, 17, 40]) {
    const { cost, hits } = await store.search(QUESTION, { k: 10, recall: 0.999, recompute: { max } });
    expect(cost.recomputed).toBeLessThanOrEqual(max);
    expect(hits.length).toBe(10);
  }
});

test("equal scores come in the order of adding", async () => {
  const store = await openStore(await temporaryFile(), { embedder: fakeEmbedder() });
  await store.add(Array.from({ length: 40 }, (_, i) => ({ id: `same${i}`, text: "One and the same sentence." })));
  const { hits } = await store.search("sentence", { k: 12 });
  expect(hits.map(({ id }) => id)).toEqual(Array.from({ length: 12 }, (_, i) => `same${i}`));
});

test("k may exceed the number of passages", async () => {
  const store = await openStore(await temporaryFile(), { embedder: fakeEmbedder() });
  await store.add(items(7));
  expect((await store.search(QUESTION, { k: 500 })).hits.length).toBe(7);
});

test("a vector asks like the text it stands for, and vectors of hits are to be had", async () => {
  const embedder = fakeEmbedder();
  const store = await openStore(await temporaryFile(), { embedder });
  await store.add(items(80));
  const vector = await embedder.embedQuery(QUESTION);
  const byVector = await store.search(vector, { includeVectors: true });
  const byText = await store.search(QUESTION);
  expect(byVector.hits.map(({ id, score }) => [id, score])).toEqual(byText.hits.map(({ id, score }) => [id, score]));
  const [hit] = byVector.hits;
  expect(hit!.vector).toEqual((await embedder.embedDocuments([hit!.text]))[0]);
  expect(byText.hits[0]).not.toHaveProperty("vector");
});

test("explain says where each vector came from and where the time went", async () => {
  const store = await openStore(await temporaryFile(), { embedder: fakeEmbedder() });
  await store.add(items(200));
  const sources = async () =>
    (await store.search(QUESTION, { explain: true })).hits.map(({ explain }) => explain!.source);
  expect(new Set(await sources())).toEqual(new Set(["recompute"]));
  expect(new Set(await sources())).toEqual(new Set(["cache"]));
  const { cost } = await store.search(QUESTION);
  const parts = cost.queryMs + cost.scanMs + cost.readMs + cost.recomputeMs;
  expect(parts).toBeLessThanOrEqual(cost.totalMs);
  expect(cost.dismissed).toBeGreaterThan(0);
});

test("an aborted search rejects at once and the next one works", async () => {
  const store = await openStore(await temporaryFile(), { embedder: fakeEmbedder({ delayMs: 30 }), cacheBytes: 0 });
  await store.add(items(100));
  await expect(store.search(QUESTION, { signal: AbortSignal.timeout(10) })).rejects.toMatchObject({ code: "ABORTED" });
  await expect(store.search(QUESTION, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: "ABORTED" });
  expect((await store.search(QUESTION)).hits.length).toBe(10);
});
