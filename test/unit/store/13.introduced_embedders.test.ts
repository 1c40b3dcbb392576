import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Embedder } from "../../../src/index.js";
import { changingEmbedder, fakeEmbedder } from "../../support/fake_embedder.js";
import { items, openStore, temporaryFile, texts } from "../../support/store.js";

const warnings: string[] = [];
const listen = (warning: Error & { code?: string }) => {
  if (warning.name === "EmbedlessWarning") warnings.push(warning.code!);
};
beforeEach(() => {
  warnings.length = 0;
  process.on("warning", listen);
});
afterEach(() => void process.off("warning", listen));
const nextTick = () => new Promise((done) => setImmediate(done));

describe("an embedder whose vectors depend on the batch", () => {
  const int8 = (id: string) => fakeEmbedder({ id, batchNoise: 0.15, noise: 0.3 });

  test("is given one text at a time, so that all that is added is found, with scores of the text alone", async () => {
    const path = await temporaryFile();
    const store = await openStore(path, { embedder: int8("int8") });
    await store.add(items(150));
    expect(await store.stats()).toMatchObject({ canaries: 8, batchCosine: expect.closeTo(0.98, 1) });
    await store.close();
    await nextTick();
    expect(warnings).toEqual(["EMBEDLESS_ONE_BY_ONE"]);

    const embedder = int8("int8");
    const again = await openStore(path, { embedder });
    const exact = await openStore(await temporaryFile(), { embedder: fakeEmbedder({ id: "int8", noise: 0.3 }) });
    await exact.add(items(150));
    for (const text of texts(5, 900)) {
      const scores = async (store: typeof again) => (await store.search(text, { k: 5 })).hits.map(({ score }) => score);
      expect(await scores(again)).toEqual(await scores(exact));
    }
    await again.add(items(20, 500));
    expect([embedder.largestCall, embedder.peak]).toEqual([1, 1]);
    await nextTick();
    expect(warnings).toHaveLength(1);
  });

  test("is measured as it will be used", async () => {
    const embedder = int8("measured");
    const store = await openStore(await temporaryFile(), { embedder });
    await store.add(items(30));
    embedder.largestCall = 0;
    expect((await store.stats({ measure: true })).query!.ms).toBeGreaterThan(0);
    expect(embedder.largestCall).toBe(1);
  });

  test("may have its batches if the caller lets canaries differ as much", async () => {
    const path = await temporaryFile();
    const open = () => openStore(path, { embedder: int8("lax"), minCanaryCosine: 0.8 });
    const store = await open();
    await store.add(items(100));
    expect((await store.stats()).batchCosine).toBeUndefined();
    await store.close();
    expect((await (await open()).search("the river", { k: 3 })).hits).toHaveLength(3);
  });

  test("has its given vectors, which are those of a batch, replaced, and wrong ones refused", async () => {
    const path = await temporaryFile();
    const embedder = int8("given");
    const store = await openStore(path, { embedder });
    const batch = items(30);
    const vectors = await embedder.embedDocuments(batch.map(({ text }) => text));
    await store.add(batch.map((item, i) => ({ ...item, vector: vectors[i]! })));
    const { hits } = await store.search(batch[7]!.text, { k: 1 });
    expect([hits[0]!.id, hits[0]!.score]).toEqual(["p7", expect.closeTo(1, 5)]);
    const swapped = items(2, 100).map((item, i) => ({ ...item, vector: vectors[i]! }));
    await expect(store.add(swapped)).rejects.toMatchObject({ code: "INVALID_VECTOR" });
    await store.close();
    const again = await openStore(path, { embedder: int8("given") });
    expect((await again.search(batch[9]!.text, { k: 1 })).hits[0]!.id).toBe("p9");
  });

  test("under each metric gives back what was added", async () => {
    for (const metric of ["ip", "l2"] as const) {
      const path = await temporaryFile();
      const store = await openStore(path, { embedder: int8(metric), metric });
      await store.add(items(40));
      await store.close();
      const again = await openStore(path, { embedder: int8(metric) });
      expect((await again.search(texts(1, 3)[0]!, { k: 1 })).hits[0]!.id).toBe("p3");
    }
  });
});

test("an embedder that is different each time is refused by the first add, not by every search", async () => {
  const store = await openStore(await temporaryFile(), { embedder: changingEmbedder() });
  await expect(store.add(items(10))).rejects.toMatchObject({ code: "EMBEDDER_OUTPUT" });
  expect(await store.count()).toBe(0);
});

test("an embedder of a fixed table of texts has no canaries, which is said", async () => {
  const path = await temporaryFile();
  const known = new Set([...texts(60), "the river"]);
  const table = (): Embedder => {
    const fake = fakeEmbedder();
    const requireKnown = (text: string) => {
      if (!known.has(text)) throw new Error(`no vector of ${text}`);
    };
    return {
      id: "table",
      dims: undefined,
      embedDocuments: async (asked) => {
        asked.forEach(requireKnown);
        return await fake.embedDocuments(asked);
      },
      embedQuery: async (text) => {
        requireKnown(text);
        return await fake.embedQuery(text);
      },
    };
  };
  const store = await openStore(path, { embedder: table() });
  await store.add(items(60));
  expect(await store.stats()).toMatchObject({ passages: 60, canaries: 0, batchCosine: undefined });
  await nextTick();
  expect(warnings).toEqual(["EMBEDLESS_NO_CANARIES"]);
  await store.close();
  const again = await openStore(path, { embedder: table() });
  expect((await again.search("the river", { k: 3 })).hits).toHaveLength(3);
  expect((await again.verify()).problems).toEqual([]);
});
