import { createHash } from "node:crypto";
import { DatabaseSync } from "@photostructure/sqlite";
import { expect, test } from "vitest";
import type { VectorStore } from "../../../src/index.js";
import { fakeEmbedder } from "../../support/fake_embedder.js";
import { items, openStore, temporaryFile, texts } from "../../support/store.js";

const QUESTIONS = texts(10, 1000);

/** All that a caller can see of a store, as one string. */
async function fingerprint(store: VectorStore): Promise<string> {
  const seen: unknown[] = [];
  for await (const passage of store.passages()) seen.push(passage);
  for (const question of QUESTIONS) {
    seen.push((await store.search(question)).hits.map(({ id, score }) => [id, score]));
  }
  return createHash("sha256").update(JSON.stringify(seen)).digest("hex");
}

test("ids come back in order, made where none was given", async () => {
  const store = await openStore(await temporaryFile(), { embedder: fakeEmbedder() });
  const { ids, added } = await store.add([{ text: "one" }, { id: "b", text: "two" }, { text: "three" }]);
  expect(added).toBe(3);
  expect(ids[1]).toBe("b");
  expect(new Set(ids).size).toBe(3);
  expect((await store.get(ids)).map((passage) => passage?.text)).toEqual(["one", "two", "three"]);
});

test.each(["", " ", "\n\t\u00a0\u3000"])("a blank text (%j) is refused, or passed over and counted", async (text) => {
  const store = await openStore(await temporaryFile(), { embedder: fakeEmbedder() });
  await store.add([{ id: "b", text: "stays" }]);
  const batch = [{ id: "a", text: "one" }, { id: "b", text }, { text }, { id: "d", text: "two" }];
  await expect(store.add(batch)).rejects.toMatchObject({
    code: "INVALID_TEXT",
    message: expect.stringContaining("items[1]"),
  });
  await expect(store.add(batch, { blank: "refuse" })).rejects.toMatchObject({ code: "INVALID_TEXT" });
  expect(await store.count()).toBe(1);
  const seen: unknown[] = [];
  const result = await store.add(batch, { blank: "skip", onProgress: (progress) => seen.push(progress) });
  expect(result).toMatchObject({ ids: ["a", "d"], added: 2, skipped: 2, skippedAt: [1, 2] });
  expect(seen.at(-1)).toEqual({ done: 2, total: 2, committed: 2 });
  expect((await store.get(["b"]))[0]?.text).toBe("stays");
  const streamed = await store.add(new Set([{ text }, { text: "three" }]), { blank: "skip" });
  expect(streamed).toMatchObject({ ids: [], added: 1, skipped: 1, skippedAt: [] });
  expect(await store.add([{ text }], { blank: "skip" })).toMatchObject({ ids: [], added: 0, skipped: 1 });
  // What is no text at all is an error all the same.
  await expect(store.add([{ text: null } as never], { blank: "skip" })).rejects.toMatchObject({ code: "INVALID_TEXT" });
  await expect(store.add([null as never], { blank: "skip" })).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  await expect(store.add([], { blank: "drop" as never })).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
});

test("the same text again is not embedded: its metadata is replaced", async () => {
  const embedder = fakeEmbedder();
  const store = await openStore(await temporaryFile(), { embedder });
  await store.add(items(20));
  const before = embedder.documents;
  expect(await store.add(items(20))).toMatchObject({ added: 0, updated: 0, unchanged: 20 });
  const changed = items(20).map((item, i) => (i < 3 ? { ...item, metadata: { other: i } } : item));
  expect(await store.add(changed)).toMatchObject({ added: 0, updated: 3, unchanged: 17 });
  expect(embedder.documents).toBe(before);
  expect((await store.get(["p1", "p5"])).map((passage) => passage?.metadata)).toEqual([{ other: 1 }, { n: 5 }]);
  expect(await store.count()).toBe(20);
});

test("a changed text replaces the old one everywhere", async () => {
  const store = await openStore(await temporaryFile(), { embedder: fakeEmbedder() });
  await store.add(items(30));
  const text = "Saffron costs more than silver.";
  expect(await store.add([{ id: "p4", text }])).toMatchObject({ added: 0, updated: 1 });
  expect(await store.count()).toBe(30);
  const { hits } = await store.search(text, { k: 30 });
  expect(hits[0]).toMatchObject({ id: "p4", text, metadata: {} });
  expect(hits.filter(({ id }) => id === "p4").length).toBe(1);
  expect(hits.length).toBe(30);
});

test.each([1, 511, 512, 513, 1300])("an iterable of %i is committed as it goes", async (count) => {
  const store = await openStore(await temporaryFile(), { embedder: fakeEmbedder() });
  const committed: number[] = [];
  async function* source() {
    yield* items(count);
  }
  const result = await store.add(source(), { onProgress: (progress) => committed.push(progress.committed) });
  // No ids: there may be more of them than memory holds.
  const nothingElse = { updated: 0, unchanged: 0, skipped: 0, skippedAt: [], truncated: 0 };
  expect(result).toEqual({ ids: [], added: count, ...nothingElse });
  expect(committed.at(-1)).toBe(count);
  expect(committed).toEqual([...committed].sort((a, b) => a - b));
  if (count > 513) expect(new Set(committed).size).toBeGreaterThan(2);
  expect(await store.count()).toBe(count);
});

test("an iterable that fails keeps what it acknowledged and says how much", async () => {
  const file = await temporaryFile();
  const store = await openStore(file, { embedder: fakeEmbedder() });
  let acknowledged = 0;
  async function* source() {
    yield* items(1100);
    throw new Error("the source ran dry");
  }
  const failed = await store
    .add(source(), {
      onProgress: ({ committed }) => {
        acknowledged = committed;
      },
    })
    .then(
      () => undefined,
      (error: Error & { committed?: number }) => error,
    );
  expect(failed?.message).toBe("the source ran dry");
  expect(failed?.committed).toBe(acknowledged);
  expect(acknowledged).toBeGreaterThanOrEqual(512);
  expect(await store.count()).toBe(acknowledged);
});

test("of equal ids in an iterable the last one wins; in an array they are refused", async () => {
  const store = await openStore(await temporaryFile(), { embedder: fakeEmbedder() });
  const twice = [
    { id: "a", text: "first" },
    { id: "b", text: "other" },
    { id: "a", text: "second" },
  ];
  await expect(store.add(twice)).rejects.toMatchObject({
    code: "INVALID_ID",
    message: expect.stringContaining("items[2]"),
  });
  expect(await store.count()).toBe(0);
  expect(await store.add(new Set(twice))).toMatchObject({ added: 2, updated: 1 });
  expect((await store.get(["a"]))[0]?.text).toBe("second");
});

test.each([
  ["the embedder throws", { failAt: 4 }, "EMBEDDER_FAILED"],
  ["the embedder answers too few vectors", { tooFewAt: 4 }, "EMBEDDER_OUTPUT"],
  ["the embedder answers other dims", { wrongDimsAt: 4 }, "EMBEDDER_OUTPUT"],
  ["the embedder answers NaN", { nanAt: 4 }, "EMBEDDER_OUTPUT"],
  ["the embedder hangs", { hangAt: 4 }, "EMBEDDER_TIMEOUT"],
] as const)("after a failed array add (%s) passages and answers are as before", async (_, fault, code) => {
  const file = await temporaryFile();
  const sound = await openStore(file, { embedder: fakeEmbedder() });
  await sound.add(items(100));
  const before = await fingerprint(sound);
  await sound.close();
  // Call 1 proves the model, 2 and 3 are the first slices of the add; the fault comes when half is embedded.
  const faulty = await openStore(file, { embedder: fakeEmbedder({ ...fault, batch: 64 }), embedTimeoutMs: 100 });
  await expect(
    faulty.add(items(300, 50).map((item) => ({ ...item, text: `New: ${item.text}` }))),
  ).rejects.toMatchObject({ code });
  await faulty.close();
  const after = await openStore(file, { embedder: fakeEmbedder() });
  expect(await fingerprint(after)).toBe(before);
  expect((await after.verify()).problems).toEqual([]);
});

test("after an array with one bad item nothing of it is there", async () => {
  const store = await openStore(await temporaryFile(), { embedder: fakeEmbedder() });
  await store.add(items(60));
  const before = await fingerprint(store);
  await expect(store.add([...items(40, 100), { text: " " }])).rejects.toMatchObject({
    code: "INVALID_TEXT",
    message: expect.stringContaining("items[40].text"),
  });
  expect(await fingerprint(store)).toBe(before);
});

test("an add that is aborted leaves the store as it was", async () => {
  const store = await openStore(await temporaryFile(), { embedder: fakeEmbedder({ delayMs: 20 }) });
  await store.add(items(5));
  const adding = store.add(items(500, 10), { signal: AbortSignal.timeout(30) });
  await expect(adding).rejects.toMatchObject({ code: "ABORTED" });
  expect(await store.count()).toBe(5);
});

test("a given vector saves the embedding, and a wrong one is refused", async () => {
  const embedder = fakeEmbedder();
  const store = await openStore(await temporaryFile(), { embedder });
  const all = texts(130);
  const vectors = await fakeEmbedder().embedDocuments(all);
  await store.add(all.map((text, i) => ({ id: `v${i}`, text, vector: Array.from(vectors[i]!) })));
  // Eight canaries of a new store, and one passage in 64 of each slice.
  expect(embedder.documents).toBeLessThan(8 + 6);
  expect((await store.search(all[77]!, { k: 1 })).hits[0]?.id).toBe("v77");
  await expect(store.add([{ text: "a lie", vector: vectors[0]! }])).rejects.toMatchObject({
    code: "INVALID_VECTOR",
    message: expect.stringContaining("items[0].vector"),
  });
  await expect(store.add([{ text: "short", vector: [1, 2] }])).rejects.toMatchObject({ code: "DIMENSION_MISMATCH" });
  expect(await store.count()).toBe(130);
});

test.each([1023, 1024, 1025])(
  "%i passages of an unknown model: they wait for 1,024, then become codes",
  async (count) => {
    const file = await temporaryFile();
    const store = await openStore(file, { embedder: fakeEmbedder({ dims: 48 }) });
    await store.add(items(count));
    const stats = await store.stats();
    expect(stats).toMatchObject(
      count < 1024
        ? { codebook: "pending", pending: count }
        : { codebook: "own", pending: 0, codeBytesPerPassage: expect.any(Number) },
    );
    // Live bits take 512 bytes however few passages a block has.
    if (count >= 1024) expect((stats.codeBytes - 512) / count).toBeLessThanOrEqual(51.2);
    const raw = new DatabaseSync(file, { readOnly: true });
    expect(raw.prepare("SELECT count(*) AS n FROM pending").get()).toEqual({ n: stats.pending });
    raw.close();
    const [text] = texts(1, 810);
    expect((await store.search(text!, { k: 3 })).hits[0]?.id).toBe("p810");
    await store.add(items(50, count));
    expect((await store.search(texts(1, count + 20)[0]!, { k: 1 })).hits[0]?.id).toBe(`p${count + 20}`);
    expect((await store.verify()).problems).toEqual([]);
  },
  60_000,
);

test("text is stored well-formed, and metadata with awkward keys comes back as data", async () => {
  const store = await openStore(await temporaryFile(), { embedder: fakeEmbedder() });
  const metadata = JSON.parse('{"__proto__": {"admin": true}, "constructor": 1, "nested": {"a": [1, null, "x"]}}');
  const { ids } = await store.add([{ text: "half an emoji \ud83d here", metadata }]);
  const [passage] = await store.get(ids);
  expect(passage?.text).toBe("half an emoji \ufffd here");
  expect(JSON.stringify(passage?.metadata)).toBe(JSON.stringify(metadata));
  expect(passage!.metadata["admin"]).toBeUndefined();
});
