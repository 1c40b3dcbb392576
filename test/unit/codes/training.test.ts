import { DatabaseSync } from "@photostructure/sqlite";
import { describe, expect, test } from "vitest";
import type { AddItem, Codes, VectorStore } from "../../../src/index.js";
import { fakeEmbedder } from "../../support/fake_embedder.js";
import { items, openStore, temporaryFile, texts } from "../../support/store.js";

const DIMS = 32;

async function emptyStore(codes?: Codes): Promise<VectorStore> {
  const embedder = fakeEmbedder({ dims: DIMS });
  return await openStore(await temporaryFile(), { embedder, durability: "normal", ...(codes && { codes }) });
}

/** Opens the store's file once more. */
const another = (store: VectorStore) => openStore(store.path, { embedder: fakeEmbedder({ dims: DIMS }) });

async function* stream(all: readonly AddItem[], at: Readonly<Record<number, () => Promise<void>>> = {}) {
  for (const [i, item] of all.entries()) {
    await at[i]?.();
    yield item;
  }
}

/** A store whose passages wait although they are enough for a codebook: a stream that broke off left them. */
async function waitingStore(count: number, codes?: Codes): Promise<VectorStore> {
  const store = await emptyStore(codes);
  const broken = async () => {
    throw new Error("the source broke off");
  };
  // What is committed before the error: all whole batches of 512.
  const adding = store.add(stream(items(count + 1), { [count]: broken }));
  await expect(adding).rejects.toMatchObject({ committed: count });
  expect(await store.stats()).toMatchObject({ passages: count, pending: count });
  return store;
}

const codebookOf = (path: string) => {
  const raw = new DatabaseSync(path, { readOnly: true });
  const found = raw.prepare("SELECT bytes FROM codebooks").all() as { bytes: Uint8Array }[];
  raw.close();
  expect(found).toHaveLength(1);
  return Buffer.from(found[0]!.bytes);
};

async function expectSound(store: VectorStore, sample: number): Promise<void> {
  expect((await store.verify()).problems).toEqual([]);
  expect((await store.search(texts(1, sample)[0]!, { k: 1 })).hits[0]?.id).toBe(`p${sample}`);
}

describe("an add that ends", () => {
  test.each([1023, 1024, 1025])("with %i passages waiting trains from 1,024 on", async (count) => {
    const store = await emptyStore();
    await store.add(items(count));
    expect(await store.stats()).toMatchObject(
      count < 1024
        ? { codebook: "pending", pending: count, pendingForm: "int8", pendingBytes: count * (8 + DIMS), trainsAt: 1024 }
        : { codebook: "own", pending: 0, pendingForm: undefined, pendingBytes: 0, trainsAt: undefined },
    );
    await expectSound(store, 700);
  });

  test.each([1023, 1024, 1025])("as a stream of %i does so too, on a batch's border as within one", async (count) => {
    const store = await emptyStore();
    expect(await store.add(stream(items(count)))).toMatchObject({ added: count });
    expect(await store.stats()).toMatchObject({ passages: count, pending: count < 1024 ? count : 0 });
    await expectSound(store, 1000);
  });

  test("counts what earlier calls left", async () => {
    const store = await emptyStore();
    for (const [size, pending] of [
      [1000, 1000],
      [23, 1023],
      [1, 0],
      [30, 0],
    ] as const) {
      await store.add(items(size, await store.count()));
      expect((await store.stats()).pending).toBe(pending);
    }
    await expectSound(store, 1040);
  });

  test("and stored nothing new trains all the same, but not one that was given nothing", async () => {
    const store = await waitingStore(1024);
    await store.add([]);
    await store.add(stream([]));
    expect((await store.stats()).pending).toBe(1024);
    expect(await store.add(items(1))).toMatchObject({ unchanged: 1 });
    expect(await store.stats()).toMatchObject({ codebook: "own", pending: 0 });
    await expectSound(store, 1000);
  });
});

test.each([4095, 4096, 4097])("a stream waits for 4,096 passages while more are coming, here %i", async (count) => {
  const store = await emptyStore();
  const seen: unknown[] = [];
  const look = async () => {
    const { passages, pending } = await store.stats();
    seen.push({ passages, pending });
  };
  await store.add(stream(items(count), { 1100: look, 4094: look, 4096: look }));
  // Batches of 512 are committed as they fill, and a slow machine commits sooner.
  for (const at of seen.slice(0, 2)) expect(at).toMatchObject({ pending: (at as { passages: number }).passages });
  if (count > 4096) expect(seen[2]).toEqual({ passages: 4096, pending: 0 });
  expect(await store.stats()).toMatchObject({ passages: count, codebook: "own", pending: 0 });
  await expectSound(store, 4000);
});

describe("compact", () => {
  test.each<[Codes, number]>([
    [{ bytes: 48 }, 1024],
    [{ bytes: 24 }, 1536],
    ["lvq8", 1024],
    ["lvq4", 1536],
  ])("trains codes %j on the %i passages that wait", async (codes, count) => {
    const store = await waitingStore(count, codes);
    const reading = await another(store);
    expect(await store.compact()).toMatchObject({ trained: count, linked: 0, dropped: 0 });
    for (const each of [store, reading]) {
      expect(await each.stats()).toMatchObject({ codes, codebook: "own", pending: 0, passages: count });
      await expectSound(each, 900);
    }
    expect(await store.compact()).toMatchObject({ trained: 0 });
    await store.add(items(10, 5000));
    await expectSound(reading, 5004);
  });

  test("trains nothing on 1,023 passages, on 4,095 of LeanVec, nor without codes", async () => {
    const store = await emptyStore();
    await store.add(items(1023));
    expect(await store.compact()).toMatchObject({ trained: 0 });
    expect((await store.stats()).pending).toBe(1023);
    const projected = await emptyStore({ leanvec: { dims: 16, primary: "lvq4", training: "pca" } });
    await projected.add(items(4095));
    expect(await projected.compact()).toMatchObject({ trained: 0 });
    expect(await projected.stats()).toMatchObject({ pending: 4095, pendingForm: "float16", trainsAt: 4096 });
    await projected.add(items(1, 4095));
    expect(await projected.stats()).toMatchObject({ pending: 0, codebook: "own" });
    const bare = await openStore(await temporaryFile(), {
      embedder: fakeEmbedder({ dims: DIMS }),
      codes: "none",
      index: "vamana",
    });
    await bare.add(items(1024));
    expect(await bare.stats()).toMatchObject({ pending: 1024, pendingForm: "float16", trainsAt: undefined });
    expect(await bare.compact()).toMatchObject({ trained: 0, linked: 1024 });
  });

  test("that is stopped while it trains leaves the store as it was", async () => {
    const store = await waitingStore(1024);
    const before = await store.stats();
    const stop = new AbortController();
    const phases: string[] = [];
    const onProgress = ({ phase, total }: { phase: string; total: number }) => {
      phases.push(`${phase} ${total}`);
      // Behind the beginning of the write: within the training, which takes longer.
      setTimeout(() => stop.abort(), 10);
    };
    await expect(store.compact({ signal: stop.signal, onProgress })).rejects.toMatchObject({ code: "ABORTED" });
    expect(phases).toEqual(["train 1024"]);
    const { fileBytes: _, ...same } = before;
    expect(await store.stats()).toMatchObject(same);
    await expectSound(store, 1000);
    expect(await store.compact()).toMatchObject({ trained: 1024 });
  });

  test("of two stores at once trains once, while others add", async () => {
    const store = await waitingStore(1024);
    const [second, third] = [await another(store), await another(store)];
    const [one, two] = await Promise.all([store.compact(), second.compact(), third.add(items(100, 2000))]);
    // Whoever comes first trains, and the other finds a codebook.
    expect(one.trained === 0 || two.trained === 0).toBe(true);
    codebookOf(store.path);
    for (const each of [store, second, third]) {
      expect(await each.stats()).toMatchObject({ passages: 1124, pending: 0, codebook: "own" });
      await expectSound(each, 2050);
    }
  });
});

test("two stores that add at once train one codebook, and all passages are found", async () => {
  const store = await emptyStore();
  const other = await another(store);
  await Promise.all([store.add(stream(items(700))), other.add(items(700, 700))]);
  expect(await other.stats()).toMatchObject({ passages: 1400, pending: 0, codebook: "own" });
  codebookOf(store.path);
  for (const sample of [10, 690, 710, 1390]) await expectSound(store, sample);
});

test("a store's codebook takes a byte for each number, and two where that would be felt", async () => {
  for (const { dims, version } of [
    { dims: 256, version: 2 },
    { dims: 16, version: 1 },
  ]) {
    const file = await temporaryFile();
    const store = await openStore(file, { embedder: fakeEmbedder({ dims }), durability: "normal" });
    await store.add(items(1024));
    const bytes = codebookOf(file);
    expect(bytes.toString("latin1", 0, 8)).toBe("EMBLCODE");
    expect(bytes.readUInt32LE(8)).toBe(version);
    expect(bytes.length).toBeLessThan((3 - version) * dims * (dims + 256) + 16 * dims + 400);
    await store.close();
    const again = await openStore(file, { embedder: fakeEmbedder({ dims }) });
    await expectSound(again, 900);
  }
});

test("passages unlike those that trained the codebook, whose codes need exceptions, go in at any place", async () => {
  const store = await emptyStore();
  await store.add(items(1100));
  const others = Array.from({ length: 300 }, (_, i) => ({ id: `q${i}`, text: `another river ${i}` }));
  await store.add(others);
  expect(await store.stats()).toMatchObject({ passages: 1400, pending: 0 });
  expect((await store.verify()).problems).toEqual([]);
  for (const sample of [3, 52, 60, 199]) {
    expect((await store.search(others[sample]!.text, { k: 1 })).hits[0]?.id).toBe(`q${sample}`);
  }
});
