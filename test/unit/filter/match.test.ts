import { describe, expect, it } from "vitest";
import type { Filter, Metadata } from "../../../src/api/passage.js";
import { matches, matchesFilter } from "../../../src/filter/match.js";
import { type FilterTree, parseFilter } from "../../../src/filter/parse.js";

const book: Metadata = {
  title: "Dune",
  year: 1965,
  price: 9.5,
  sold: true,
  editor: null,
  tags: ["desert", "spice", 7, null],
  author: { name: "Frank", "family.name": "Herbert" },
  parts: [{ name: "one" }],
  empty: [],
  "weird.key": 1,
};

describe("the grammar, by example", () => {
  it.each<[matches: boolean, filter: Filter]>([
    [true, {}],
    [true, { title: "Dune" }],
    [true, { title: "Dune", year: 1965 }],
    [false, { title: "Dune", year: 1966 }],
    [true, { "author.name": "Frank" }],
    [true, { "author.family\\.name": "Herbert" }],
    [true, { "weird\\.key": 1 }],
    [false, { "weird.key": 1 }],
    // Types are never mixed.
    [false, { year: "1965" }],
    [false, { sold: 1 }],
    [true, { sold: true }],
    [false, { year: { $gt: "1" } }],
    [false, { title: { $gt: 1 } }],
    [false, { sold: { $gte: 0 } }],
    // Ranges.
    [true, { year: { $gt: 1964, $lte: 1965 } }],
    [false, { year: { $gt: 1965 } }],
    [true, { price: { $lt: 9.500001 } }],
    [true, { title: { $gte: "Dune", $lt: "Dunf" } }],
    [false, { title: { $lt: "Dun" } }],
    // Lists.
    [true, { year: { $in: [1, "x", 1965] } }],
    [false, { year: { $in: [1, "1965"] } }],
    [true, { year: { $nin: [1, 2] } }],
    [false, { year: { $nin: [1965] } }],
    // Missing values and null.
    [true, { editor: null }],
    [true, { nobody: null }],
    [false, { title: null }],
    [true, { nobody: { $ne: 3 } }],
    [true, { nobody: { $nin: [3] } }],
    [false, { nobody: { $ne: null } }],
    [false, { nobody: { $lt: 3 } }],
    [true, { nobody: { $in: [3, null] } }],
    [true, { editor: { $exists: true } }],
    [false, { nobody: { $exists: true } }],
    [true, { nobody: { $exists: false } }],
    // Arrays: one element is enough; for the negations none may be it.
    [true, { tags: "spice" }],
    [true, { tags: 7 }],
    [true, { tags: null }],
    [true, { tags: { $in: ["x", "desert"] } }],
    [false, { tags: { $ne: "spice" } }],
    [true, { tags: { $ne: "sea" } }],
    [true, { tags: { $gt: 6 } }],
    [true, { tags: { $gt: "e", $lt: "e" } }],
    [false, { empty: null }],
    [false, { empty: { $exists: false } }],
    [true, { empty: { $ne: 1 } }],
    // Objects are no values, and paths do not lead into arrays.
    [false, { author: "Frank" }],
    [true, { author: { $exists: true } }],
    [true, { author: { $ne: null } }],
    [false, { author: { $gt: "" } }],
    [false, { "parts.name": "one" }],
    [false, { "parts.0": { $exists: true } }],
    [false, { "title.length": 4 }],
    // Properties that every object inherits are not there.
    [false, { constructor: { $exists: true } }],
    [false, { __proto__: null, toString: { $ne: null } } as unknown as Filter],
    [false, JSON.parse('{"__proto__": {"$exists": true}}') as Filter],
    // Combinations.
    [true, { $and: [{ title: "Dune" }, { year: { $lt: 2000 } }] }],
    [true, { $or: [{ title: "Emma" }, { year: 1965 }] }],
    [false, { $or: [{ title: "Emma" }, { year: 1 }] }],
    [false, { $not: { title: "Dune" } }],
    [true, { $not: { nobody: 1 } }],
    [false, { year: 1965, $not: { $or: [{ tags: 7 }, { tags: 8 }] } }],
  ])("%s for %j", (expected, filter) => {
    expect(matchesFilter(book, filter)).toBe(expected);
  });
});

it("strings are in the order of code points", () => {
  const rising = [
    "",
    "a",
    "a\0",
    "aa",
    "b",
    "\ud7ff",
    "\ud800x",
    "\ud83d",
    "\ud83dx",
    "\udfff",
    "\ue000",
    "\uffff",
    "😀",
    "😀a",
    "😁",
  ];
  for (const [i, a] of rising.entries()) {
    for (const [j, b] of rising.entries()) {
      expect([a, b, matchesFilter({ a }, { a: { $lt: b } })]).toEqual([a, b, i < j]);
      expect([a, b, matchesFilter({ a }, { a: { $gte: b } })]).toEqual([a, b, i >= j]);
    }
  }
});

describe("work grows with passages and values, not with their product", () => {
  /** An array that counts how often one of its elements is read. */
  function counted<T>(list: readonly T[]): { list: readonly T[]; reads: () => number } {
    let reads = 0;
    const get = (target: readonly T[], key: string | symbol, receiver: unknown) => {
      if (typeof key === "string" && /^\d+$/.test(key)) reads++;
      return Reflect.get(target, key, receiver) as unknown;
    };
    return { list: new Proxy(list, { get }), reads: () => reads };
  }

  const names = (count: number, from = 0) => Array.from({ length: count }, (_, i) => `name ${i + from}`);

  it("a long list of values is read once for all passages", () => {
    const { list, reads } = counted(names(10_000));
    for (const isNegated of [false, true]) {
      const test: FilterTree = { kind: "value", path: ["a"], tests: [{ op: "in", values: list }] };
      const tree: FilterTree = isNegated ? { kind: "not", of: test } : test;
      for (let i = 9_000; i < 11_000; i++) expect(matches(tree, { a: `name ${i}` })).toBe(i < 10_000 !== isNegated);
    }
    expect(reads()).toBeLessThanOrEqual(20_000);
  });

  it.each<[name: string, filter: Filter, matched: boolean]>([
    ["$or of equalities", { $or: names(499).map((a) => ({ a })) }, false],
    ["$or of ranges", { $or: names(499).map((a, i) => ({ a: i % 2 ? { $lt: "a" } : { $gt: `z${a}` } })) }, false],
    ["$and of negations", { $and: names(499).map((a) => ({ a: { $ne: a } })) }, true],
    ["a long list", { a: { $in: names(10_000) } }, false],
    [
      "many lists",
      { $or: Array.from({ length: 300 }, (_, i) => ({ a: { $in: names(20, 20 * i), $gt: "zz" } })) },
      false,
    ],
  ])("an array of a passage is read a few times: %s", (_, filter, matched) => {
    const { list, reads } = counted(Array.from({ length: 5_000 }, (_, i) => (i % 2 ? i : `of ${i}`)));
    expect(matches(parseFilter(filter), { a: list })).toBe(matched);
    expect(reads()).toBeLessThanOrEqual(5 * 5_000);
  });
});
