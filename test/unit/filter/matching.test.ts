import fc from "fast-check";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Filter, Metadata } from "../../../src/api/passage.js";
import { nodesFrom } from "../../../src/base/bitmap.js";
import { checkFilterable, ensureFilterable, indexedPaths } from "../../../src/filter/indexes.js";
import { conditionOf, matchesFilter } from "../../../src/filter/match.js";
import { FilterBitmaps, matchingNodes } from "../../../src/filter/matching.js";
import { parseFilter, writePath } from "../../../src/filter/parse.js";
import { indexQueries } from "../../../src/filter/sql.js";
import { metadataToJson } from "../../../src/passage/metadata.js";
import { Passages } from "../../../src/passage/passages.js";
import { Connection } from "../../../src/storage/connection.js";
import type { Database } from "../../../src/storage/database.js";
import { raiseVersion } from "../../../src/storage/meta.js";
import { countRounds, slowClock } from "../../support/clock.js";
import { oracleMatches } from "../../support/filter_oracle.js";
import { openDatabase } from "../storage/temporary_store.js";

/** A store of passages with these metadata; node i has the i-th. */
async function storeOf(all: readonly Metadata[], filterable: readonly string[] = []): Promise<Database> {
  const database = await openDatabase();
  await ensureFilterable(database, checkFilterable(filterable));
  await addAll(database, all, 0);
  return database;
}

async function addAll(database: Database, all: readonly Metadata[], first: number): Promise<void> {
  const passages = new Passages(database);
  await database.write((tx) => {
    raiseVersion(tx);
    const rows = all.map((metadata, i) => ({
      node: first + i,
      id: `p${first + i}`,
      text: "x",
      metadata: metadataToJson(metadata),
    }));
    passages.insert(tx, rows);
  });
}

/** Other passages in place of those there are; nodes are never used twice. */
async function replaceAll(database: Database, all: readonly Metadata[], first: number): Promise<void> {
  const passages = new Passages(database);
  await database.write((tx) =>
    passages.removeByIds(
      tx,
      passages.page(-1, 1000, tx).map(({ id }) => id),
    ),
  );
  await addAll(database, all, first);
}

async function nodesOf(database: Database, filter: Filter): Promise<number[]> {
  const { bits, count } = await new FilterBitmaps(database, new Passages(database)).matching(
    parseFilter(filter),
    undefined,
  );
  const nodes = nodesFrom(bits, 0, Number.POSITIVE_INFINITY);
  expect(nodes.length).toBe(count);
  return nodes;
}

function expectedNodes(all: readonly Metadata[], filter: Filter): number[] {
  return all.flatMap((metadata, node) => (oracleMatches(filter, metadata) ? [node] : []));
}

/** Rounds of the comparison; each has up to 12 passages and about 20 filters. */
const RUNS = 60;

/** Any UTF-16, halves of code points included. */
const units = (maxLength: number) =>
  fc.array(fc.nat(0xffff), { maxLength }).map((codes) => String.fromCharCode(...codes));

/** Keys that have hurt someone before. NUL is left out: no filter may name it. */
const key = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom("a", "b", "c") },
  fc.constantFrom(
    "a.b",
    "",
    "'",
    '"',
    "\\",
    "[0]",
    "#-1",
    "$",
    "$and",
    "__proto__",
    "constructor",
    "\ud800",
    "é",
    "😀",
    "');--",
    '"]',
    "\u2028",
  ),
  units(4).map((text) => text.replaceAll("\0", "")),
);
const number = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(0, 1, -1, 2, 1.5) },
  fc.constantFrom(
    2 ** 53,
    2 ** 62,
    2 ** 63,
    2 ** 64,
    -(2 ** 63),
    1e-300,
    5e-324,
    1e300,
    0.1 + 0.2,
    0.3,
    -0,
    8.585511762522452e-56,
  ),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
);
const text = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom("", "a", "b", "1", "true", "null", "[1]", '{"a":1}', "0.5") },
  fc.constantFrom("a\0b", "a\0", "\ud800", "\udc00", "😀", "\uffff", "'; DROP TABLE passages; --", "[", "\\", "[a"),
  units(5),
);
const scalar = fc.oneof(number, text, fc.boolean(), fc.constant(null));
const { value } = fc.letrec<{ value: unknown; list: unknown[]; object: Metadata }>((tie) => ({
  value: fc.oneof({ maxDepth: 3 }, { weight: 4, arbitrary: scalar }, tie("list"), tie("object")),
  list: fc.array(tie("value"), { maxLength: 3 }),
  object: fc.dictionary(key, tie("value"), { maxKeys: 3 }),
}));
const metadata = fc.dictionary(key, value, { maxKeys: 4 }) as fc.Arbitrary<Metadata>;

const path = fc.array(key, { minLength: 1, maxLength: 2 }).map(writePath);
const operators = fc
  .oneof(
    fc.record(
      {
        $gt: fc.oneof(number, text),
        $gte: fc.oneof(number, text),
        $lt: fc.oneof(number, text),
        $lte: fc.oneof(number, text),
      },
      { requiredKeys: [] },
    ),
    fc.record(
      {
        $eq: scalar,
        $ne: scalar,
        $exists: fc.boolean(),
        $in: fc.array(scalar, { minLength: 1, maxLength: 4 }),
        $nin: fc.array(scalar, { minLength: 1, maxLength: 4 }),
      },
      { requiredKeys: [] },
    ),
  )
  .filter((condition) => Object.keys(condition).length > 0);
const condition = fc
  .tuple(path, fc.oneof(scalar, operators))
  .map(([where, what]) => Object.fromEntries([[where, what]]));
const { filter } = fc.letrec<{ filter: Filter; node: Filter }>((tie) => ({
  filter: fc.oneof({ maxDepth: 3 }, { weight: 3, arbitrary: condition as fc.Arbitrary<Filter> }, tie("node")),
  node: fc.oneof(
    fc.record({ $and: fc.array(tie("filter"), { minLength: 1, maxLength: 3 }) }),
    fc.record({ $or: fc.array(tie("filter"), { minLength: 1, maxLength: 3 }) }),
    fc.record({ $not: tie("filter") }),
    fc.tuple(condition, condition).map(([one, other]) => ({ ...one, ...other })),
  ) as fc.Arbitrary<Filter>,
}));

/** A filter that asks for something the metadata have, so that matches are not rare. */
const related = fc
  .tuple(fc.array(metadata, { minLength: 1, maxLength: 12 }), fc.array(filter, { maxLength: 8 }), fc.nat())
  .map(([all, filters, pick]) => {
    const own = all.flatMap((one) =>
      Object.keys(one).flatMap((name) => {
        const first = Array.isArray(one[name]) ? (one[name] as unknown[])[0] : one[name];
        if (first === undefined || (typeof first === "object" && first !== null)) return [];
        const where = writePath([name]);
        const asked = [first, { $ne: first }, { $in: [first, "z"] }, { $gte: typeof first === "string" ? first : 0 }];
        return [Object.fromEntries([[where, asked[(pick + name.length) % asked.length]]]) as Filter];
      }),
    );
    return { all, filters: [...filters, ...own] };
  });

/** Long lists and long alternatives, around values that the metadata have. */
const large = fc
  .tuple(
    path,
    fc.array(scalar, { minLength: 1, maxLength: 6 }),
    fc.integer({ min: 20, max: 3_000 }),
    fc.constantFrom("in", "nin", "or", "and", "ranges"),
  )
  .map(([where, some, count, shape]): Filter => {
    const values = [...some, ...Array.from({ length: count }, (_, i) => (i % 2 ? i + 0.25 : `filler ${i}`))];
    const each = values.slice(0, 300);
    const asked = (condition: unknown) => Object.fromEntries([[where, condition]]) as Filter;
    const bounds = each.filter((one) => typeof one === "string" || typeof one === "number");
    switch (shape) {
      case "in":
        return asked({ $in: values });
      case "nin":
        return asked({ $nin: values });
      case "or":
        return { $or: each.map((one) => asked(one)) };
      case "and":
        return { $and: each.map((one) => asked({ $ne: one })) };
      default:
        return { $or: bounds.map((one, i) => asked(i % 2 ? { $gt: one, $lt: one } : { $lte: one, $gt: one })) };
    }
  });

describe("indexes, the matcher and the oracle say the same", () => {
  it("of any metadata and any filter, without an index and with", async () => {
    const stores = [await storeOf([]), await storeOf([], ["a", "b", "a.b", "\\$and", "'", "\\\\"])];
    let first = 0;
    let matched = 0;
    await fc.assert(
      fc.asyncProperty(related, async ({ all, filters }) => {
        for (const database of stores) await replaceAll(database, all, first);
        for (const one of filters) {
          const expected = expectedNodes(all, one).map((node) => node + first);
          matched += expected.length;
          expect(all.flatMap((own, i) => (matchesFilter(own, one) ? [i + first] : []))).toEqual(expected);
          for (const database of stores) expect(await nodesOf(database, one)).toEqual(expected);
        }
        first += all.length;
      }),
      { numRuns: RUNS, seed: 4 },
    );
    expect(matched).toBeGreaterThan(300);
  });

  it("of long lists, long alternatives and long arrays", async () => {
    const stores = [await storeOf([]), await storeOf([], ["a", "b", "a.b"])];
    let first = 0;
    let matched = 0;
    const arrays = fc.array(scalar, { minLength: 40, maxLength: 60 }).map((a): Metadata => ({ a }));
    const some = fc.array(fc.oneof(metadata, arrays), { minLength: 1, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(some, fc.array(large, { minLength: 1, maxLength: 3 }), async (all, filters) => {
        for (const database of stores) await replaceAll(database, all, first);
        for (const one of filters) {
          const expected = expectedNodes(all, one).map((node) => node + first);
          matched += expected.length;
          for (const database of stores) expect(await nodesOf(database, one)).toEqual(expected);
        }
        first += all.length;
      }),
      { numRuns: 24, seed: 5 },
    );
    expect(matched).toBeGreaterThan(40);
  });

  it("of neighbouring numbers, large and small", async () => {
    const bytes = new DataView(new ArrayBuffer(8));
    const next = (x: number) => {
      bytes.setFloat64(0, x);
      bytes.setBigInt64(0, bytes.getBigInt64(0) + 1n);
      return bytes.getFloat64(0);
    };
    const all = [1, 2 ** 53, 2 ** 62, 2 ** 63 - 1024, 2 ** 63, 1e22, 1e-56, 5e-324, 0.1].flatMap((x) => [
      { x },
      { x: next(x) },
    ]);
    const database = await storeOf(all, ["x"]);
    for (const { x } of all) {
      for (const one of [{ x }, { x: { $gt: x } }, { x: { $lte: x } }, { x: { $ne: x } }, { x: { $in: [x, "1"] } }]) {
        expect(await nodesOf(database, one)).toEqual(expectedNodes(all, one));
      }
    }
  });

  it("of the largest filters that are allowed", async () => {
    const all = Array.from({ length: 40 }, (_, n) => ({ n, odd: n % 2 === 1 }));
    const database = await storeOf(all);
    const long = (n: number) => "x".repeat(990) + n;
    let deep: Filter = { n: 5 };
    for (let i = 1; i < 32; i++) deep = { $not: deep };
    const filters: Filter[] = [
      { $or: Array.from({ length: 499 }, (_, i) => (i % 2 ? { n: i } : { [long(i)]: "y" })) },
      { $and: Array.from({ length: 499 }, (_, i) => ({ n: { $ne: i + 30 } })) },
      { n: { $in: Array.from({ length: 10_000 }, (_, i) => i * 3) } },
      deep,
    ];
    for (const one of filters) {
      const expected = expectedNodes(all, one);
      expect(expected.length).toBeGreaterThan(0);
      expect(await nodesOf(database, one)).toEqual(expected);
    }
  });
});

describe("hostile text", () => {
  it("never becomes part of a statement", () => {
    const hostile = "'); DROP TABLE passages; --";
    const tree = parseFilter({ [hostile]: hostile, [`${hostile}.a`]: { $in: [hostile], $gt: hostile } });
    for (const { sql } of indexQueries(tree, () => true)!) {
      // Here the path is inlined, every quote of it doubled.
      expect(sql.replaceAll("''", "")).toContain(`'$."); DROP TABLE passages; --"`);
    }
  });

  it("as a filterable path makes an index and finds its passage", async () => {
    for (const name of ["'); DROP TABLE passages; --", '"', "''", "a b", "\ud800", "[0]", "é", "x'y\"z\\"]) {
      const all = [{ [name]: 1 }, { [name]: "1" }, { other: 1 }];
      const database = await storeOf(all, [writePath([name])]);
      const one = { [writePath([name])]: 1 };
      expect(indexedPaths(database.reader)([name])).toBe(true);
      expect(await nodesOf(database, one)).toEqual([0]);
      await database.close();
    }
  });
});

describe("a filterable path", () => {
  const planOf = (database: Database, filter: Filter) =>
    (indexQueries(parseFilter(filter), indexedPaths(database.reader)) ?? []).flatMap(({ sql, params }) =>
      database.reader.all<{ detail: string }>(`EXPLAIN QUERY PLAN ${sql}`, ...params).map(({ detail }) => detail),
    );

  it.each<[name: string, filter: Filter]>([
    ["equality", { "author.name": "Ann" }],
    ["equality with null", { "author.name": null }],
    ["$in", { "author.name": { $in: ["Ann", 3, true] } }],
    ["a range", { "author.name": { $gte: "A", $lt: "B" } }],
    ["an open range", { "author.name": { $gt: 3 } }],
    ["one of several conditions", { year: 3, "author.name": "Ann", $not: { x: 1 } }],
    ["every branch of $or", { $or: [{ "author.name": "Ann" }, { $and: [{ "author.name": "Bob" }, { x: 1 }] }] }],
  ])("%s is looked up in its index, and nothing else is read", async (_, filter) => {
    const database = await storeOf([{ author: { name: "Ann" } }], ["author.name"]);
    const plan = planOf(database, filter).filter((detail) => detail.includes("passages"));
    expect(plan.length).toBeGreaterThan(0);
    for (const step of plan) expect(step).toMatch(/^SEARCH passages USING COVERING INDEX passages_by_\w+ \(/);
  });

  it.each<[name: string, filter: Filter]>([
    ["another path", { author: "Ann" }],
    ["a negation", { "author.name": { $ne: "Ann" } }],
    ["a branch of $or without it", { $or: [{ "author.name": "Ann" }, { x: 1 }] }],
  ])("%s needs a look at every passage", async (_, filter) => {
    const database = await storeOf([], ["author.name"]);
    expect(indexQueries(parseFilter(filter), indexedPaths(database.reader))).toBeUndefined();
  });

  it("prefers values to ranges, and ranges to what is missing", async () => {
    const database = await storeOf([], ["a", "b"]);
    const led = (filter: Filter) => indexQueries(parseFilter(filter), indexedPaths(database.reader))![0]!.sql;
    expect(led({ a: { $gt: 1 }, b: 1 })).toContain('$."b"');
    expect(led({ a: null, b: { $lt: 1 } })).toContain('$."b"');
  });

  it("finds arrays, booleans and numbers that its index holds side by side", async () => {
    const all = [1, true, "1", [1], [[1]], ["x", 1], { a: 1 }, null, 1.5, "[1]", [], [true]].map((x) => ({ x }));
    const database = await storeOf([...all, {}], ["x"]);
    for (const x of [1, true, "1", null, 1.5, "[1]"]) {
      for (const one of [{ x }, { x: { $ne: x } }, { x: { $in: [x, 7] } }]) {
        expect(await nodesOf(database, one)).toEqual(expectedNodes([...all, {}], one));
      }
    }
  });

  it("can be added later and is remembered", async () => {
    const database = await storeOf([{ a: 1 }, { a: 2 }]);
    await ensureFilterable(database, ["a"]);
    await ensureFilterable(database, ["a", "b"]);
    await ensureFilterable(database, []);
    const indexes = database.reader.all<{ name: string }>(
      "SELECT name FROM store.sqlite_schema WHERE name LIKE 'passages_by_%'",
    );
    expect(indexes.length).toBe(2);
    expect(planOf(database, { b: 1 }).length).toBeGreaterThan(0);
    expect(await nodesOf(database, { a: 2 })).toEqual([1]);
    const version = database.dataVersion();
    await ensureFilterable(database, ["b", "a"]);
    expect(database.dataVersion()).toBe(version);
  });

  it("is limited in number, over all openings", async () => {
    const names = (count: number, from = 0) => Array.from({ length: count }, (_, i) => `k${i + from}`);
    expect(() => checkFilterable(names(33))).toThrow(RangeError);
    const database = await storeOf([], names(32));
    await expect(ensureFilterable(database, ["more"])).rejects.toMatchObject({ code: "LIMIT" });
  });
});

describe("bitmaps", () => {
  it.each([511, 512, 513, 1535, 1536, 1537])("%i passages: every slice is looked at", async (count) => {
    const all = Array.from({ length: count }, (_, n) => ({ n, third: n % 3, rare: n % 200 === 7 }));
    const database = await storeOf(all, ["third", "rare"]);
    for (const one of [
      { n: { $gte: count - 1 } },
      { third: 2 },
      { rare: true },
      { rare: true, third: 1 },
      {},
    ] as Filter[]) {
      expect(await nodesOf(database, one)).toEqual(expectedNodes(all, one));
    }
  });

  it("are remembered until something is written", async () => {
    const database = await storeOf([{ a: 1 }]);
    const bitmaps = new FilterBitmaps(database, new Passages(database));
    const first = await bitmaps.matching(parseFilter({ a: 1 }), undefined);
    expect(await bitmaps.matching(parseFilter({ a: { $eq: 1 } }), undefined)).toBe(first);
    await addAll(database, [{ a: 2 }, { a: 1 }], 1);
    const second = await bitmaps.matching(parseFilter({ a: 1 }), undefined);
    expect(second).toMatchObject({ count: 2 });
    expect(second.version).toBeGreaterThan(first.version);
  });

  it("are of one snapshot, whatever is written while they are made", async () => {
    const all = Array.from({ length: 3000 }, () => ({ state: "old" }));
    const database = await storeOf(all);
    const passages = new Passages(database);
    const found = new FilterBitmaps(database, new Passages(database)).matching(
      parseFilter({ state: "old" }),
      undefined,
    );
    await database.write((tx) => {
      raiseVersion(tx);
      for (let n = 0; n < 3000; n++) passages.replaceMetadata(tx, `p${n}`, '{"state":"new"}');
    });
    expect((await found).count).toBe(3000);
    expect(await nodesOf(database, { state: "old" })).toEqual([]);
  });

  it("let the event loop turn, and stop when told to", async () => {
    const database = await storeOf(Array.from({ length: 3000 }, (_, n) => ({ n })));
    const rounds = countRounds();
    slowClock(5); // every look at the clock ends a slice
    await new FilterBitmaps(database, new Passages(database)).matching(parseFilter({ n: { $gt: 5 } }), undefined);
    expect(rounds()).toBeGreaterThan(10);
    const stop = new AbortController();
    const stopped = new FilterBitmaps(database, new Passages(database)).matching(parseFilter({ n: 1 }), stop.signal);
    stop.abort();
    await expect(stopped).rejects.toMatchObject({ code: "ABORTED" });
  });

  it("see inside a write what it has done so far", async () => {
    const database = await storeOf([{ a: 1 }, { a: 1 }]);
    const passages = new Passages(database);
    const seen = await database.write(async (tx) => {
      passages.removeByIds(tx, ["p0"]);
      return await matchingNodes(tx, parseFilter({ a: 1 }), undefined);
    });
    expect(nodesFrom(seen, 0, 10)).toEqual([1]);
  });

  it("say that damaged metadata are damaged", async () => {
    const database = await storeOf([{ a: 1 }, { a: 2 }]);
    await database.write((tx) => tx.run("UPDATE passages SET metadata = '{broken' WHERE node = 1"));
    await expect(nodesOf(database, { a: 1 })).rejects.toMatchObject({ code: "CORRUPT" });
  });

  it.each<[name: string, metadata: string]>([
    ["an array", "[1]"],
    ["two objects", '{"a":1},{"a":1}'],
    ["a part of an object", '{"a":1'],
    ["another notation", "{a:1}"],
    ["nothing", ""],
    ["more than any passage may have", JSON.stringify({ a: "x".repeat(2 ** 20) })],
  ])("name the row whose metadata are %s", async (_, metadata) => {
    const database = await storeOf([{ a: 1 }, { a: 2 }, { a: 3 }]);
    await database.write((tx) => tx.run("UPDATE passages SET metadata = ? WHERE node = 1", metadata));
    await expect(nodesOf(database, { a: 1 })).rejects.toMatchObject({
      code: "CORRUPT",
      message: expect.stringContaining("Row 1 of table passages"),
    });
  });
});

describe("the work of a filter", () => {
  afterEach(() => void vi.restoreAllMocks());

  /** Statements that a filter runs, and rows they hand over. */
  async function workOf(database: Database, filter: Filter): Promise<{ statements: number; rows: number }> {
    const work = { statements: 0, rows: 0 };
    const { all, get, iterate } = Connection.prototype;
    vi.spyOn(Connection.prototype, "all").mockImplementation(function (this: Connection, ...asked) {
      const rows = all.apply(this, asked);
      work.statements++;
      work.rows += rows.length;
      return rows as never;
    });
    vi.spyOn(Connection.prototype, "get").mockImplementation(function (this: Connection, ...asked) {
      work.statements++;
      work.rows++;
      return get.apply(this, asked) as never;
    });
    vi.spyOn(Connection.prototype, "iterate").mockImplementation(function* (this: Connection, ...asked) {
      work.statements++;
      for (const row of iterate.apply(this, asked)) {
        work.rows++;
        yield row as never;
      }
    });
    await matchingNodes(database.reader, parseFilter(filter), undefined);
    vi.restoreAllMocks();
    return work;
  }

  const names = Array.from({ length: 10_000 }, (_, i) => `n${i}`);
  const many: [name: string, filter: Filter][] = [
    ["a long list", { a: { $in: names } }],
    ["a long list of what is not wanted", { a: { $nin: names } }],
    ["many alternatives", { $or: names.slice(0, 499).map((a) => ({ a })) }],
    ["many ranges that overlap", { $or: names.slice(0, 499).map((a) => ({ a: { $gte: a } })) }],
    [
      "many alternatives that some arrays hold",
      { $or: names.slice(0, 300).map((a) => ({ a: { $in: [a], $lt: "n" } })) },
    ],
  ];

  it.each(many)("%s: every passage is read once, with an index at most twice", async (_, filter) => {
    const all = Array.from({ length: 1_100 }, (_, i) => ({ a: i % 3 ? `n${i}` : [`n${i}`, i] }));
    for (const filterable of [[], ["a"]]) {
      const { statements, rows } = await workOf(await storeOf(all, filterable), filter);
      expect(statements).toBeLessThan(450);
      expect(rows).toBeLessThan(1_100 + 450);
    }
  });

  it("asks an index for a long list in pieces, and for the same thing once", () => {
    const led = (filter: Filter) => indexQueries(parseFilter(filter), () => true)!;
    expect(led({ a: { $in: names } }).map(({ params }) => params[0]?.length ?? 0)).toEqual([
      ...Array.from({ length: 10 }, () => expect.any(Number)),
      0,
    ]);
    expect(Math.max(...led({ a: { $in: names } }).map(({ params }) => params[0]?.length ?? 0))).toBeLessThan(10_000);
    expect(led({ $or: names.slice(0, 499).map((a) => ({ a })) }).length).toBe(2);
    expect(led({ $or: names.slice(0, 400).map((a) => ({ a: { $gt: a } })) }).length).toBe(401);
  });

  it("long metadata are read in short pieces", async () => {
    const database = await storeOf(Array.from({ length: 60 }, (_, n) => ({ n, pad: "x".repeat(20_000) })));
    let longest = 0;
    const { get } = Connection.prototype;
    vi.spyOn(Connection.prototype, "get").mockImplementation(function (this: Connection, ...asked) {
      const row = get.apply(this, asked) as Record<string, unknown> | undefined;
      for (const cell of Object.values(row ?? {})) longest = Math.max(longest, String(cell).length);
      return row as never;
    });
    expect(nodesFrom(await matchingNodes(database.reader, parseFilter({ n: { $gte: 58 } }), undefined), 0, 9)).toEqual([
      58, 59,
    ]);
    expect(longest).toBeGreaterThan(20_000);
    expect(longest).toBeLessThan(300_000);
  });

  it("is shared by all who ask the same at the same time", async () => {
    const database = await storeOf(Array.from({ length: 3_000 }, (_, n) => ({ n })));
    const snapshots = vi.spyOn(database, "snapshot");
    const bitmaps = new FilterBitmaps(database, new Passages(database));
    const ask = () => bitmaps.matching(conditionOf({ n: { $lt: 7 } }), new AbortController().signal);
    const answers = await Promise.all(Array.from({ length: 20 }, ask));
    expect(snapshots).toHaveBeenCalledTimes(1);
    expect(new Set(answers).size).toBe(1);
    expect(answers[0]!.count).toBe(7);
    await Promise.all([ask(), bitmaps.matching(conditionOf({ n: { $lt: 8 } }), undefined)]);
    expect(snapshots).toHaveBeenCalledTimes(2);
  });

  it("is not shared across a write", async () => {
    const database = await storeOf(Array.from({ length: 3_000 }, (_, n) => ({ n })));
    const bitmaps = new FilterBitmaps(database, new Passages(database));
    const before = bitmaps.matching(conditionOf({ n: 1 }), undefined);
    await addAll(database, [{ n: 1 }], 3_000);
    expect((await bitmaps.matching(conditionOf({ n: 1 }), undefined)).count).toBe(2);
    expect((await before).count).toBe(1);
  });

  it("goes on while one still waits for it, and ends with the last one", async () => {
    const database = await storeOf(Array.from({ length: 5_000 }, (_, n) => ({ n })));
    const bitmaps = new FilterBitmaps(database, new Passages(database));
    const condition = { n: { $gt: 4_000 } };
    const stops = [new AbortController(), new AbortController(), new AbortController()];
    const asked = stops.map(({ signal }) => bitmaps.matching(conditionOf(condition), signal));
    const refused = asked.slice(0, 2).map((one) => expect(one).rejects.toMatchObject({ code: "ABORTED" }));
    stops[0]!.abort();
    stops[1]!.abort();
    await Promise.all(refused);
    expect((await asked[2]!).count).toBe(999);

    const other = new FilterBitmaps(database, new Passages(database));
    const turns = vi.spyOn(Connection.prototype, "get");
    const last = other.matching(conditionOf(condition), stops[2]!.signal);
    const ended = expect(last).rejects.toMatchObject({ code: "ABORTED" });
    stops[2]!.abort();
    await ended;
    await database.close(); // waits for what still runs
    const statements = turns.mock.calls.length;
    expect(statements).toBeLessThan(15);
  });
});
