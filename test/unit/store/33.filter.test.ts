import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Filter, matchesFilter, type Passage, type VectorStore } from "../../../src/index.js";
import { fakeEmbedder } from "../../support/fake_embedder.js";
import { choose, seeded } from "../../support/seeded.js";
import { items, openStore, temporaryFile, texts } from "../../support/store.js";
import { tamper } from "../storage/temporary_store.js";

const QUESTION = "Which violin freezes the glacier in winter?";

/** Items whose metadata have their number, and the sizes of the sets they belong to: `in5` is true for 5 items. */
function sortedItems(count: number, sizes: readonly number[], seed: number) {
  const random = seeded(seed);
  const all = items(count).map((item) => ({ ...item, metadata: { ...item.metadata } as Record<string, unknown> }));
  for (const size of sizes) {
    for (const item of choose(all, size, random)) item.metadata[`in${size}`] = true;
  }
  return all;
}

async function collect(passages: AsyncIterable<Passage>): Promise<string[]> {
  const ids: string[] = [];
  for await (const { id } of passages) ids.push(id);
  return ids;
}

function cosine(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const dot = (x: ArrayLike<number>, y: ArrayLike<number>) => Array.from(x).reduce((sum, v, i) => sum + v * y[i]!, 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}

/** Ids by score falling, then by order of adding, with their scores; by hand. */
async function ranked(all: readonly { id?: string; text: string }[], question = QUESTION) {
  const model = fakeEmbedder();
  const query = await model.embedQuery(question);
  const vectors = await model.embedDocuments(all.map(({ text }) => text));
  const scored = all.map(({ id }, i) => ({ id: id!, score: cosine(query, vectors[i]!) }));
  return scored.map((one, i) => ({ ...one, i })).sort((a, b) => b.score - a.score || a.i - b.i);
}

/** Hits of a filtered search are as many as there can be, all of them matches, with exact scores, best first. */
async function checkSearch(store: VectorStore, all: ReturnType<typeof sortedItems>, filter: Filter, k: number) {
  const matching = all.filter(({ metadata }) => matchesFilter(metadata, filter));
  const { hits, cost } = await store.search(QUESTION, { k, filter });
  const expected = await ranked(matching);
  expect(hits.length).toBe(Math.min(k, matching.length));
  expect(cost.scanned).toBe(matching.length);
  const scores = new Map(expected.map(({ id, score }) => [id, score]));
  for (const { id, score, metadata } of hits) {
    expect(matchesFilter(metadata, filter)).toBe(true);
    expect(Math.abs(score - scores.get(id)!)).toBeLessThan(1e-6);
  }
  return { found: hits.map(({ id }) => id), best: expected.slice(0, k).map(({ id }) => id), cost, matching };
}

describe("no selectivity returns fewer than min(k, matches) hits", () => {
  const SIZES = [0, 1, 2, 3, 4, 9, 10, 11, 15, 16, 17, 40, 130];

  test("while passages wait for a codebook, whatever is deleted", async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.double({ min: 0, max: 1, noNaN: true }), async (seed, share) => {
        const store = await openStore(await temporaryFile(), { embedder: fakeEmbedder() });
        const all = sortedItems(130, SIZES, seed);
        await store.add(all);
        const gone = new Set(choose(all, Math.floor(share * 60), seeded(seed + 1)).map(({ id }) => id!));
        await store.delete({ ids: [...gone] });
        const left = all.filter(({ id }) => !gone.has(id!));
        for (const size of SIZES) {
          for (const k of [1, 3, 10, 200]) {
            const { found, best, matching, cost } = await checkSearch(store, left, { [`in${size}`]: true }, k);
            if (matching.length > k) continue;
            expect(found).toEqual(best);
            expect(cost.recomputed).toBe(matching.length);
          }
        }
        await store.close();
      }),
      { numRuns: 6, seed: 7 },
    );
  });

  test("with codes", async () => {
    const store = await openStore(await temporaryFile(), { embedder: fakeEmbedder(), durability: "normal" });
    const all = sortedItems(4200, [...SIZES, 1000, 4200], 5);
    await store.add(all);
    expect(await store.stats()).toMatchObject({ codebook: "own", pending: 0 });
    const gone = new Set(choose(all, 700, seeded(9)).map(({ id }) => id!));
    await store.delete({ ids: [...gone] });
    const left = all.filter(({ id }) => !gone.has(id!));
    for (const size of [...SIZES, 1000, 4200]) {
      const { found, best } = await checkSearch(store, left, { [`in${size}`]: true }, 10);
      if (size <= 16) expect(found).toEqual(best);
    }
    await checkSearch(store, left, { $not: { in4200: true } }, 10);
    await checkSearch(store, left, { n: { $gte: 4190 } }, 10);
  });
});

describe("a filtered search", () => {
  test("asks the model nothing when nothing matches, and an empty filter changes nothing", async () => {
    const embedder = fakeEmbedder();
    const store = await openStore(await temporaryFile(), { embedder });
    await store.add(items(60));
    embedder.calls = 0;
    expect((await store.search(QUESTION, { filter: { n: 60 } })).hits).toEqual([]);
    expect(embedder.calls).toBe(0);
    const all = await store.search(QUESTION);
    expect((await store.search(QUESTION, { filter: {} })).hits).toEqual(all.hits);
  });

  test("embeds nothing but what matches", async () => {
    const embedder = fakeEmbedder();
    const file = await temporaryFile();
    const first = await openStore(file, { embedder });
    await first.add(items(200));
    await first.close();
    const store = await openStore(file, { embedder });
    embedder.texts.length = 0;
    await store.search(QUESTION, { filter: { n: { $in: [3, 50, 77] } } });
    const wanted = new Set([3, 50, 77].map((n) => texts(1, n)[0]!));
    expect(embedder.texts.filter((text) => texts(200).includes(text)).sort()).toEqual([...wanted].sort());
  });

  test("sees at once what was added, changed and deleted", async () => {
    const store = await openStore(await temporaryFile(), { embedder: fakeEmbedder() });
    const found = async (filter: Filter) =>
      (await store.search(QUESTION, { k: 50, filter })).hits.map(({ id }) => id).sort();
    await store.add(items(5));
    expect(await found({ n: { $lt: 2 } })).toEqual(["p0", "p1"]);
    await store.add([{ id: "p4", text: texts(1, 4)[0]!, metadata: { n: 0 } }]);
    expect(await found({ n: { $lt: 2 } })).toEqual(["p0", "p1", "p4"]);
    await store.add([{ id: "p1", text: "Another text about a violin.", metadata: { n: 1 } }]);
    expect(await found({ n: { $lt: 2 } })).toEqual(["p0", "p1", "p4"]);
    await store.delete({ ids: ["p0"] });
    expect(await found({ n: { $lt: 2 } })).toEqual(["p1", "p4"]);
  });

  test("never answers what does not match, nor too little, while another process keeps changing it", async () => {
    const file = await temporaryFile();
    const store = await openStore(file, {
      embedder: fakeEmbedder({ delayMs: 2 }),
      durability: "normal",
      cacheBytes: 0,
    });
    const other = await openStore(file, { embedder: fakeEmbedder(), durability: "normal" });
    // 12 passages always match; which they are changes with every write, and their texts too.
    const state = (round: number) =>
      Array.from({ length: 48 }, (_, n) => ({
        id: `p${n}`,
        text: `${texts(1, n)[0]} ${n % 3 === 0 ? round : ""}`,
        metadata: { chosen: (n + round) % 4 === 0 },
      }));
    await other.add(state(0));
    let searching = true;
    let rounds = 0;
    const writer = (async () => {
      while (searching || rounds < 8) await other.add(state(++rounds));
    })();
    for (let search = 0; search < 8; search++) {
      const { hits } = await store.search(QUESTION, { k: 20, filter: { chosen: true } });
      for (const { metadata } of hits) expect(metadata).toEqual({ chosen: true });
    }
    searching = false;
    await writer;
    expect((await store.search(QUESTION, { k: 20, filter: { chosen: true } })).hits.length).toBe(12);
  });
});

describe("count, passages and delete with a filter", () => {
  async function filled(count: number) {
    const store = await openStore(await temporaryFile(), { embedder: fakeEmbedder(), durability: "normal" });
    await store.add(
      items(count).map((item, i) => ({ ...item, metadata: { n: i, even: i % 2 === 0, deep: { third: i % 3 } } })),
    );
    return store;
  }

  test.each([1, 63, 64, 65, 129, 600])("of %i passages", async (count) => {
    const store = await filled(count);
    const even = Array.from({ length: Math.ceil(count / 2) }, (_, i) => `p${2 * i}`);
    expect(await store.count({ even: true })).toBe(even.length);
    expect(await store.count({})).toBe(count);
    expect(await collect(store.passages({ filter: { even: true } }))).toEqual(even);
    expect(await collect(store.passages({ filter: { even: true }, limit: 100 }))).toEqual(even.slice(0, 100));
    expect(await collect(store.passages({ filter: { even: true }, limit: 0 }))).toEqual([]);
    if (count > 8)
      expect(await collect(store.passages({ filter: { even: true }, after: "p3", limit: 2 }))).toEqual(["p4", "p6"]);
    expect(await store.delete({ filter: { even: true } })).toBe(even.length);
    expect(await store.count()).toBe(count - even.length);
    expect(await store.count({ even: true })).toBe(0);
    expect(await store.delete({ filter: { even: true } })).toBe(0);
    expect((await store.verify()).problems).toEqual([]);
  });

  test("a listing leaves out what has changed since it began", async () => {
    const store = await filled(600);
    const seen: string[] = [];
    for await (const { id } of store.passages({ filter: { even: true } })) {
      if (seen.push(id) === 1) {
        await store.delete({ ids: ["p520"] });
        await store.add([{ id: "p590", text: texts(1, 590)[0]!, metadata: { even: false } }]);
      }
    }
    expect(seen.length).toBe(298);
    expect(seen).not.toContain("p520");
    expect(seen).not.toContain("p590");
  });

  test("delete is all or nothing", async () => {
    const store = await filled(400);
    tamper(store.path, (raw) => raw.exec("UPDATE passages SET text = x'00' WHERE id = 'p396'"));
    await expect(store.delete({ filter: { even: true } })).rejects.toMatchObject({ code: "CORRUPT" });
    expect(await store.count()).toBe(400);
    expect(await store.count({ even: true })).toBe(200);
  });

  test("delete refuses what deletes everything by accident", async () => {
    const store = await filled(3);
    await expect(store.delete({ filter: {} })).rejects.toMatchObject({ code: "INVALID_FILTER" });
    await expect(store.delete({ filter: { n: 1 }, ids: ["p1"] } as never)).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
    });
    await expect(store.delete({ filter: undefined } as never)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    expect(await store.count()).toBe(3);
  });

  test.each([null, 7, "n = 1", [{ n: 1 }], { n: undefined }, { $where: "1" }])(
    "%j is refused everywhere",
    async (wrong) => {
      const store = await filled(3);
      const filter = wrong as never;
      const refused = expect.objectContaining({ code: "INVALID_FILTER", message: expect.stringContaining("filter") });
      await expect(store.search(QUESTION, { filter })).rejects.toEqual(refused);
      await expect(store.count(filter)).rejects.toEqual(refused);
      await expect(collect(store.passages({ filter }))).rejects.toEqual(refused);
      await expect(store.delete({ filter })).rejects.toEqual(refused);
      expect(await store.count()).toBe(3);
    },
  );
});

describe("filterable", () => {
  const indexes = (file: string) =>
    tamper(file, (raw) => raw.prepare("SELECT count(*) AS n FROM sqlite_schema WHERE name LIKE 'passages_by_%'").get());

  test("makes indexes once, later ones too, and answers the same with them as without", async () => {
    const file = await temporaryFile();
    const embedder = fakeEmbedder();
    const filter: Filter = { n: { $gte: 10, $lt: 13 }, "deep.er": "x" };
    const first = await openStore(file, { embedder });
    await first.add(items(40).map((item) => ({ ...item, metadata: { ...item.metadata, deep: { er: "x" } } })));
    const expected = await collect(first.passages({ filter }));
    expect(expected).toEqual(["p10", "p11", "p12"]);
    await first.close();
    expect(indexes(file)).toEqual({ n: 0 });
    for (const filterable of [["n"], ["n", "deep.er"], ["deep.er"], []]) {
      const store = await openStore(file, { embedder, filterable });
      expect(await collect(store.passages({ filter }))).toEqual(expected);
      expect((await store.verify()).problems).toEqual([]);
      await store.close();
    }
    expect(indexes(file)).toEqual({ n: 2 });
  });

  test("is ignored by a store that is open for reading only", async () => {
    const file = await temporaryFile();
    const embedder = fakeEmbedder();
    const first = await openStore(file, { embedder });
    await first.add(items(3));
    const reader = await openStore(file, { embedder, readOnly: true, filterable: ["n"] });
    expect(await reader.count({ n: 1 })).toBe(1);
    await reader.close();
    await first.close();
    expect(indexes(file)).toEqual({ n: 0 });
  });

  test.each<[name: string, filterable: unknown, message: string]>([
    ["a string", "n", "filterable"],
    ["a number inside", ["n", 3], "filterable[1]"],
    ["an empty path", [""], "filterable[0]"],
    ["an operator", ["$and"], "filterable[0]"],
    ["NUL", ["a\0"], "filterable[0]"],
    ["too long a path", ["x".repeat(1001)], "filterable[0]"],
    ["too many", Array.from({ length: 33 }, (_, i) => `k${i}`), "33"],
  ])("%s is an argument mistake, and no file is made", async (_, filterable, message) => {
    const file = await temporaryFile();
    const opening = openStore(file, { filterable: filterable as never });
    await expect(opening).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      message: expect.stringContaining(message),
    });
    await expect(openStore(file, { create: false })).rejects.toMatchObject({ code: "NOT_FOUND" });
  });
});

describe("a function as a filter", () => {
  test("decides on whole passages, before ranking is cut, in search, count and listing", async () => {
    const store = await openStore(await temporaryFile(), { embedder: fakeEmbedder() });
    const all = items(400);
    await store.add(all);
    const seen: Passage[] = [];
    const filter = (passage: Passage) => {
      seen.push(passage);
      return passage.text.includes("violin") && passage.id !== all[3]!.id;
    };
    const wanted = all.filter(({ id, text }) => text.includes("violin") && id !== all[3]!.id);
    expect(wanted.length).toBeGreaterThan(10);
    const { hits } = await store.search(QUESTION, { k: 10, filter });
    expect(hits.length).toBe(10);
    for (const { text } of hits) expect(text).toContain("violin");
    const best = (await ranked(wanted)).slice(0, 10).map(({ id }) => id);
    expect(hits.filter(({ id }) => best.includes(id)).length).toBeGreaterThanOrEqual(9);
    expect(seen[0]).toEqual({ id: all[0]!.id, text: all[0]!.text, metadata: all[0]!.metadata });
    // All were looked at once, and what was found a second time.
    expect(seen.length).toBe(400 + hits.length);
    expect(await store.count(filter)).toBe(wanted.length);
    expect(await collect(store.passages({ filter, limit: 5 }))).toEqual(wanted.slice(0, 5).map(({ id }) => id));
  });

  test("is asked anew by every search, and its errors are the search's", async () => {
    const store = await openStore(await temporaryFile(), { embedder: fakeEmbedder() });
    await store.add(items(40));
    let least = 0;
    const filter = ({ metadata }: Passage) => (metadata["n"] as number) >= least;
    expect((await store.search(QUESTION, { k: 40, filter })).hits.length).toBe(40);
    least = 35;
    expect((await store.search(QUESTION, { k: 40, filter })).hits.length).toBe(5);
    const failing = () => {
      throw new RangeError("no");
    };
    await expect(store.search(QUESTION, { filter: failing })).rejects.toThrow(RangeError);
    const later = (async () => true) as unknown as (passage: Passage) => boolean;
    await expect(store.search(QUESTION, { filter: later })).rejects.toMatchObject({ code: "INVALID_FILTER" });
    await expect(store.delete({ filter: filter as never })).rejects.toMatchObject({ code: "INVALID_FILTER" });
  });
});
