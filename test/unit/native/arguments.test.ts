// The binding itself, past all friendly checks: whatever comes in, a coded error goes out and the process lives.
import { beforeAll, describe, expect, it } from "vitest";
import type { NativeCoder, NativeIndex, NativeSearch } from "../../../src/native/surface.js";
import { addon, caught, codebook, dims, filledIndex, vectors } from "./corpus.js";

type AnyFunction = (...args: unknown[]) => unknown;

const nonsense: [string, unknown][] = [
  ["undefined", undefined],
  ["null", null],
  ["true", true],
  ["a number", 2.5],
  ["NaN", Number.NaN],
  ["a bigint", 3n],
  ["a string", "x"],
  ["a long string", "x".repeat(10_000)],
  ["a symbol", Symbol("x")],
  ["a function", () => 1],
  ["an array", [1, 2]],
  ["an object", {}],
  ["a Float64Array", new Float64Array(dims)],
  ["a Uint8ClampedArray", new Uint8ClampedArray(8)],
  ["an Int8Array", new Int8Array(8)],
  ["a DataView", new DataView(new ArrayBuffer(8))],
  ["an ArrayBuffer", new ArrayBuffer(8)],
  ["a Proxy of a typed array", new Proxy(new Float32Array(dims), {})],
  ["a detached Float32Array", detached(new Float32Array(dims))],
  ["a detached Uint8Array", detached(new Uint8Array(64))],
  ["a detached Uint32Array", detached(new Uint32Array(64))],
];

let coder: NativeCoder;
let index: NativeIndex;
let search: NativeSearch;
let good: Record<string, unknown[]>;
let functions: Record<string, AnyFunction>;

beforeAll(async () => {
  coder = await codebook();
  index = (await filledIndex(coder, 100)).index;
  const options = { k: 10, recall: 0.95, batch: 8, cap: 64, pool: 400 };
  search = await index.search(vectors(1), options);
  const rows = await coder.encode(vectors(2));
  good = {
    trainCodebook: [vectors(30), { dims, metric: "cosine", code: { bytes: 2 } }],
    loadCodebook: [coder.save()],
    createVectorCoder: ["lvq8", dims, "ip"],
    createIndex: [coder],
    score: ["ip", vectors(1), vectors(1, 2)],
    forceInstructionSet: [undefined],
    timeScan: [index, vectors(1), { pool: 10, rounds: 1 }],
    encode: [vectors(2)],
    decode: [rows.rows, rows.exceptions],
    publish: [{ rows }],
    vectors: [Uint32Array.of(0, 99)],
    search: [vectors(1), options],
    raise: [0.9],
    feed: [search.wants(), new Float32Array(search.wants().length * dims).fill(1), new Uint32Array()],
  };
  const own = Object.fromEntries(
    Object.entries(addon)
      .filter(([name]) => name in good)
      .map(([name, f]) => [name, f as AnyFunction]),
  );
  const of = <T extends object>(object: T, name: keyof T) => (object[name] as unknown as AnyFunction).bind(object);
  functions = {
    ...own,
    encode: of(coder, "encode"),
    decode: of(coder, "decode"),
    publish: of(index, "publish"),
    vectors: of(index, "vectors"),
    search: of(index, "search"),
    feed: of(search, "feed"),
  };
});

const names = [
  "trainCodebook",
  "loadCodebook",
  "createVectorCoder",
  "createIndex",
  "score",
  "forceInstructionSet",
  "timeScan",
  "encode",
  "decode",
  "publish",
  "vectors",
  "search",
  "feed",
];
const leanvec = { dims: 8, primary: "lvq4", training: "pca" };
const wrongCodes: unknown[] = [
  null,
  48,
  "",
  "lvq",
  "LVQ4",
  "lvq8x4",
  "int8",
  [],
  {},
  () => 1,
  ...[0, 256, 1.5, -1, Number.NaN, "48", null, [48]].map((bytes) => ({ bytes })),
  { bytes: 48, leanvec },
  ...[null, "lvq4", 3, {}].map((wrong) => ({ leanvec: wrong })),
  ...[0, -1, dims + 1, 1.5, "8", undefined].map((wrong) => ({ leanvec: { ...leanvec, dims: wrong } })),
  ...["lvq4x8", "lvq", "", 4, null, undefined].map((wrong) => ({ leanvec: { ...leanvec, primary: wrong } })),
  ...["PCA", "", 1, null, undefined].map((wrong) => ({ leanvec: { ...leanvec, training: wrong } })),
  // Fitted to queries, and none are given.
  { leanvec: { ...leanvec, training: "ood" } },
];
const asynchronous = new Set(["trainCodebook", "timeScan", "encode", "search"]);
const optional = new Set(["forceInstructionSet undefined"]);

describe.each(names)("%s", (name) => {
  it("refuses every wrong value in every place", async () => {
    for (const place of good[name]!.keys()) {
      for (const [what, value] of nonsense) {
        // An object is a legal change: it publishes nothing.
        if (optional.has(`${name} ${what}`) || (name === "publish" && isPlainChange(value))) continue;
        const failure = await failureOf(name, good[name]!.with(place, value));
        expect(failure, `${name}, argument ${place}: ${what}`).toMatchObject({
          message: expect.stringMatching(/^Expected .*\.$/),
        });
        expect(failure, `${name}, argument ${place}: ${what}`).toHaveProperty("code", "INVALID_ARGUMENT");
      }
    }
  });

  it("refuses missing arguments", async () => {
    if (name === "forceInstructionSet") return;
    expect(await failureOf(name, [])).toMatchObject({ code: "INVALID_ARGUMENT" });
  });
});

describe("options", () => {
  const cases: [string, string, unknown[]][] = [
    ["search", "k", [0, -1, 2.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31, "10", null, undefined, [10]]],
    ["search", "recall", [0, -0.5, 1.01, Number.NaN, Number.POSITIVE_INFINITY, "1", null]],
    ["search", "leastChance", [0, -0.5, 1.01, Number.NaN, Number.POSITIVE_INFINITY, "1", null]],
    ["search", "batch", [0, -1, 0.5, 2 ** 40, "8", null]],
    ["search", "cap", [-1, 1.5, 2 ** 31, "8", undefined]],
    ["search", "pool", [0, -5, 2 ** 31, "8", undefined]],
    ["search", "scores", ["", "EXACT", "fast", null, 1, true]],
    ["search", "sigmaScale", [0, -1, Number.NaN, Number.POSITIVE_INFINITY, 1001, "1", null]],
    ["search", "threads", [0, -1, 257, 1.5, "2"]],
    ["search", "filter", [null, [1], new Float32Array(4), detached(new Uint8Array(13))]],
    ["search", "stop", [null, {}, true, () => true]],
    ["trainCodebook", "dims", [0, -1, 1.5, 1e9, dims + 1, "24", undefined]],
    ["trainCodebook", "metric", ["", "COSINE", "dot", 0, null, undefined]],
    ["trainCodebook", "code", wrongCodes],
    ["trainCodebook", "queries", [null, [1], "x", vectors(2), new Float32Array(), new Float32Array(dims + 1)]],
    ["trainCodebook", "seed", [-1, 1.5, 2 ** 53, "5"]],
    ["trainCodebook", "threads", [0, 257, "2"]],
    ["trainCodebook", "stop", [null, {}, 1]],
    ["timeScan", "pool", [0, -1, "8", undefined]],
    ["timeScan", "rounds", [0, 1.5, undefined]],
    [
      "publish",
      "rows",
      [null, 3, {}, { rows: new Uint8Array(5), exceptions: new Uint8Array() }, { rows: new Uint8Array() }],
    ],
    ["publish", "dead", [null, [1], new Uint8Array(4), Uint32Array.of(2 ** 32 - 1)]],
  ];

  it.each(cases)("%s refuses a wrong %s", async (name, key, values) => {
    const place = good[name]!.length - 1;
    for (const value of values) {
      const options = { ...(good[name]![place] as object), [key]: value };
      const failure = await failureOf(name, good[name]!.with(place, options));
      expect(failure, `${key}, value ${values.indexOf(value)}`).toMatchObject({ code: "INVALID_ARGUMENT" });
    }
  });

  it("passes on what a getter throws", async () => {
    const thrown = new Error("from a getter");
    const options = {
      get k(): number {
        throw thrown;
      },
    };
    expect(await failureOf("search", [vectors(1), options])).toBe(thrown);
  });

  it("passes on what a revoked Proxy throws", async () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    expect(await failureOf("search", [vectors(1), proxy])).toMatchObject({
      message: expect.stringContaining("revoked"),
    });
    expect(await failureOf("publish", [proxy])).toMatchObject({ message: expect.stringContaining("revoked") });
    expect(await failureOf("createIndex", [proxy])).toMatchObject({ code: "INVALID_ARGUMENT" });
  });

  it("a getter that detaches the query is noticed", async () => {
    const query = vectors(1);
    const options = {
      ...(good["search"]![1] as object),
      get stop() {
        structuredClone(query, { transfer: [query.buffer as ArrayBuffer] });
        return undefined;
      },
    };
    expect(await failureOf("search", [query, options])).toMatchObject({ code: "INVALID_ARGUMENT" });
  });
});

describe("sample queries", () => {
  const code = { leanvec: { ...leanvec, training: "ood" } };

  it("are taken where a code is fitted to them", async () => {
    const options = { dims, metric: "ip" as const, code: code as never, queries: vectors(5, 3) };
    expect(await addon.trainCodebook(vectors(30), options)).toMatchObject({ kind: "leanvec", dims });
  });

  it("must be whole finite vectors", async () => {
    const broken = vectors(5, 3);
    broken[7] = Number.NaN;
    const wrong: [unknown, string][] = [
      [new Float32Array(), "INVALID_ARGUMENT"],
      [new Float32Array(dims + 1), "INVALID_ARGUMENT"],
      [[1, 2], "INVALID_ARGUMENT"],
      [null, "INVALID_ARGUMENT"],
      [detached(new Float32Array(dims)), "INVALID_ARGUMENT"],
      [broken, "INVALID_VECTOR"],
    ];
    for (const [queries, expected] of wrong) {
      const options = { dims, metric: "ip", code, queries };
      expect(await failureOf("trainCodebook", [vectors(30), options])).toMatchObject({ code: expected });
    }
  });
});

describe("sizes and contents", () => {
  it("vectors of another length are refused", async () => {
    for (const length of [0, 1, dims - 1, dims + 1, 2 * dims]) {
      expect(await failureOf("search", [new Float32Array(length), good["search"]![1]])).toBeInstanceOf(RangeError);
      expect(await failureOf("timeScan", [index, new Float32Array(length), good["timeScan"]![2]])).toBeInstanceOf(
        RangeError,
      );
    }
    expect(await failureOf("encode", [new Float32Array(dims + 1)])).toBeInstanceOf(RangeError);
    expect(await failureOf("score", ["ip", vectors(1), vectors(2)])).toBeInstanceOf(RangeError);
    expect(await failureOf("score", ["ip", new Float32Array(), new Float32Array()])).toBeInstanceOf(RangeError);
  });

  it("queries without meaning are INVALID_VECTOR", async () => {
    for (const value of [Number.NaN, Number.NEGATIVE_INFINITY]) {
      const query = vectors(1);
      query[3] = value;
      expect(await failureOf("search", [query, good["search"]![1]])).toMatchObject({ code: "INVALID_VECTOR" });
      expect(await failureOf("score", ["ip", query, vectors(1)])).toMatchObject({ code: "INVALID_VECTOR" });
    }
    expect(await failureOf("search", [new Float32Array(dims), good["search"]![1]])).toMatchObject({
      code: "INVALID_VECTOR",
    });
  });

  it("exceptions that fit no row are refused", async () => {
    const entry = (row: number, factor: number, zero: number, value: number) => {
      const bytes = new DataView(new ArrayBuffer(8));
      bytes.setUint16(0, row, true);
      bytes.setUint8(2, factor);
      bytes.setUint8(3, zero);
      bytes.setFloat32(4, value, true);
      return new Uint8Array(bytes.buffer);
    };
    const { rows } = await coder.encode(vectors(2));
    const before = index.count;
    const bad = [
      entry(2, 0, 0, 1),
      entry(0, 3, 0, 1),
      entry(0, 0, 1, 1),
      entry(0, 0, 0, Number.NaN),
      new Uint8Array(7),
    ];
    for (const exceptions of bad) {
      expect(await failureOf("publish", [{ rows: { rows, exceptions } }])).toBeInstanceOf(Error);
      expect(await failureOf("decode", [rows, exceptions])).toBeInstanceOf(Error);
    }
    expect(index.count).toBe(before);
  });

  it("shared memory is taken", async () => {
    const shared = new Float32Array(new SharedArrayBuffer(4 * dims));
    shared.set(vectors(1, 9));
    const one = await index.search(shared as Float32Array, good["search"]![1] as never);
    const other = await index.search(vectors(1, 9), good["search"]![1] as never);
    expect(one.result()).toEqual(other.result());
  });

  it("enormous k, cap and pool cost nothing", async () => {
    const most = 2 ** 31 - 1;
    const options = { k: most, batch: most, cap: most, pool: most };
    const found = await index.search(vectors(1), options);
    expect(found.wants()).toHaveLength(index.live);
  });
});

describe("objects", () => {
  it("only the addon makes coders, indexes and searches", () => {
    for (const object of [coder, index, search]) {
      const Class = object.constructor as new () => unknown;
      expect(() => new Class()).toThrow(TypeError);
      expect(() => (Class as unknown as AnyFunction)()).toThrow(TypeError);
    }
    expect(() => (addon.StopFlag as unknown as AnyFunction)()).toThrow(TypeError);
  });

  it("an object of another class is refused everywhere", async () => {
    const objects = [coder, index, search, new addon.StopFlag()];
    for (const wrong of objects) {
      if (wrong !== coder) expect(await failureOf("createIndex", [wrong])).toBeInstanceOf(TypeError);
      if (wrong !== index)
        expect(await failureOf("timeScan", good["timeScan"]!.with(0, wrong))).toBeInstanceOf(TypeError);
      if (wrong === objects[3]) continue;
      const options = { ...(good["search"]![1] as object), stop: wrong };
      expect(await failureOf("search", [vectors(1), options])).toBeInstanceOf(TypeError);
    }
  });

  it("methods and getters borrowed for other objects throw", async () => {
    const objects: object[] = [coder, index, search, new addon.StopFlag(), {}, [], new Proxy(index, {})];
    for (const owner of [coder, index, search, new addon.StopFlag()]) {
      const prototype = Object.getPrototypeOf(owner) as object;
      for (const [name, member] of Object.entries(Object.getOwnPropertyDescriptors(prototype))) {
        if (name === "constructor") continue;
        const borrowed = (member.get ?? member.value) as AnyFunction;
        for (const object of [...objects, undefined, 3]) {
          if (object === owner || (object instanceof addon.StopFlag && owner instanceof addon.StopFlag)) continue;
          const failure = await settle(() => borrowed.call(object, good[name]?.[0], good[name]?.[1]));
          expect(failure, `${name} of ${owner.constructor.name}`).toBeInstanceOf(TypeError);
        }
      }
    }
  });

  it("StopFlag may be subclassed", async () => {
    class Mine extends addon.StopFlag {}
    const stop = new Mine();
    stop.stop();
    expect(await failureOf("search", [vectors(1), { ...(good["search"]![1] as object), stop }])).toMatchObject({
      code: "ABORTED",
    });
  });
});

async function failureOf(name: string, args: unknown[]): Promise<unknown> {
  const call = functions[name]!;
  if (!asynchronous.has(name)) return settle(() => call(...args));
  // Functions with promises reject; they never throw.
  const promise = call(...args) as Promise<unknown>;
  return settle(() => promise);
}

/** What `f` throws or rejects with; fails if it does neither. */
async function settle(f: () => unknown): Promise<unknown> {
  try {
    await f();
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}

function isPlainChange(value: unknown): boolean {
  return typeof value === "object" && value !== null;
}

function detached<T extends ArrayBufferView>(array: T): T {
  structuredClone(array.buffer, { transfer: [array.buffer as ArrayBuffer] });
  return array;
}

describe("memory and sizes that only a caller past all checks would pass", () => {
  it("rows in shared memory are published whatever is said of their release", async () => {
    const plain = addon.createVectorCoder("int8", dims, "cosine");
    const { rows, exceptions } = await plain.encode(vectors(3));
    const shared = new Uint8Array(new SharedArrayBuffer(rows.length));
    shared.set(rows);
    const store = addon.createIndex(plain);
    store.publish({ rows: { rows: shared, exceptions }, release: true });
    expect(store.count).toBe(3);
  });

  it("rows that say nothing have no vectors", () => {
    const nothing = addon.createIndex(addon.createEmptyCoder(dims, "ip"));
    nothing.publish({ nodes: 2 });
    const error = caught(() => nothing.vectors(Uint32Array.of(0)));
    expect(error).toMatchObject({ code: "INVALID_ARGUMENT", message: expect.stringContaining("none") });
  });

  it("what nothing can stop has an end", async () => {
    expect(caught(() => index.vectors(new Uint32Array(65_537)))).toMatchObject({ code: "LIMIT" });
    const endless = addon.timeScan(index, vectors(1), { pool: 1, rounds: 10_001 });
    await expect(endless).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });
});
