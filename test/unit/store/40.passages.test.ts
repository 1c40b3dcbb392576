import { expect, test } from "vitest";
import { fakeEmbedder } from "../../support/fake_embedder.js";
import { items, openStore, temporaryFile, texts } from "../../support/store.js";

async function filled(count: number) {
  const file = await temporaryFile();
  const store = await openStore(file, { embedder: fakeEmbedder() });
  await store.add(items(count));
  return { file, store };
}

async function idsOf(passages: AsyncIterable<{ id: string }>): Promise<string[]> {
  const ids: string[] = [];
  for await (const { id } of passages) ids.push(id);
  return ids;
}

test.each([0, 63, 64, 65, 128, 129])("%i passages are listed in the order they were added", async (count) => {
  const { store } = await filled(count);
  const ids = items(count).map(({ id }) => id);
  expect(await idsOf(store.passages())).toEqual(ids);
  expect(await idsOf(store.passages({ limit: 100 }))).toEqual(ids.slice(0, 100));
  expect(await idsOf(store.passages({ limit: 0 }))).toEqual([]);
  if (count > 0) expect(await idsOf(store.passages({ after: "p9", limit: 3 }))).toEqual(["p10", "p11", "p12"]);
  await expect(idsOf(store.passages({ after: "nobody" }))).rejects.toMatchObject({ code: "NOT_FOUND" });
});

test("get, has and count know what is there and what is not", async () => {
  const { store } = await filled(12);
  expect(await store.get(["p3", "nobody", "p0"])).toEqual([
    { id: "p3", text: texts(1, 3)[0], metadata: { n: 3 } },
    undefined,
    { id: "p0", text: texts(1, 0)[0], metadata: { n: 0 } },
  ]);
  expect(await store.has(["p11", "p12"])).toEqual([true, false]);
  expect(await store.count()).toBe(12);
});

test("what is deleted is found by nothing, here and after reopening, and may come back", async () => {
  const { store, file } = await filled(100);
  const [text] = texts(1, 42);
  expect(await store.delete({ ids: ["p42", "nobody", "p42", "p7"] })).toBe(2);
  const check = async (from: typeof store) => {
    expect(await from.count()).toBe(98);
    expect((await from.search(text!, { k: 100 })).hits.map(({ id }) => id)).not.toContain("p42");
    expect(await from.has(["p42", "p7", "p8"])).toEqual([false, false, true]);
    expect((await from.verify()).problems).toEqual([]);
  };
  await check(store);
  await store.close();
  const again = await openStore(file, { embedder: fakeEmbedder() });
  await check(again);
  await again.add(items(1, 42));
  expect((await again.search(text!, { k: 1 })).hits[0]?.id).toBe("p42");
});

test.each([1, 15, 16, 17, 64])("delete { all } empties a store of %i", async (count) => {
  const { store } = await filled(count);
  expect(await store.delete({ all: true })).toBe(count);
  expect(await store.count()).toBe(0);
  expect((await store.search("anything")).hits).toEqual([]);
  expect(await store.stats()).toMatchObject({ passages: 0, rawBytes: 0, textBytes: 0 });
  expect((await store.verify()).problems).toEqual([]);
  await store.add(items(3));
  expect(await store.count()).toBe(3);
});

test("stats add up", async () => {
  const { store } = await filled(50);
  const stats = await store.stats();
  const rawBytes = texts(50).reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  expect(stats).toMatchObject({
    passages: 50,
    dims: 64,
    metric: "cosine",
    embedder: "fake-64",
    rawBytes,
    vectorBytes: 50 * 256,
  });
  expect(stats.textBytes).toBeLessThanOrEqual(rawBytes);
  expect(stats.fileBytes).toBeGreaterThan(stats.textBytes + stats.codeBytes);
});
