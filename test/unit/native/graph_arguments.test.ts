// The graph part of the binding, past all friendly checks: whatever comes in, a coded error goes out.
import { beforeAll, describe, expect, it } from "vitest";
import type { NativeGraph, NativeIndex } from "../../../src/native/surface.js";
import { addon, dims, vectors } from "./corpus.js";
import { vectorIndex } from "./graphs.js";

type AnyFunction = (...args: unknown[]) => unknown;

let index: NativeIndex;
let graph: NativeGraph;
let good: Record<string, [AnyFunction, unknown[]]>;

beforeAll(async () => {
  index = await vectorIndex(vectors(200), "l2");
  graph = await addon.buildGraph(index, { kind: "vamana" });
  const of = <T extends object>(object: T, name: keyof T) => (object[name] as unknown as AnyFunction).bind(object);
  const search = { k: 10, eps: 0.5, batch: 8, cap: 64, pool: 400, mode: "guided", graph };
  good = {
    buildGraph: [of(addon, "buildGraph"), [index, { kind: "vamana" }]],
    hnsw: [of(addon, "buildGraph"), [index, { kind: "hnsw" }]],
    loadGraph: [of(addon, "loadGraph"), [await graph.save(), { lists: "flat" }]],
    createIndex: [of(addon, "createIndex"), [index.coder, { order: "walk" }]],
    createEmptyCoder: [of(addon, "createEmptyCoder"), [dims, "l2"]],
    extend: [of(graph, "extend"), [index, { threads: 1 }]],
    repair: [of(graph, "repair"), [index, { threads: 1 }]],
    renumber: [of(graph, "renumber"), [Uint32Array.from({ length: 200 }, (_, i) => i)]],
    thin: [of(graph, "thin"), [index, { degree: 8 }]],
    neighbors: [of(graph, "neighbors"), [0]],
    search: [of(index, "search"), [vectors(1), search]],
    nearest: [of(index, "nearest"), [vectors(1), { k: 5, graph }]],
  };
});

/** What a call throws or rejects with; undefined if it does neither. */
async function failureOf(name: string, args: unknown[]): Promise<unknown> {
  try {
    await good[name]![0](...args);
    return undefined;
  } catch (error) {
    return error;
  }
}

const nonsense: [string, unknown][] = [
  ["null", null],
  ["true", true],
  ["NaN", Number.NaN],
  ["a bigint", 3n],
  ["a string", "x"],
  ["a symbol", Symbol("x")],
  ["a function", () => 1],
  ["an array", [1, 2]],
  ["a Float64Array", new Float64Array(dims)],
  ["a StopFlag", new addon.StopFlag()],
];
const names = [
  "buildGraph",
  "loadGraph",
  "createIndex",
  "createEmptyCoder",
  "extend",
  "repair",
  "renumber",
  "thin",
  "neighbors",
  "nearest",
];

describe.each(names)("%s", (name) => {
  it("takes what is good", async () => {
    expect(await failureOf(name, good[name]![1])).toBeUndefined();
  });

  it("refuses every wrong value in every place", async () => {
    const args = good[name]![1];
    for (const place of args.keys()) {
      for (const [what, value] of nonsense) {
        // Objects without any option in them are legal where all options have defaults.
        const lenient =
          place > 0 && typeof value === "object" && value !== null && name !== "thin" && name !== "nearest";
        if (lenient && name !== "buildGraph" && name !== "createEmptyCoder") continue;
        const failure = await failureOf(name, args.with(place, value));
        expect(failure, `argument ${place}: ${what}`).toMatchObject({
          code: "INVALID_ARGUMENT",
          message: expect.stringMatching(/^Expected .*\.$/),
        });
      }
    }
    expect(await failureOf(name, [])).toMatchObject({ code: "INVALID_ARGUMENT" });
  });
});

describe("options", () => {
  const whole = (most: number, low = 1) => [low - 1, 1.5, Number.NaN, most + 1, "2", null];
  const cases: [string, string, unknown[]][] = [
    ["buildGraph", "kind", [undefined, "", "Vamana", 1, null]],
    ["buildGraph", "alpha", [0.99, 17, Number.NaN, "1.2", null]],
    ["buildGraph", "maxDegree", whole(255)],
    ["buildGraph", "buildWindow", whole(2 ** 20)],
    ["buildGraph", "maxCandidates", whole(2 ** 20)],
    ["buildGraph", "pruneTo", whole(32)],
    ["buildGraph", "fullSearchHistory", [0, 1, null, "true"]],
    ["buildGraph", "passes", whole(16)],
    ["buildGraph", "threads", whole(256)],
    ["buildGraph", "seed", [-1, 1.5, 2 ** 53, "5"]],
    ["buildGraph", "stop", [null, {}, true]],
    ["buildGraph", "progress", [null, {}, true, new addon.StopFlag()]],
    ["hnsw", "M", whole(127, 2)],
    ["hnsw", "efConstruction", whole(2 ** 20)],
    ["loadGraph", "lists", ["", "FLAT", 1, null]],
    ["createIndex", "order", ["", "rows", 1, null]],
    ["thin", "degree", [undefined, ...whole(255)]],
    ["thin", "bytes", [3]],
    ["thin", "method", ["", "hub", 1, null]],
    ["thin", "hubShare", [-0.1, 1.1, Number.NaN, "0.1"]],
    ["search", "mode", ["", "walk", 1, null]],
    ["search", "graph", [undefined, null, {}, 1]],
    ["search", "searchWindow", whole(2 ** 20)],
    ["search", "ratio", [0, -1, 1.01, Number.NaN, "0.2"]],
    ["search", "strategy", ["", "all", 1, null]],
    ["nearest", "k", [undefined, ...whole(2 ** 20)]],
    ["nearest", "graph", [undefined, null, {}]],
    ["nearest", "searchWindow", whole(2 ** 20)],
    ["nearest", "filter", [null, [1], new Float32Array(4)]],
  ];

  it.each(cases)("%s refuses a wrong %s", async (name, key, values) => {
    const args = good[name]![1];
    for (const value of values) {
      const options = { ...(args.at(-1) as object), [key]: value };
      const failure = await failureOf(name, args.with(-1, options));
      expect(failure, `${key}, value ${values.indexOf(value)}`).toMatchObject({ code: "INVALID_ARGUMENT" });
    }
  });

  it("of a true inner product take a slack of 1 at most", async () => {
    const ip = await vectorIndex(vectors(50), "ip");
    await expect(addon.buildGraph(ip, { kind: "vamana", alpha: 1.2 })).rejects.toThrow(RangeError);
    await expect(addon.buildGraph(ip, { kind: "vamana", alpha: 0.9 })).resolves.toHaveProperty("count", 50);
  });

  it("to thin to are either degree or bytes", async () => {
    await expect(graph.thin(index, { degree: 8, bytes: 8 })).rejects.toThrow(TypeError);
    await expect(graph.thin(index, {})).rejects.toThrow(TypeError);
  });
});

describe("numbers", () => {
  it.each([
    ["too few", Array.from({ length: 199 }, (_, i) => i)],
    ["with a gap", Array.from({ length: 200 }, (_, i) => (i < 100 ? i : i + 1))],
    ["out of order", Array.from({ length: 200 }, (_, i) => 199 - i)],
    ["that let a node go to which edges lead", Array.from({ length: 200 }, (_, i) => (i === 0 ? 0xffffffff : i - 1))],
  ])("%s are refused", async (_, numbers) => {
    await expect(graph.renumber(Uint32Array.from(numbers))).rejects.toThrow(RangeError);
  });
});

it("an index of fewer nodes than the graph is refused", async () => {
  const small = await vectorIndex(vectors(10), "l2");
  for (const work of [() => graph.extend(small), () => graph.repair(small), () => graph.thin(small, { degree: 4 })]) {
    await expect(work()).rejects.toThrow(RangeError);
  }
  expect(() => small.nearest(vectors(1), { k: 1, graph })).toThrow(RangeError);
});

it("a graph outlives its object while work runs on it", async () => {
  let own: NativeGraph | undefined = await addon.buildGraph(index, { kind: "hnsw" });
  const works = [own.save(), own.extend(index), own.thin(index, { degree: 4 })];
  own = undefined;
  await expect(Promise.all(works)).resolves.toHaveLength(3);
});

it("objects are made by the addon alone", () => {
  const made = graph.constructor as new () => unknown;
  expect(() => new made()).toThrow(TypeError);
  expect(() => (addon.Progress as unknown as () => void)()).toThrow(TypeError);
  expect(() => Object.getOwnPropertyDescriptor(made.prototype, "count")?.get?.call({})).toThrow(TypeError);
});
