// Input that no honest caller sends: each case gets a coded error, or the very error that its own getter threw, and the
// store is as it was. What is odd but allowed comes back as it went in.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Metadata, VectorStore } from "../../../src/index.js";
import { fakeEmbedder } from "../../support/fake_embedder.js";
import { items, openStore, temporaryFile, texts } from "../../support/store.js";

let store: VectorStore;
let folder: string;
let before: unknown;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "embedless-test-"));
  store = await VectorStore.open(path.join(folder, "store.db"), { embedder: fakeEmbedder() });
  await store.add(items(20));
  await store.records("notes").update(["p1"], { groups: ["a"] });
  before = await state();
});
afterAll(async () => {
  await store.close();
  await rm(folder, { recursive: true });
});

async function state() {
  const listed = [];
  for await (const passage of store.passages()) listed.push(passage);
  return { listed, keys: await store.records("notes").list(), ok: (await store.verify()).ok };
}

/** Thrown by the getters and traps of these cases. */
class Own extends Error {}
const own = (): never => {
  throw new Own("of the caller");
};

const any = (value: unknown) => value as never;
const throwing = (key: string, rest: object = {}) => Object.defineProperty(rest, key, { get: own, enumerable: true });
const trapped = (target: object) => new Proxy(target, { get: own, ownKeys: own, has: own });
const nested = (levels: number): object => (levels === 1 ? {} : { a: nested(levels - 1) });
const sparse = (length: number) => new Array(length);
const circular: Record<string, unknown> = {};
circular["self"] = { circular };

function detached(): Float32Array {
  const vector = new Float32Array(64).fill(1);
  structuredClone(vector.buffer, { transfer: [vector.buffer] });
  return vector;
}

const metadata = (value: unknown) => () => store.add([{ id: "new", text: "a", metadata: any(value) }]);
const vector = (value: unknown) => () => store.add([{ id: "new", text: "a", vector: any(value) }]);
const filter = (value: unknown) => () => store.search("a", { filter: any(value) });
const book = () => store.records("notes");

type Case = readonly [name: string, attempt: () => unknown, code: string];

const OF_ITEMS: readonly Case[] = [
  ["two items of one id", () => store.add([...items(3), ...items(1, 2)]), "INVALID_ID"],
  ["items with a hole", () => store.add(Object.assign(sparse(2), { 0: { text: "a" } })), "INVALID_ARGUMENT"],
  ["nothing but holes", () => store.add(sparse(2 ** 32 - 1)), "INVALID_ARGUMENT"],
  ["an item of null", () => store.add([any(null)]), "INVALID_ARGUMENT"],
  ["a text whose getter throws", () => store.add([any(throwing("text"))]), "own"],
  ["an id whose getter throws", () => store.add([any(throwing("id", { text: "a" }))]), "own"],
  ["a proxy that throws", () => store.add([any(trapped({ text: "a" }))]), "own"],
  ["items that are a proxy that throws", () => store.add(any(trapped([]))), "own"],
  ["an iterable that throws", () => store.add(any({ [Symbol.iterator]: own })), "own"],
  ["an iterable of no iterator", () => store.add(any({ [Symbol.iterator]: () => 5 })), "TypeError"],
  ["an id that turns into a string", () => store.add([{ id: any({ toString: () => "p1" }), text: "a" }]), "INVALID_ID"],
  ["a bigint as id", () => store.add([{ id: any(1n), text: "a" }]), "INVALID_ID"],
  ["an id with NUL", () => store.add([{ id: "p1\0", text: "a" }]), "INVALID_ID"],
  ["a symbol as text", () => store.add([{ text: any(Symbol("a")) }]), "INVALID_TEXT"],
  ["a text of more than 10 MB", () => store.add([{ text: "a".repeat(10 * 2 ** 20 + 1) }]), "LIMIT"],
  ["a text of white space and NUL's absence", () => store.add([{ text: "\u00a0\u2003" }]), "INVALID_TEXT"],
  ["options of null", () => store.add([{ text: "a" }], any(null)), "INVALID_ARGUMENT"],
  ["options whose getter throws", () => store.add([{ text: "a" }], any(throwing("signal"))), "own"],
];

const OF_METADATA: readonly Case[] = [
  ["33 levels", metadata(nested(33)), "LIMIT"],
  ["a hundred thousand levels", metadata(JSON.parse(`${'{"a":'.repeat(1e5)}1${"}".repeat(1e5)}`)), "LIMIT"],
  ["itself inside", metadata(circular), "INVALID_ARGUMENT"],
  ["more than 1 MB", metadata({ a: "x".repeat(2 ** 20) }), "LIMIT"],
  ["half a million keys", metadata(Object.fromEntries(Array.from({ length: 5e5 }, (_, i) => [i, i]))), "LIMIT"],
  ["NaN", metadata({ a: [Number.NaN] }), "INVALID_ARGUMENT"],
  ["a hole", metadata({ a: sparse(3) }), "INVALID_ARGUMENT"],
  ["nothing but holes", metadata({ a: sparse(2 ** 32 - 1) }), "INVALID_ARGUMENT"],
  ["a date", metadata({ a: new Date() }), "INVALID_ARGUMENT"],
  ["a map", metadata(new Map()), "INVALID_ARGUMENT"],
  ["a symbol", metadata({ a: Symbol("a") }), "INVALID_ARGUMENT"],
  ["a function", metadata({ a: own }), "INVALID_ARGUMENT"],
  [
    "a constructor that has no name",
    metadata({ a: Object.create({ constructor: { name: Symbol("a") } }) }),
    "INVALID_ARGUMENT",
  ],
  ["a getter that throws", metadata(throwing("a")), "own"],
  ["a proxy that throws", metadata({ a: trapped({}) }), "own"],
];

const OF_VECTORS: readonly Case[] = [
  ["holes", vector(sparse(64)), "INVALID_VECTOR"],
  ["four billion holes", vector(sparse(2 ** 32 - 1)), "DIMENSION_MISMATCH"],
  ["bigints", vector(new BigInt64Array(64).fill(1n)), "INVALID_VECTOR"],
  ["detached memory", vector(detached()), "INVALID_VECTOR"],
  ["a data view", vector(new DataView(new ArrayBuffer(256))), "INVALID_VECTOR"],
  ["strings", vector(new Array(64).fill("1")), "INVALID_VECTOR"],
  ["numbers beyond float32", vector(new Array(64).fill(1e300)), "INVALID_VECTOR"],
  ["a norm beyond all bounds", vector(new Array(64).fill(1e30)), "INVALID_VECTOR"],
  ["an object with a length", vector({ length: 64 }), "INVALID_VECTOR"],
  ["an element whose getter throws", vector(Object.defineProperty([1], 0, { get: own })), "own"],
  ["a question in detached memory", () => store.search(detached()), "INVALID_VECTOR"],
  ["a question of four billion holes", () => store.search(sparse(2 ** 32 - 1)), "DIMENSION_MISMATCH"],
];

const OF_QUESTIONS: readonly Case[] = [
  ["k of 2^31", () => store.search("a", { k: 2 ** 31 }), "INVALID_ARGUMENT"],
  ["k of Infinity", () => store.search("a", { k: Number.POSITIVE_INFINITY }), "INVALID_ARGUMENT"],
  ["a bigint as k", () => store.search("a", { k: any(3n) }), "INVALID_ARGUMENT"],
  ["k whose getter throws", () => store.search("a", any(throwing("k"))), "own"],
  ["options that are a list", () => store.search("a", any([])), "INVALID_ARGUMENT"],
  ["a question of more than 10 MB", () => store.search("a".repeat(10 * 2 ** 20 + 1)), "LIMIT"],
  [
    "a filter of 33 levels",
    filter(Array.from({ length: 33 }).reduce((inner) => ({ $not: inner }), { a: 1 })),
    "INVALID_FILTER",
  ],
  ["a filter of 100,000 terms", filter({ $or: Array.from({ length: 1e5 }, (_, i) => ({ a: i })) }), "INVALID_FILTER"],
  ["a filter of holes", filter({ $and: sparse(3) }), "INVALID_FILTER"],
  ["a filter of a value beyond all bounds", filter({ a: "x".repeat(2 ** 20 + 1) }), "INVALID_FILTER"],
  ["a filter with a path of NUL", filter({ "a\0b": 1 }), "INVALID_FILTER"],
  ["a filter of code", filter({ $where: "true" }), "INVALID_FILTER"],
  ["a filter of a regular expression", filter({ a: /x/ }), "INVALID_FILTER"],
  ["a filter whose getter throws", filter(throwing("a")), "own"],
  ["a filter of NaN", filter({ a: { $gt: Number.NaN } }), "INVALID_FILTER"],
  ["a filter of null", filter(null), "INVALID_FILTER"],
  ["a test that throws", () => store.count(own), "own"],
];

const OF_LISTS: readonly Case[] = [
  ["get of holes", () => store.get(sparse(2)), "INVALID_ID"],
  ["has of four billion ids", () => store.has(sparse(2 ** 32 - 1)), "LIMIT"],
  ["delete of holes", () => store.delete({ ids: sparse(2) }), "INVALID_ID"],
  ["delete of an empty filter", () => store.delete({ filter: {} }), "INVALID_FILTER"],
  ["delete of null", () => store.delete(any(null)), "INVALID_ARGUMENT"],
  ["delete whose getter throws", () => store.delete(any(throwing("ids"))), "own"],
  ["count of a text", () => store.count(any("x")), "INVALID_FILTER"],
  ["passages of null", () => store.passages(any(null)).next(), "INVALID_ARGUMENT"],
  ["passages of a bigint", () => store.passages({ limit: any(3n) }).next(), "INVALID_ARGUMENT"],
  ["passages after a number", () => store.passages({ after: any(3) }).next(), "INVALID_ID"],
  ["passages after nobody", () => store.passages({ after: "nobody" }).next(), "NOT_FOUND"],
];

const OF_THE_REST: readonly Case[] = [
  ["stats of null", () => store.stats(any(null)), "INVALID_ARGUMENT"],
  ["stats of k = 0", () => store.stats({ k: 0 }), "INVALID_ARGUMENT"],
  ["verify of null", () => store.verify(any(null)), "INVALID_ARGUMENT"],
  ["verify with a misspelt key", () => store.verify(any({ sigal: 1 })), "INVALID_ARGUMENT"],
  ["verify with no signal", () => store.verify({ signal: any(5) }), "INVALID_ARGUMENT"],
  ["compact with no function", () => store.compact({ onProgress: any(5) }), "INVALID_ARGUMENT"],
  ["backup to a number", () => store.backup(any(5)), "INVALID_ARGUMENT"],
  ["backup to nothing", () => store.backup(""), "INVALID_ARGUMENT"],
  ["backup to NUL", () => store.backup("a\0b"), "INVALID_ARGUMENT"],
  ["backup onto itself", () => store.backup(store.path, { overwrite: true }), "INVALID_ARGUMENT"],
  ["opening a path with NUL", () => VectorStore.open("a\0b.db"), "INVALID_ARGUMENT"],
  ["opening with null", () => VectorStore.open("a.db", any(null)), "INVALID_ARGUMENT"],
  ["plan of null", () => VectorStore.plan(any(null)), "INVALID_ARGUMENT"],
  ["records of a number", () => store.records(any(5)), "INVALID_ID"],
  ["records: keys that are a text", () => book().update(any("p1")), "INVALID_ARGUMENT"],
  ["records: a key of holes", () => book().update(sparse(1)), "INVALID_ID"],
  ["records: update with a misspelt key", () => book().update(["k"], any({ group: ["a"] })), "INVALID_ARGUMENT"],
  ["records: groups of another length", () => book().update(["k"], { groups: [] }), "INVALID_ARGUMENT"],
  ["records: groups of four billion holes", () => book().list({ groups: sparse(2 ** 32 - 1) }), "INVALID_ARGUMENT"],
  ["records: groups of null", () => book().update(["k"], { groups: any(null) }), "INVALID_ARGUMENT"],
  ["records: a group that is a number", () => book().update(["k"], { groups: [any(5)] }), "INVALID_ID"],
  ["records: options of null", () => book().update(["k"], any(null)), "INVALID_ARGUMENT"],
  ["records: a time to come", () => book().update(["k"], { timeAtLeast: Date.now() + 1e9 }), "INVALID_ARGUMENT"],
  ["records: a time that is a text", () => book().update(["k"], { timeAtLeast: any("1") }), "INVALID_ARGUMENT"],
  ["records: exists of a number", () => book().exists([any(5)]), "INVALID_ID"],
  ["records: a range of null", () => book().list(any(null)), "INVALID_ARGUMENT"],
  ["records: a range of texts", () => book().list({ before: any("1") }), "INVALID_ARGUMENT"],
  ["records: groups that are no list", () => book().list({ groups: any("a") }), "INVALID_ARGUMENT"],
  ["records: a limit of -1", () => book().list({}, -1), "INVALID_ARGUMENT"],
  ["records: delete of a text", () => book().delete(any("p1")), "INVALID_ARGUMENT"],
];

describe.each([
  ["items", OF_ITEMS],
  ["metadata", OF_METADATA],
  ["vectors", OF_VECTORS],
  ["questions", OF_QUESTIONS],
  ["lists", OF_LISTS],
  ["the rest", OF_THE_REST],
])("%s", (_, cases) => {
  test.each(cases)("%s", async (_, attempt, code) => {
    const error = await Promise.resolve()
      .then(attempt)
      .then(
        () => "accepted",
        (thrown: unknown) => thrown,
      );
    if (code === "own") expect(error).toBeInstanceOf(Own);
    else if (code === "TypeError") expect(error).toBeInstanceOf(TypeError);
    else expect(error).toMatchObject({ code });
    expect(await state()).toEqual(before);
  });
});

describe("odd but allowed", () => {
  const KEYS = ["__proto__", "constructor", "prototype", "toString", "hasOwnProperty", "lc", "_node_content", "length"];

  test("keys of prototypes are data: they come back, can be filtered for, and pollute nothing", async () => {
    const odd = await openStore(await temporaryFile(), { embedder: fakeEmbedder() });
    const data = JSON.parse(`{${KEYS.map((key) => `"${key}":{"polluted":"${key}"}`).join(",")}}`) as Metadata;
    await odd.add(KEYS.map((id) => ({ id, text: `The passage ${id}.`, metadata: data })));
    expect(await odd.get(KEYS)).toEqual(KEYS.map((id) => ({ id, text: `The passage ${id}.`, metadata: data })));
    const [first] = await odd.get(["constructor"]);
    expect(Object.keys(first!.metadata!)).toEqual(KEYS);
    expect(Object.getPrototypeOf(first!.metadata)).toBe(Object.prototype);
    for (const key of KEYS) {
      expect(await odd.count({ [`${key}.polluted`]: key })).toBe(KEYS.length);
      expect(await odd.count({ [`other.${key}`]: { $exists: true } })).toBe(0);
    }
    expect(await odd.count(JSON.parse('{"__proto__":{"$exists":true}}'))).toBe(KEYS.length);
    expect(
      (await odd.search("The passage constructor.", { filter: { "toString.polluted": "toString" } })).hits,
    ).toHaveLength(8);
    expect(await odd.delete({ ids: ["__proto__"] })).toBe(1);
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
  });

  test("lone surrogates, NUL, a text of 10 MB, shared memory, proxies of what is right", async () => {
    const embedder = fakeEmbedder();
    const odd = await openStore(await temporaryFile(), { embedder });
    const large = `${"large text ".repeat(2 ** 20).slice(0, 10 * 2 ** 20 - 1)}.`;
    const given = [
      { id: "lone", text: "half \ud800 a pair" },
      { id: "nul", text: "before\0after" },
      { id: "large", text: large },
      new Proxy({ id: "proxy", text: "behind a proxy" }, {}),
    ];
    await odd.add(given);
    const read = await odd.get(["lone", "nul", "large", "proxy"]);
    expect(read.map((passage) => passage?.text)).toEqual([
      "half \ufffd a pair",
      "before\0after",
      large,
      "behind a proxy",
    ]);
    expect(embedder.texts).toContain("half \ufffd a pair");
    expect((await odd.search("half \udc00 a pair", { k: 1 })).hits[0]!.id).toBe("lone");
    const question = new Float32Array(new SharedArrayBuffer(256));
    question.set((await embedder.embedQuery("behind a proxy", {})) as Float32Array);
    expect((await odd.search(question, { k: 1 })).hits[0]!.id).toBe("proxy");
    expect(await odd.verify()).toMatchObject({ ok: true });
  }, 60_000);

  test("an array that changes while it is added counts as it was when it was read", async () => {
    const odd = await openStore(await temporaryFile(), { embedder: fakeEmbedder({ delayMs: 5 }) });
    const list = items(3);
    const adding = odd.add(list);
    list.length = 0;
    list.push({ id: "late", text: texts(1)[0]! });
    await adding;
    expect(await odd.has(["p0", "p1", "p2", "late"])).toEqual([true, true, true, false]);
  });
});
