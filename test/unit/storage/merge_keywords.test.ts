import { expect, it } from "vitest";
import { VectorStore } from "../../../src/index.js";
import { fakeEmbedder } from "../../support/fake_embedder.js";
import { items, openStore, temporaryFile } from "../../support/store.js";

const embedder = () => fakeEmbedder({ dims: 16 });

/** A store whose table of words is in pieces: one add a few passages. */
async function inPieces(path: string, count = 600): Promise<VectorStore> {
  const store = await openStore(path, { embedder: embedder(), keywords: true });
  const all = items(count).map((item, i) => ({ ...item, text: `${item.text} ${rare(i)}` }));
  for (let at = 0; at < count; at += 12) await store.add(all.slice(at, at + 12));
  return store;
}

const rare = (i: number) =>
  Array.from({ length: 8 }, (_, j) => `w${((i * 7919 + j * 104729) % 1e6).toString(36)}`).join(" ");
const byWords = async (store: VectorStore, i: number) =>
  (await store.search(rare(i), { mode: "keyword", k: 1 })).hits.map(({ id }) => id);

it("compact merges the table of words, says what it saved, and has nothing to do the next time", async () => {
  const store = await inPieces(await temporaryFile());
  const before = (await store.stats()).keywordBytes;
  const phases = new Set<string>();
  const merged = await store.compact({ onProgress: ({ phase }) => phases.add(phase) });
  expect(merged.keywordBytesBefore).toBe(before);
  expect(merged.keywordBytes).toBe((await store.stats()).keywordBytes);
  expect(merged.keywordBytes).toBeLessThan(before);
  expect(phases).toContain("merge");
  for (const i of [0, 299, 599]) expect(await byWords(store, i)).toEqual([`p${i}`]);
  expect((await store.verify()).problems).toEqual([]);
  const again = await store.compact();
  expect(again).toMatchObject({
    keywordBytes: merged.keywordBytes,
    keywordBytesBefore: merged.keywordBytes,
    freedBytes: 0,
  });
});

it("drops the words of deleted passages", async () => {
  const store = await inPieces(await temporaryFile());
  const { keywordBytes: whole } = await store.compact();
  await store.delete({ ids: items(560).map(({ id }) => id!) });
  const { keywordBytes, keywordBytesBefore, freedBytes } = await store.compact();
  expect(keywordBytes).toBeLessThanOrEqual(keywordBytesBefore);
  expect(keywordBytes).toBeLessThan(whole / 2);
  expect((await store.stats()).keywordBytes).toBe(keywordBytes);
  expect(freedBytes).toBeGreaterThan(0);
  expect([await byWords(store, 599), await byWords(store, 5)]).toEqual([["p599"], []]);
  expect((await store.verify()).problems).toEqual([]);
});

it("works on pieces between which others write, and stops by its signal with a whole table", async () => {
  const path = await temporaryFile();
  const store = await inPieces(path, 1_200);
  const other = await VectorStore.open(path, { embedder: embedder() });
  const stop = new AbortController();
  const stopped = store.compact({
    signal: stop.signal,
    onProgress: ({ phase }) => phase === "merge" && stop.abort(),
  });
  await Promise.allSettled([stopped, other.add([{ id: "late", text: "zanzibar comes late" }])]);
  expect((await other.search("zanzibar", { mode: "keyword" })).hits.map(({ id }) => id)).toEqual(["late"]);
  expect((await other.verify()).problems).toEqual([]);
  const [merged] = await Promise.all([store.compact(), other.add([{ id: "later", text: "quetzal comes later" }])]);
  expect(merged.keywordBytes).toBeGreaterThan(0);
  for (const one of [store, other]) {
    expect((await one.search("quetzal", { mode: "keyword" })).hits.map(({ id }) => id)).toEqual(["later"]);
    expect(await byWords(one, 700)).toEqual(["p700"]);
  }
  await other.close();
});

it("has nothing to say of a store without such a table", async () => {
  const store = await openStore(await temporaryFile(), { embedder: embedder() });
  await store.add(items(10));
  expect(await store.compact()).toMatchObject({ keywordBytes: 0, keywordBytesBefore: 0 });
});
