import { expect, test } from "vitest";
import { SharedCalls } from "../../../src/embed/shared_calls.js";
import { Recompute } from "../../../src/search/recompute.js";

function over(texts: Record<number, string>, cacheBytes = 1 << 20) {
  const embedded: string[] = [];
  const shared = new SharedCalls(async (batch) => {
    embedded.push(...batch);
    return batch.map((text) => Float32Array.of(text.length, text.charCodeAt(0)));
  });
  const read = (nodes: number[]) =>
    new Map(nodes.flatMap((node) => (texts[node] === undefined ? [] : [[node, texts[node]]])));
  return { embedded, recompute: new Recompute(shared, read, cacheBytes) };
}

test("a vector is embedded once and then comes from the cache, bit for bit", async () => {
  const { recompute, embedded } = over({ 1: "one", 2: "three" });
  const cold = await recompute.vectorsOf([2, 1]);
  const warm = await recompute.vectorsOf([1, 2]);
  expect(cold).toMatchObject({ sources: ["recompute", "recompute"], embedded: 2 });
  expect(warm).toMatchObject({ sources: ["cache", "cache"], embedded: 0 });
  expect(warm.vectors).toEqual([cold.vectors[1], cold.vectors[0]]);
  expect(embedded).toEqual(["three", "one"]);
});

test("a passage that is gone has no vector, and the others are not held up by it", async () => {
  const { recompute } = over({ 1: "one" });
  const answer = await recompute.vectorsOf([7, 1]);
  expect(answer.vectors).toEqual([undefined, Float32Array.of(3, 111)]);
  expect(answer.sources).toEqual([undefined, "recompute"]);
});

test("nodes with equal texts share one run of the model", async () => {
  const { recompute, embedded } = over({ 1: "same", 2: "same" });
  expect((await recompute.vectorsOf([1, 2])).embedded).toBe(1);
  expect(embedded).toEqual(["same"]);
});

test("the cache keeps to its bytes", async () => {
  // Two floats and the entry itself: 108 bytes, so two fit.
  const { recompute, embedded } = over({ 1: "a", 2: "bb", 3: "ccc" }, 216);
  await recompute.vectorsOf([1, 2, 3]);
  await recompute.vectorsOf([3, 2]);
  expect(embedded.length).toBe(3);
  expect((await recompute.vectorsOf([1])).embedded).toBe(1);
});

test("with no cache every search embeds again", async () => {
  const { recompute } = over({ 1: "a" }, 0);
  await recompute.vectorsOf([1]);
  expect((await recompute.vectorsOf([1])).embedded).toBe(1);
});

test("its lanes are what the embedder takes at once", async () => {
  const lanes = (told: { batch?: number; concurrency?: number } | undefined) => {
    const shared = new SharedCalls(async () => []);
    return new Recompute(shared, () => new Map(), 0, told && (async () => told)).lanes();
  };
  expect(await lanes({ batch: 32, concurrency: 4 })).toBe(4);
  expect(await lanes({ batch: 32 })).toBe(32);
  expect(await lanes({})).toBe(64);
  expect(await lanes(undefined)).toBe(64);
  await expect(lanes({ concurrency: 0 })).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
});

test("texts are read after a turn of the event loop, whoever asks: reading takes milliseconds", async () => {
  let reads = 0;
  const shared = new SharedCalls(async (batch) => batch.map(() => Float32Array.of(1)));
  const read = (nodes: number[]) => {
    reads++;
    return new Map(nodes.map((node) => [node, `text ${node}`]));
  };
  const recompute = new Recompute(shared, read, 1 << 20);
  const answers = [1, 33, 66].map((first) => recompute.vectorsOf(Array.from({ length: 32 }, (_, i) => first + i)));
  for (const wanted of [0, 1, 2, 3]) {
    expect(reads).toBe(wanted);
    await new Promise(setImmediate);
  }
  for (const { vectors } of await Promise.all(answers)) expect(vectors).toHaveLength(32);
});

test("what another search embedded while this one waited for its turn is not embedded again", async () => {
  const { recompute, embedded } = over({ 1: "one", 2: "three", 3: "fifteen" });
  const [first, second] = await Promise.all([recompute.vectorsOf([1, 2]), recompute.vectorsOf([2, 3])]);
  expect(embedded.sort()).toEqual(["fifteen", "one", "three"]);
  expect(first.embedded + second.embedded).toBe(3);
  expect(second.vectors).toEqual([first.vectors[1], Float32Array.of(7, 102)]);
});

test("one search has a text of several nodes embedded once, in whichever rounds it asks for them", async () => {
  for (const cacheBytes of [0, 1 << 20]) {
    const { recompute, embedded } = over({ 1: "same", 2: "same", 3: "other", 4: "same" }, cacheBytes);
    const search = recompute.forSearch();
    const first = await search.vectorsOf([1, 3]);
    const later = await search.vectorsOf([2, 4]);
    expect(later).toMatchObject({ sources: ["recompute", "recompute"], embedded: 0 });
    expect(later.vectors).toEqual([first.vectors[0], first.vectors[0]]);
    expect(embedded.sort()).toEqual(["other", "same"]);
  }
});
