import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Metric, OpenOptions, VectorKeeping, VectorStore } from "../../../src/index.js";
import { bestOf, randomVectors, scoreOf } from "../../support/brute_force.js";
import { fakeEmbedder } from "../../support/fake_embedder.js";
import { items, openStore, temporaryFile, texts } from "../../support/store.js";
import { tamper } from "../storage/temporary_store.js";

const DIMS = 64;
const FORMS: readonly Exclude<VectorKeeping, "recompute">[] = ["float32", "float16", "lvq8"];
const PLACES = ["file", "memory"] as const;
/** Largest error of a score, for vectors and questions of length 1. */
const TOLERANCE = { float32: 1e-6, float16: 1e-3, lvq8: 2e-2 };
const QUESTION = "Which violin freezes the glacier in winter?";

const cases = FORMS.flatMap((vectors) => PLACES.map((vectorsIn) => ({ vectors, vectorsIn })));

async function filled(count: number, options: OpenOptions = {}) {
  const embedder = fakeEmbedder();
  const file = await temporaryFile();
  const store = await openStore(file, { embedder, vectors: "float32", ...options });
  await store.add(items(count));
  return { store, file, embedder };
}

/** Vectors of length 1 that no text gives, by id. */
function foreign(count: number, seed = 3): Map<string, Float32Array> {
  return new Map(
    randomVectors(count, DIMS, seed).map((vector, i) => {
      const length = Math.hypot(...vector);
      return [`v${i}`, vector.map((value) => value / length)];
    }),
  );
}

const asItems = (vectors: ReadonlyMap<string, Float32Array>) =>
  Array.from(vectors, ([id, vector]) => ({ id, text: `Picture ${id}.`, vector }));

const idsOf = async (store: VectorStore, query: Float32Array, k = 10) =>
  (await store.search(query, { k, recall: 0.999 })).hits.map(({ id }) => id);

describe.each(cases)("$vectors in $vectorsIn", ({ vectors, vectorsIn }) => {
  test("a search embeds the question alone, and nothing for a vector", async () => {
    const { store, embedder } = await filled(300, { vectors, vectorsIn });
    // The first question also has two canaries embedded, to prove the model.
    await store.search("a warm-up");
    Object.assign(embedder, { documents: 0, queries: 0 });
    const byText = await store.search(QUESTION, { explain: true, includeVectors: true });
    expect([embedder.documents, embedder.queries]).toEqual([0, 1]);
    const query = await fakeEmbedder().embedQuery(QUESTION);
    const byVector = await store.search(query);
    expect([embedder.documents, embedder.queries]).toEqual([0, 1]);
    expect(byVector.hits.map(({ id, score }) => [id, score])).toEqual(byText.hits.map(({ id, score }) => [id, score]));
    const passages = await fakeEmbedder().embedDocuments(texts(300));
    expect(byText.cost.recomputed).toBeGreaterThanOrEqual(10);
    expect(byText.cost.embedded).toBe(0);
    for (const { id, score, vector, explain } of byText.hits) {
      expect(explain!.source).toBe("kept");
      // The score is that of the kept vector; how near this is to the given one, the form decides.
      expect(Math.abs(score - scoreOf("cosine", query, vector!))).toBeLessThan(1e-6);
      const given = passages[Number(id.slice(1))]!;
      expect(Math.abs(score - scoreOf("cosine", query, given))).toBeLessThan(TOLERANCE[vectors]);
      if (vectors === "float32") expect(vector).toEqual(given);
    }
  });

  test("takes vectors that no text gives, embedding nothing but the canaries of a new store", async () => {
    const embedder = fakeEmbedder();
    const file = await temporaryFile();
    const store = await openStore(file, { embedder, vectors, vectorsIn });
    const given = foreign(200);
    expect(await store.add(asItems(given))).toMatchObject({ added: 200 });
    expect([embedder.documents, embedder.queries]).toEqual([8, 0]);
    await store.add(asItems(new Map([["more", foreign(1, 9).get("v0")!]])));
    expect(embedder.documents).toBe(8);
    for (const query of foreign(10, 4).values()) {
      const { hits } = await store.search(query, { k: 1, recall: 0.999 });
      expect(hits[0]!.score).toBeGreaterThan(bestOf("cosine", query, given, 1)[0]!.score - TOLERANCE[vectors]);
    }
    expect((await store.verify()).problems).toEqual([]);
    await store.close();
    // Nobody is left who could embed, and nobody has to.
    const again = await openStore(file, { vectorsIn });
    for (const id of ["v0", "v111", "v199"]) expect(await idsOf(again, given.get(id)!, 1)).toEqual([id]);
    await again.add(asItems(new Map([["late", foreign(1, 10).get("v0")!]])));
    expect(await idsOf(again, foreign(1, 10).get("v0")!, 1)).toEqual(["late"]);
  });

  test("goes along with upserts and deletions, here and in another store on the file", async () => {
    const given = foreign(150);
    const file = await temporaryFile();
    const options = { embedder: fakeEmbedder(), vectors, vectorsIn } as const;
    const [a, b] = [await openStore(file, options), await openStore(file, options)];
    await a.add(asItems(given));
    const query = given.get("v7")!;
    expect((await idsOf(b, query, 1))[0]).toBe("v7");
    await a.delete({ ids: ["v7", "v149"] });
    expect(await idsOf(b, query, 150)).toHaveLength(148);
    await b.add([{ id: "v9", text: "Picture v9.", vector: query }]);
    expect((await a.search(query, { k: 1 })).hits[0]).toMatchObject({ id: "v9" });
    await b.delete({ all: true });
    expect(await idsOf(a, query)).toEqual([]);
    expect(await a.stats()).toMatchObject({ passages: 0, keptBytes: 0 });
    const c = await openStore(file, options);
    await a.add(asItems(foreign(5, 8)));
    const newest = foreign(5, 8).get("v3")!;
    for (const store of [a, b, c]) expect((await idsOf(store, newest, 1))[0]).toBe("v3");
    expect((await a.verify()).problems).toEqual([]);
  });
});

test.each(["cosine", "ip", "l2"] as Metric[])("metric %s: answers are those of brute force", async (metric) => {
  const vectors = new Map(
    randomVectors(400, DIMS, 6).map((vector, i) => [`v${i}`, vector.map((value) => value * 10 ** ((i % 7) - 3))]),
  );
  for (const { vectors: form, vectorsIn } of cases.filter(({ vectors: form }) => form !== "lvq8")) {
    const options = { embedder: fakeEmbedder(), metric, vectors: form, vectorsIn };
    const store = await openStore(await temporaryFile(), options);
    await store.add(asItems(vectors));
    for (const query of randomVectors(5, DIMS, 7)) {
      const { hits } = await store.search(query, { k: 10, recall: 0.999 });
      const best = bestOf(metric, query, vectors, 10);
      hits.forEach(({ id, score }, i) => {
        const error = form === "float32" ? 1e-5 : 2e-3;
        const largest = Math.hypot(...query) * (Math.hypot(...query) + Math.hypot(...vectors.get(id)!));
        expect(Math.abs(score - best[i]!.score)).toBeLessThan(error * (metric === "cosine" ? 1 : largest));
      });
    }
  }
});

test("items with and without vectors mix: those without are embedded", async () => {
  const embedder = fakeEmbedder();
  const store = await openStore(await temporaryFile(), { embedder, vectors: "float16" });
  const given = foreign(1).get("v0")!;
  await store.add([{ id: "picture", text: "One.", vector: given }, ...items(20)]);
  expect(embedder.documents).toBe(8 + 20);
  expect((await store.search(given, { k: 1 })).hits[0]!.id).toBe("picture");
  expect((await store.search(texts(1, 13)[0]!, { k: 1 })).hits[0]!.id).toBe("p13");
});

test("the same text with another vector is replaced, with the same one it is not", async () => {
  for (const vectors of FORMS) {
    const embedder = fakeEmbedder();
    const store = await openStore(await temporaryFile(), { embedder, vectors });
    const [first, second] = [...foreign(2).values()];
    const add = (vector?: Float32Array, metadata = {}) =>
      store.add([{ id: "a", text: "Picture a.", metadata, ...(vector && { vector }) }]);
    expect(await add(first!)).toMatchObject({ added: 1 });
    expect(await add(first!)).toMatchObject({ added: 0, updated: 0, unchanged: 1 });
    expect(await add(second!)).toMatchObject({ added: 0, updated: 1, unchanged: 0 });
    expect((await store.search(second!)).hits[0]!.score).toBeCloseTo(1, 3);
    expect((await store.search(first!)).hits[0]!.score).toBeLessThan(0.9);
    expect(await add(second!, { year: 1 })).toMatchObject({ updated: 1, unchanged: 0 });
    // Without a vector the text says that nothing has changed.
    expect(await add(undefined, { year: 1 })).toMatchObject({ updated: 0, unchanged: 1 });
    expect((await store.search(second!)).hits[0]!.score).toBeCloseTo(1, 3);
    expect(await store.count()).toBe(1);
    expect(embedder.documents).toBe(8);
    expect((await store.verify()).problems).toEqual([]);
  }
});

test("in an iterable the last vector of an id wins", async () => {
  const store = await openStore(await temporaryFile(), { embedder: fakeEmbedder(), vectors: "float32" });
  const [first, second] = [...foreign(2).values()];
  const twice = [first!, second!].map((vector) => ({ id: "a", text: "Picture a.", vector }));
  expect(await store.add(new Set(twice))).toMatchObject({ added: 1, updated: 1 });
  expect((await store.search(second!, { includeVectors: true })).hits[0]!.vector).toEqual(second);
});

test("a store that recomputes refuses vectors that no text gives, and says what to do", async () => {
  const store = await openStore(await temporaryFile(), { embedder: fakeEmbedder() });
  const refused = store.add(asItems(foreign(1)));
  await expect(refused).rejects.toMatchObject({ code: "INVALID_VECTOR" });
  await expect(refused).rejects.toThrow(/items\[0\]\.vector .* keeps no vectors .* vectors: "float16" or "float32"/);
  expect(await store.count()).toBe(0);
});

test("vectors of other dims, of zeros and not finite are refused, naming the item", async () => {
  const { store } = await filled(3);
  const attempts = [
    [[1, 2], "DIMENSION_MISMATCH"],
    [new Float32Array(DIMS), "INVALID_VECTOR"],
    [new Array(DIMS).fill(Number.NaN), "INVALID_VECTOR"],
    [new Array(DIMS).fill(1e-32), "INVALID_VECTOR"],
    [new Array(DIMS).fill(1e15), "INVALID_VECTOR"],
  ] as const;
  for (const [vector, code] of attempts) {
    const refused = store.add([{ text: "fine" }, { text: "not so", vector }]);
    await expect(refused).rejects.toMatchObject({ code, message: expect.stringContaining("items[1].vector") });
  }
  expect(await store.count()).toBe(3);
});

test.each(PLACES)("any sequence of adds, deletions and reopenings answers like brute force, from %s", async (where) => {
  const pool = randomVectors(40, DIMS, 11);
  const operation = fc.oneof(
    fc.record({ add: fc.array(fc.tuple(fc.nat(30), fc.nat(39)), { minLength: 1, maxLength: 12 }) }),
    fc.record({ remove: fc.array(fc.nat(30), { minLength: 1, maxLength: 12 }) }),
    fc.constant({ reopen: true as const }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(operation, { minLength: 1, maxLength: 8 }), async (operations) => {
      const file = await temporaryFile();
      const open = () => openStore(file, { embedder: fakeEmbedder(), vectors: "float32", vectorsIn: where });
      let store = await open();
      const other = await open();
      const expected = new Map<string, Float32Array>();
      for (const step of operations) {
        if ("add" in step) {
          for (const [id, n] of step.add) expected.set(`${id}`, pool[n]!);
          await store.add(new Set(step.add.map(([id, n]) => ({ id: `${id}`, text: "A picture.", vector: pool[n]! }))));
        } else if ("remove" in step) {
          for (const id of step.remove) expected.delete(`${id}`);
          await other.delete({ ids: [...new Set(step.remove)].map(String) });
        } else {
          await store.close();
          store = await open();
        }
        for (const asked of [store, other]) {
          const { hits } = await asked.search(pool[0]!, { k: 40, recall: 0.999, includeVectors: true });
          expect(new Map(hits.map(({ id, vector }) => [id, vector]))).toEqual(expected);
        }
      }
      expect((await store.verify()).problems).toEqual([]);
      await store.close();
      await other.close();
    }),
    { seed: 2, numRuns: 12 },
  );
});

test.each(FORMS)("one wrong byte of a %s row is CORRUPT when read, and verify names it", async (vectors) => {
  for (const vectorsIn of PLACES) {
    const { store, file, embedder } = await filled(300, { vectors });
    await store.close();
    tamper(file, (raw) => {
      const row = (raw.prepare("SELECT row FROM vectors WHERE node = 123").get() as { row: Uint8Array }).row;
      row[row.length - 1]! ^= 1;
      raw.prepare("UPDATE vectors SET row = ? WHERE node = 123").run(row);
    });
    const message = "Row 123 of table vectors does not match its checksum";
    const search = async () => {
      const damaged = await openStore(file, { embedder, vectorsIn });
      return damaged.search(texts(1, 123)[0]!);
    };
    await expect(search()).rejects.toMatchObject({ code: "CORRUPT", message: expect.stringContaining(message) });
    const damaged = await openStore(file, { embedder });
    expect((await damaged.search(texts(1, 200)[0]!, { k: 1 })).hits[0]!.id).toBe("p200");
    expect((await damaged.verify()).problems.join()).toContain(message);
  }
});

test("vectors in memory leave out long gaps of deleted nodes, and go on behind them", async () => {
  const file = await temporaryFile();
  const options = { embedder: fakeEmbedder(), vectors: "float32" } as const;
  const writer = await openStore(file, options);
  const given = foreign(4500);
  await writer.add(asItems(given));
  const early = await openStore(file, { ...options, vectorsIn: "memory" });
  await writer.delete({ ids: [...given.keys()].slice(100, 4400) });
  const late = await openStore(file, { ...options, vectorsIn: "memory" });
  const more = foreign(3, 12);
  await writer.add(Array.from(more.values(), (vector, i) => ({ id: `more${i}`, text: "One more.", vector })));
  for (const store of [early, late]) {
    for (const [id, vector] of [
      ["v99", given.get("v99")!],
      ["v4400", given.get("v4400")!],
      ["more2", more.get("v2")!],
    ] as const) {
      const { hits } = await store.search(vector, { k: 1, includeVectors: true });
      expect(hits[0]).toMatchObject({ id, vector });
    }
    expect((await store.search(more.get("v0")!, { k: 500 })).hits.length).toBe(203);
  }
}, 60_000);

test("stats say what is kept and what it takes", async () => {
  const bytes = { float32: 256, float16: 132, lvq8: 72 };
  for (const vectors of FORMS) {
    const { store } = await filled(50, { vectors });
    expect(await store.stats()).toMatchObject({ vectors, keptBytes: 50 * bytes[vectors], vectorBytes: 50 * 256 });
  }
  const plain = await openStore(await temporaryFile(), { embedder: fakeEmbedder() });
  expect(await plain.stats()).toMatchObject({ vectors: "recompute", keptBytes: 0, codes: { bytes: 48 } });
});
