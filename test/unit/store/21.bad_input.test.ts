import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { DatabaseSync } from "@photostructure/sqlite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { VectorStore } from "../../../src/index.js";
import { fakeEmbedder } from "../../support/fake_embedder.js";
import { items, openStore, temporaryFile, texts } from "../../support/store.js";

/** One clear sentence, or two: no stack, no line break, nothing of JavaScript's insides. */
const SENTENCE = /^[A-Z/].{15,400}[.?)]$/s;

async function failure(attempt: () => unknown): Promise<Error & { code?: string }> {
  try {
    await attempt();
  } catch (error) {
    return error as Error;
  }
  throw new Error("it was accepted");
}

describe("arguments", () => {
  let store: VectorStore;
  let before: unknown;
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "embedless-test-"));
    store = await VectorStore.open(path.join(folder, "store.db"), { embedder: fakeEmbedder() });
    await store.add(items(30));
    before = await state();
  });
  afterAll(async () => {
    await store.close();
    await rm(folder, { recursive: true });
  });

  async function state() {
    const listed = [];
    for await (const passage of store.passages()) listed.push(passage);
    return { listed, hits: (await store.search(texts(1)[0]!)).hits };
  }

  const anything = (value: unknown) => value as never;
  const cases: [string, () => unknown, string, string][] = [
    ["empty text", () => store.add([{ text: "" }]), "INVALID_TEXT", "items[0].text"],
    ["blank text", () => store.add([{ text: "a" }, { text: " \n\t" }]), "INVALID_TEXT", "items[1].text"],
    ["text that is no string", () => store.add([{ text: anything(7) }]), "INVALID_TEXT", "items[0].text"],
    ["item that is no object", () => store.add([anything("text")]), "INVALID_ARGUMENT", "items[0]"],
    ["misspelt item key", () => store.add([anything({ text: "a", meta: {} })]), "INVALID_ARGUMENT", "meta"],
    ["items that are no list", () => store.add(anything(5)), "INVALID_ARGUMENT", "items"],
    ["items that are a string", () => store.add(anything("abc")), "INVALID_ARGUMENT", "items"],
    ["empty id", () => store.add([{ id: "", text: "a" }]), "INVALID_ID", "items[0].id"],
    ["id that is a number", () => store.add([{ id: anything(3), text: "a" }]), "INVALID_ID", "items[0].id"],
    ["id of 1,025 bytes", () => store.add([{ id: "x".repeat(1025), text: "a" }]), "INVALID_ID", "items[0].id"],
    ["id with a lone surrogate", () => store.add([{ id: "\ud800", text: "a" }]), "INVALID_ID", "items[0].id"],
    [
      "metadata that is a list",
      () => store.add([{ text: "a", metadata: anything([]) }]),
      "INVALID_ARGUMENT",
      "items[0].metadata",
    ],
    [
      "metadata with a bigint",
      () => store.add([{ text: "a", metadata: { n: 1n } }]),
      "INVALID_ARGUMENT",
      "items[0].metadata.n",
    ],
    ["vector with NaN", () => store.add([{ text: "a", vector: [Number.NaN] }]), "INVALID_VECTOR", "items[0].vector[0]"],
    [
      "vector of other dims",
      () => store.add([{ text: "a", vector: [1, 2, 3] }]),
      "DIMENSION_MISMATCH",
      "items[0].vector",
    ],
    [
      "vector of zeros",
      () => store.add([{ text: "a", vector: new Float32Array(64) }]),
      "INVALID_VECTOR",
      "items[0].vector",
    ],
    [
      "progress that is no function",
      () => store.add([], { onProgress: anything(1) }),
      "INVALID_ARGUMENT",
      "onProgress",
    ],
    ["k of 0", () => store.search("a", { k: 0 }), "INVALID_ARGUMENT", "k"],
    ["k of -1", () => store.search("a", { k: -1 }), "INVALID_ARGUMENT", "k"],
    ["k of 2.5", () => store.search("a", { k: 2.5 }), "INVALID_ARGUMENT", "k"],
    ["k of NaN", () => store.search("a", { k: Number.NaN }), "INVALID_ARGUMENT", "k"],
    ["k as a string", () => store.search("a", { k: anything("3") }), "INVALID_ARGUMENT", "k"],
    ["k beyond what can be counted", () => store.search("a", { k: 2 ** 31 }), "INVALID_ARGUMENT", "k"],
    ["recall of 1", () => store.search("a", { recall: 1 }), "INVALID_ARGUMENT", "recall"],
    ["misspelt option", () => store.search("a", anything({ recal: 0.9 })), "INVALID_ARGUMENT", '"recall"'],
    ["unknown option", () => store.search("a", anything({ where: {} })), "INVALID_ARGUMENT", "where"],
    ["recompute of -1", () => store.search("a", { recompute: anything(-1) }), "INVALID_ARGUMENT", "recompute"],
    ["recompute of true", () => store.search("a", { recompute: anything(true) }), "INVALID_ARGUMENT", "recompute"],
    ["recompute.max of 0", () => store.search("a", { recompute: { max: 0 } }), "INVALID_ARGUMENT", "recompute: 0"],
    [
      "recompute: 0 with a walk that embeds",
      () => store.search("a", { recompute: 0, walk: { mode: "exact" } }),
      "INVALID_ARGUMENT",
      'at least { max: 1 } with walk: { mode: "exact" }',
    ],
    ["recompute.max of 1.5", () => store.search("a", { recompute: { max: 1.5 } }), "INVALID_ARGUMENT", "recompute.max"],
    ["recompute.maxx", () => store.search("a", { recompute: anything({ maxx: 3 }) }), "INVALID_ARGUMENT", '"max"'],
    [
      "recompute.deadlineMs of -1",
      () => store.search("a", { recompute: { deadlineMs: -1 } }),
      "INVALID_ARGUMENT",
      "recompute.deadlineMs",
    ],
    [
      "recompute.deadlineMs as a string",
      () => store.search("a", { recompute: { deadlineMs: anything("50") } }),
      "INVALID_ARGUMENT",
      "recompute.deadlineMs",
    ],
    ["scores of fast", () => store.search("a", { scores: anything("fast") }), "INVALID_ARGUMENT", '"approx"'],
    ["signal that is none", () => store.search("a", { signal: anything({}) }), "INVALID_ARGUMENT", "signal"],
    ["empty question", () => store.search(""), "INVALID_TEXT", "query"],
    ["question that is an object", () => store.search(anything({})), "INVALID_VECTOR", "query"],
    ["question of other dims", () => store.search([1, 2]), "DIMENSION_MISMATCH", "query"],
    [
      "question with Infinity",
      () => store.search(new Array(64).fill(Number.POSITIVE_INFINITY)),
      "INVALID_VECTOR",
      "query[0]",
    ],
    ["question of zeros", () => store.search(new Float32Array(64)), "INVALID_VECTOR", "query"],
    ["ids that are a string", () => store.get(anything("p1")), "INVALID_ARGUMENT", "ids"],
    ["ids with a number", () => store.has(["p1", anything(2)]), "INVALID_ID", "ids[1]"],
    ["delete of nothing named", () => store.delete(anything({})), "INVALID_ARGUMENT", "what to delete"],
    [
      "delete of all and ids",
      () => store.delete(anything({ all: true, ids: [] })),
      "INVALID_ARGUMENT",
      "what to delete",
    ],
    ["delete with all: false", () => store.delete(anything({ all: false })), "INVALID_ARGUMENT", "what to delete"],
  ];
  test.each(cases)("%s", async (_, attempt, code, names) => {
    const error = await failure(attempt);
    expect(error.code).toBe(code);
    expect(error.message).toContain(names);
    expect(error.message).toMatch(SENTENCE);
    expect(await state()).toEqual(before);
  });
});

const LEANVEC = { dims: 20, primary: "lvq8", training: "pca" };

describe("opening", () => {
  const embedder = fakeEmbedder();
  test.each([
    ["a missing file", async () => temporaryFile(), { create: false }, "NOT_FOUND"],
    ["a missing file to read", async () => temporaryFile(), { readOnly: true }, "NOT_FOUND"],
    ["a missing folder", async () => path.join(await temporaryFile("nowhere"), "store.db"), {}, "NOT_FOUND"],
    [
      "a folder",
      async () => {
        const at = await temporaryFile();
        await mkdir(at);
        return at;
      },
      {},
      "IO",
    ],
    [
      "a text file",
      async () => {
        const at = await temporaryFile();
        await writeFile(at, "x".repeat(5000));
        return at;
      },
      {},
      "NOT_A_STORE",
    ],
    [
      "another program's database",
      async () => {
        const at = await temporaryFile();
        const database = new DatabaseSync(at);
        database.exec("CREATE TABLE songs (title TEXT)");
        database.close();
        return at;
      },
      {},
      "NOT_A_STORE",
    ],
    [
      "a store of a newer format",
      async () => {
        const at = await temporaryFile();
        await (await VectorStore.open(at, { embedder })).close();
        const database = new DatabaseSync(at);
        database.exec("PRAGMA user_version = 99");
        database.close();
        return at;
      },
      {},
      "FORMAT_VERSION",
    ],
  ] as const)("%s", async (_, make, options, code) => {
    const file = await make();
    const error = await failure(() => VectorStore.open(file, { embedder, ...options }));
    expect(error.code).toBe(code);
    expect(error.message).toMatch(SENTENCE);
    expect(error.message).toContain(path.dirname(file));
  });

  test.each([
    ["no path", "", {}, "path"],
    ["a database in memory", ":memory:", {}, "path"],
    ["a URI", "file:store.db?mode=memory", {}, "path"],
    ["misspelt option", "x.db", { embeder: embedder }, '"embedder"'],
    ["unknown metric", "x.db", { metric: "euclid" }, "metric"],
    ["embedder that is none", "x.db", { embedder: {} }, "embedder"],
    ["misspelt codes", "x.db", { codes: "lqv8" }, '"lqv8"'],
    ["codes as a number", "x.db", { codes: 48 }, "codes"],
    ["codes of nothing", "x.db", { codes: {} }, "bytes or leanvec"],
    ["codes of two kinds", "x.db", { codes: { bytes: 48, leanvec: {} } }, "bytes or leanvec"],
    ["codes with a misspelt key", "x.db", { codes: { byte: 48 } }, 'Did you mean "bytes"'],
    ["code bytes that are not in the list", "x.db", { codes: { bytes: 50 } }, "24, 32, 48, 64, 96, 128, 192"],
    ["code bytes as a string", "x.db", { codes: { bytes: "48" } }, "codes.bytes"],
    ["leanvec of no dims", "x.db", { codes: { leanvec: { ...LEANVEC, dims: 0 } } }, "codes.leanvec.dims"],
    ["leanvec of half a dim", "x.db", { codes: { leanvec: { ...LEANVEC, dims: 1.5 } } }, "codes.leanvec.dims"],
    ["leanvec on another code", "x.db", { codes: { leanvec: { ...LEANVEC, primary: "pq" } } }, '"lvq4", "lvq8"'],
    ["leanvec trained otherwise", "x.db", { codes: { leanvec: { ...LEANVEC, training: "odd" } } }, '"pca", "ood"'],
    ["leanvec with a misspelt key", "x.db", { codes: { leanvec: { ...LEANVEC, dim: 3 } } }, 'Did you mean "dims"'],
    ["leanvec that is a list", "x.db", { codes: { leanvec: [] } }, "codes.leanvec"],
    ["misspelt vectors", "x.db", { vectors: "float-16" }, '"float16", "lvq8"'],
    ["vectors as true", "x.db", { vectors: true }, "vectors"],
    ["vectors kept elsewhere", "x.db", { vectors: "lvq8", vectorsIn: "disk" }, '"file", "memory"'],
    ["too few sample queries", "x.db", { sampleQueries: ["a"] }, "at least 16"],
    ["sample queries as a text", "x.db", { sampleQueries: "a" }, "sampleQueries"],
    ["negative timeout", "x.db", { lockTimeoutMs: -1 }, "lockTimeoutMs"],
  ])("%s", async (_, file, options, names) => {
    const error = await failure(() => VectorStore.open(file, options as never));
    expect(error).toMatchObject({ code: "INVALID_ARGUMENT", message: expect.stringContaining(names) });
    expect(error.message).toMatch(SENTENCE);
  });

  test.each([
    ["a sample query that is empty", { sampleQueries: new Array(16).fill("") }, "INVALID_TEXT", "sampleQueries[0]"],
    [
      "a sample query with a hole",
      { sampleQueries: [...new Array(15).fill([1]), [1, null]] },
      "INVALID_VECTOR",
      "sampleQueries[15][1]",
    ],
    ["sample queries that nothing needs", { sampleQueries: new Array(16).fill("a"), codes: "lvq8" }, "", "ood"],
    ["vectors in memory that are not kept", { vectorsIn: "memory", codes: undefined }, "", "vectorsIn"],
  ])("%s", async (_, options, code, names) => {
    const codes = { leanvec: { ...LEANVEC, training: "ood" } };
    const error = await failure(async () => VectorStore.open(await temporaryFile(), { codes, ...options } as never));
    expect(error).toMatchObject({ code: code || "INVALID_ARGUMENT", message: expect.stringContaining(names) });
    expect(error.message).toMatch(SENTENCE);
  });

  test("another metric or another embedder than the store's", async () => {
    const file = await temporaryFile();
    const store = await openStore(file, { embedder });
    await store.add(items(3));
    expect((await failure(() => VectorStore.open(file, { embedder, metric: "l2" }))).code).toBe("METRIC_MISMATCH");
    const other = await failure(() => VectorStore.open(file, { embedder: fakeEmbedder({ id: "other" }) }));
    expect(other).toMatchObject({ code: "MODEL_MISMATCH", message: expect.stringContaining("fake-64") });
  });
});

describe("embedders that misbehave in a search", () => {
  test.each([
    ["throws", { failAt: 3 }, "EMBEDDER_FAILED"],
    ["answers too few", { tooFewAt: 3 }, "EMBEDDER_OUTPUT"],
    ["answers other dims", { wrongDimsAt: 3 }, "EMBEDDER_OUTPUT"],
    ["answers NaN", { nanAt: 3 }, "EMBEDDER_OUTPUT"],
  ] as const)("%s: a coded error, and the next search works", async (_, fault, code) => {
    const file = await temporaryFile();
    const maker = await openStore(file, { embedder: fakeEmbedder() });
    await maker.add(items(100));
    // Calls 1 and 2 are the question and the canaries, 3 the first passages.
    const store = await openStore(file, { embedder: fakeEmbedder(fault) });
    const error = await failure(() => store.search("What does the river cross?"));
    expect(error.code).toBe(code);
    expect(error.message).toMatch(SENTENCE);
    expect((await store.search("What does the river cross?")).hits.length).toBe(10);
  });

  test("hangs: rejected when its time is up, and closing does not wait for it", async () => {
    const file = await temporaryFile();
    const maker = await openStore(file, { embedder: fakeEmbedder() });
    await maker.add(items(100));
    const store = await openStore(file, { embedder: fakeEmbedder({ hangAt: 3 }), embedTimeoutMs: 200 });
    const before = performance.now();
    const error = await failure(() => store.search("What does the river cross?"));
    expect(error.code).toBe("EMBEDDER_TIMEOUT");
    expect(performance.now() - before).toBeGreaterThanOrEqual(199);
    await store.close();
  });

  test("another model under the same name gives itself away before anything is answered", async () => {
    const file = await temporaryFile();
    const maker = await openStore(file, { embedder: fakeEmbedder() });
    await maker.add(items(100));
    const store = await openStore(file, { embedder: fakeEmbedder({ seed: 2 }) });
    const error = await failure(() => store.search("What does the river cross?"));
    expect(error).toMatchObject({ code: "MODEL_MISMATCH", message: expect.stringContaining("cosine") });
    await expect(store.add(items(1, 500))).rejects.toMatchObject({ code: "MODEL_MISMATCH" });
    expect(await store.count()).toBe(100);
  });
});

test("every method but close says CLOSED after close", async () => {
  const store = await openStore(await temporaryFile(), { embedder: fakeEmbedder() });
  await store.add(items(3));
  await store.close();
  await store.close();
  const calls: Record<string, () => Promise<unknown>> = {
    add: () => store.add(items(1)),
    search: () => store.search("a"),
    get: () => store.get(["p1"]),
    has: () => store.has(["p1"]),
    count: () => store.count(),
    passages: () => store.passages().next(),
    delete: () => store.delete({ all: true }),
    stats: () => store.stats(),
    verify: () => store.verify(),
    compact: () => store.compact(),
    backup: () => store.backup(`${store.path}.copy`),
  };
  for (const [name, call] of Object.entries(calls)) {
    expect((await failure(call)).code, name).toBe("CLOSED");
  }
});

test("closing stops what is running", async () => {
  const store = await openStore(await temporaryFile(), { embedder: fakeEmbedder({ delayMs: 50 }) });
  const adding = failure(() => store.add(items(2000)));
  await store.close();
  expect((await adding).code).toBe("ABORTED");
});
