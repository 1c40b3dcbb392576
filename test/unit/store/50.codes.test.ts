import { DatabaseSync } from "@photostructure/sqlite";
import { describe, expect, test } from "vitest";
import { type Codes, type Embedder, type Metric, type OpenOptions, VectorStore } from "../../../src/index.js";
import { bestOf } from "../../support/brute_force.js";
import { fakeEmbedder } from "../../support/fake_embedder.js";
import { items, openStore, temporaryFile, texts } from "../../support/store.js";

const DIMS = 48;
const OOD: Codes = { leanvec: { dims: 24, primary: "lvq8", training: "ood" } };
const KINDS: readonly Codes[] = [
  { bytes: 24 },
  { bytes: 48 },
  { bytes: 192 },
  "lvq4",
  "lvq8",
  "lvq4x8",
  { leanvec: { dims: 24, primary: "lvq4", training: "pca" } },
  { leanvec: { dims: 32, primary: "lvq8", training: "pca" } },
  OOD,
];
const QUESTIONS = Array.from({ length: 60 }, (_, i) => texts(1, 7 * i + 5000)[0]!.replace(/, case.*/, "?"));
const METRICS: readonly Metric[] = ["cosine", "ip", "l2"];

/** Vectors by text: the same texts are added to many stores. */
const memory = new Map<string, Promise<ArrayLike<number>>>();

/** A fake whose vectors have uneven lengths, which inner product and l2 depend on. */
function embedderFor(metric: Metric): Embedder {
  const norm = metric === "cosine" ? 1 : undefined;
  const model = fakeEmbedder({ dims: DIMS, id: `codes-${metric}`, norm: (text) => norm ?? 0.5 + (text.length % 5) });
  const remembered = (text: string) => {
    const key = `${norm} ${text}`;
    const vector = memory.get(key) ?? model.embedDocuments([text]).then(([first]) => first!);
    memory.set(key, vector);
    return vector;
  };
  return {
    id: model.id,
    dims: DIMS,
    embedDocuments: (passages) => Promise.all(passages.map(remembered)),
    embedQuery: remembered,
  };
}

/** Share of the true ten nearest that the store finds, in the mean over questions. */
async function recallOf(store: VectorStore, embedder: Embedder, count: number): Promise<number> {
  const passages = await embedder.embedDocuments(texts(count));
  const vectors = new Map(passages.map((vector, i) => [`p${i}`, vector]));
  let found = 0;
  const asked = QUESTIONS.slice(0, 12);
  for (const question of asked) {
    const best = bestOf(store.metric, await embedder.embedQuery(question), vectors, 10);
    const { hits } = await store.search(question, { k: 10, recall: 0.99 });
    expect(hits.length).toBe(10);
    const ids = new Set(hits.map(({ id }) => id));
    found += best.filter(({ id }) => ids.has(id)).length / best.length;
  }
  return found / asked.length;
}

const samplesFor = (codes: Codes): OpenOptions => (codes === OOD ? { sampleQueries: QUESTIONS.slice(20) } : {});

/** Fewest and most bytes of a code with its factors: subspaces that no bit falls to are left out. */
function sizesOf(codes: Codes): [least: number, most: number] {
  const perDim = { lvq4: 0.5, lvq8: 1, lvq4x8: 1.5, none: 0 };
  if (typeof codes === "string") return [perDim[codes] * DIMS, perDim[codes] * DIMS + 24];
  if ("bytes" in codes) return [Math.min(codes.bytes, DIMS) / 2, codes.bytes + 5];
  const primary = perDim[codes.leanvec.primary] * codes.leanvec.dims;
  return [primary, primary + DIMS + 40];
}

describe.each(METRICS)("metric %s", (metric) => {
  test.each(KINDS.map((codes) => [JSON.stringify(codes), codes] as const))(
    "codes %s: too few passages wait, the next ones are coded, and the nearest are found throughout",
    async (_, codes) => {
      const embedder = embedderFor(metric);
      const file = await temporaryFile();
      const store = await openStore(file, { embedder, metric, codes, ...samplesFor(codes) });
      const least = typeof codes === "object" && "leanvec" in codes ? 4096 : 1024;
      for (const count of [least - 1, least, least + 1]) {
        await store.add(items(count - (await store.count()), await store.count()));
        const stats = await store.stats();
        const pending = count < least ? count : 0;
        expect(stats).toMatchObject({ passages: count, codes, pending, codebook: pending ? "pending" : "own" });
        const [smallest, most] = pending ? [0, 0] : sizesOf(codes);
        expect(stats.codeBytesPerPassage).toBeGreaterThanOrEqual(smallest);
        expect(stats.codeBytesPerPassage).toBeLessThanOrEqual(most);
        expect(await recallOf(store, embedder, count)).toBeGreaterThan(0.93);
      }
      const asked = QUESTIONS.slice(0, 10);
      const before = await Promise.all(asked.map((question) => store.search(question)));
      expect((await store.verify()).problems).toEqual([]);
      await store.close();
      const again = await openStore(file, { embedder });
      expect(await again.stats()).toMatchObject({ codes, metric, codebook: "own" });
      const after = await Promise.all(asked.map((question) => again.search(question)));
      expect(after.map(({ hits }) => hits)).toEqual(before.map(({ hits }) => hits));
    },
    60_000,
  );
});

test("passages of a finer code wait as float16, those of a coarser one as int8", async () => {
  const waiting = async (codes: Codes) => {
    const file = await temporaryFile();
    const store = await openStore(file, { embedder: embedderFor("cosine"), codes, ...samplesFor(codes) });
    await store.add(items(3));
    const raw = new DatabaseSync(file, { readOnly: true });
    const { n } = raw.prepare("SELECT max(length(row)) AS n FROM pending").get() as { n: number };
    raw.close();
    return n;
  };
  for (const codes of [{ bytes: 192 }, "lvq4"] as Codes[]) expect(await waiting(codes)).toBe(8 + DIMS);
  for (const codes of ["lvq8", "lvq4x8", OOD] as Codes[]) expect(await waiting(codes)).toBe(4 + 2 * DIMS);
});

describe("sample queries", () => {
  const rows = (file: string) => {
    const raw = new DatabaseSync(file, { readOnly: true });
    const { n } = raw.prepare("SELECT count(*) AS n FROM sample_queries").get() as { n: number };
    raw.close();
    return n;
  };

  test("are kept until another store has trained with them", async () => {
    const embedder = embedderFor("cosine");
    const file = await temporaryFile();
    const vectors = await Promise.all(QUESTIONS.slice(0, 20).map((question) => embedder.embedQuery(question)));
    const mixed = [...vectors, ...QUESTIONS.slice(20)];
    const store = await openStore(file, { embedder, codes: OOD, sampleQueries: mixed });
    expect(rows(file)).toBe(0);
    await store.add(items(10));
    expect(rows(file)).toBe(60);
    expect((await store.verify()).problems).toEqual([]);
    await store.close();
    const other = await openStore(file, { embedder });
    await other.add(items(4086, 10));
    expect(rows(file)).toBe(0);
    expect(await other.stats()).toMatchObject({ codes: OOD, codebook: "own", pending: 0 });
    expect((await other.verify()).problems).toEqual([]);
  }, 60_000);

  test("missing for a new store: nothing is embedded or written", async () => {
    const embedder = fakeEmbedder({ dims: DIMS });
    const file = await temporaryFile();
    const store = await openStore(file, { embedder, codes: OOD });
    const refused = store.add(items(3));
    await expect(refused).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    await expect(refused).rejects.toThrow(/sampleQueries/);
    expect(embedder.calls).toBe(0);
    expect(await store.stats()).toMatchObject({ passages: 0, codebook: "none" });
    await store.close();
    const again = await openStore(file, { embedder, codes: OOD, sampleQueries: QUESTIONS });
    expect(await again.add(items(3))).toMatchObject({ added: 3 });
  });

  test("of other dims, or for codes that need none, are refused", async () => {
    const embedder = fakeEmbedder({ dims: DIMS });
    const wrong = [...QUESTIONS.slice(0, 20), [1, 2, 3]];
    const store = await openStore(await temporaryFile(), { embedder, codes: OOD, sampleQueries: wrong });
    await expect(store.add(items(3))).rejects.toMatchObject({
      code: "DIMENSION_MISMATCH",
      message: expect.stringContaining("sampleQueries[20]"),
    });
    expect(await store.count()).toBe(0);
    const useless = VectorStore.open(await temporaryFile(), { embedder, sampleQueries: QUESTIONS });
    await expect(useless).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });
});

test("leanvec of more dims than the model has is refused once they are known, and nothing is written", async () => {
  const codes: Codes = { leanvec: { dims: DIMS + 1, primary: "lvq8", training: "pca" } };
  for (const tellsDims of [true, false]) {
    const embedder = fakeEmbedder({ dims: DIMS, tellsDims });
    const store = await openStore(await temporaryFile(), { embedder, codes });
    const refused = store.add(items(3));
    await expect(refused).rejects.toMatchObject({ name: "RangeError", code: "INVALID_ARGUMENT" });
    await expect(refused).rejects.toThrow(/at most 48.*codes\.leanvec\.dims.*49/);
    expect(await store.stats()).toMatchObject({ dims: undefined, codebook: "none" });
  }
  const fitting: Codes = { leanvec: { dims: DIMS, primary: "lvq8", training: "pca" } };
  const store = await openStore(await temporaryFile(), { embedder: fakeEmbedder({ dims: DIMS }), codes: fitting });
  expect(await store.add(items(3))).toMatchObject({ added: 3 });
});

test("the shipped codebook is for the codes that it was trained for, and no others", async () => {
  let loads = 0;
  const codebook = {
    sha256: "00".repeat(32),
    load: async () => {
      loads++;
      return new Uint8Array();
    },
  };
  for (const codes of [{ bytes: 24 }, "lvq8"] as Codes[]) {
    const store = await openStore(await temporaryFile(), { embedder: fakeEmbedder({ codebook }), codes });
    await store.add(items(3));
    expect(await store.stats()).toMatchObject({ codebook: "pending", codes });
  }
  const store = await openStore(await temporaryFile(), { embedder: fakeEmbedder({ codebook }), metric: "ip" });
  await store.add(items(3));
  expect(loads).toBe(0);
});

describe("what a store is", () => {
  const embedder = fakeEmbedder();
  const asked = { codes: { bytes: 96 }, vectors: "float16" } as const;

  test("stays as it was made, and options left out are the store's own", async () => {
    const file = await temporaryFile();
    const store = await openStore(file, { embedder, ...asked });
    expect(await store.stats()).toMatchObject(asked);
    await store.add(items(3));
    for (const options of [{}, asked, { codes: { bytes: 96 } } as const]) {
      const same = await openStore(file, { embedder, ...options });
      expect(await same.stats()).toMatchObject(asked);
    }
  });

  test.each([
    [{ codes: "lvq8" }, /has codes \{"bytes":96\}, but "lvq8" was given\. It is fixed/],
    [{ codes: { bytes: 48 } }, /but \{"bytes":48\} was given/],
    [{ vectors: "recompute" }, /has vectors "float16", but "recompute" was given\. It is fixed/],
    [{ vectors: "float32" }, /but "float32" was given/],
  ] as [OpenOptions, RegExp][])("refuses %j for a store that has others", async (options, message) => {
    const file = await temporaryFile();
    const store = await openStore(file, { embedder, ...asked });
    await store.add(items(3));
    const refused = VectorStore.open(file, { embedder, ...options });
    await expect(refused).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    await expect(refused).rejects.toThrow(message);
  });

  test("is settled by whoever adds first; another store that asked for something else is told", async () => {
    const file = await temporaryFile();
    const [first, easy, other] = [
      await openStore(file, { embedder, ...asked, metric: "ip" }),
      await openStore(file, { embedder }),
      await openStore(file, { embedder, vectors: "float32" }),
    ];
    await first.add(items(3));
    expect(await easy.add(items(3, 3))).toMatchObject({ added: 3 });
    expect(easy.metric).toBe("ip");
    await expect(other.add(items(3, 6))).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    expect((await first.search(texts(1, 5)[0]!, { k: 1, explain: true })).hits[0]).toMatchObject({
      id: "p5",
      explain: { source: "kept" },
    });
    expect((await easy.verify()).problems).toEqual([]);
  });

  test("does not mix when two stores are told at the same time", async () => {
    for (const [a, b] of [
      [{ vectors: "float16" }, { vectors: "float32" }],
      [{ codes: "lvq8" }, { codes: "lvq4" }],
      [{ metric: "ip" }, { metric: "l2" }],
      [{ vectors: "float16" }, {}],
      [{}, { vectors: "lvq8", codes: "lvq8", metric: "ip" }],
    ] as [OpenOptions, OpenOptions][]) {
      const file = await temporaryFile();
      // Both know what the store will be before either of them has written it.
      const stores = [
        await openStore(file, { embedder: fakeEmbedder({ delayMs: 20 }), ...a }),
        await openStore(file, { embedder: fakeEmbedder({ delayMs: 20 }), ...b }),
      ];
      const outcomes = await Promise.allSettled(stores.map((store, i) => store.add(items(70, 70 * i))));
      const added = outcomes.filter(({ status }) => status === "fulfilled").length;
      expect(added).toBeGreaterThanOrEqual(1);
      for (const outcome of outcomes) {
        if (outcome.status === "rejected") expect(outcome.reason.code).toMatch(/INVALID_ARGUMENT|METRIC_MISMATCH/);
      }
      const reader = await openStore(file, { embedder });
      expect(await reader.count()).toBe(70 * added);
      expect((await reader.verify()).problems).toEqual([]);
      expect((await reader.search(texts(1, 3)[0]!)).hits.length).toBe(10);
    }
  });
});
