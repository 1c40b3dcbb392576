import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EmbedlessError } from "../../../src/base/errors.js";
import { parseFilter, parsePath, writePath } from "../../../src/filter/parse.js";

/** The error of a filter that must not be accepted. */
function refusal(filter: unknown): EmbedlessError {
  try {
    parseFilter(filter);
  } catch (error) {
    if (error instanceof EmbedlessError) return error;
    throw error;
  }
  throw new Error(`accepted ${JSON.stringify(filter)}`);
}

const nested = (levels: number): object => (levels === 1 ? { a: 1 } : { $not: nested(levels - 1) });
const cyclic: Record<string, unknown> = {};
cyclic["$and"] = [cyclic, cyclic];

describe("a filter that is wrong", () => {
  it.each<[name: string, filter: unknown, place: string]>([
    ["no object", "year > 3", "filter,"],
    ["null", null, "filter,"],
    ["undefined", undefined, "filter,"],
    ["an array", [{ a: 1 }], "filter,"],
    ["a function", () => true, "filter,"],
    ["a date", new Date(0), "filter,"],
    ["an unknown operator on top", { $nor: [{ a: 1 }] }, '"$nor" in filter.'],
    ["a condition without a path", { $gt: 3 }, '"$gt" in filter.'],
    ["an unknown operator behind a path", { a: { $regex: "x" } }, '"$regex" in filter.a.'],
    ["a misspelt operator", { a: { $gte: 1, gt: 2 } }, '"gt"'],
    ["$not behind a path", { a: { $not: { $gt: 1 } } }, "takes whole filters"],
    ["an object as a value", { a: { b: 1 } }, 'the key "b"'],
    ["no operator", { a: {} }, "filter.a,"],
    ["an array as a value", { a: [1] }, "filter.a,"],
    ["undefined as a value", { a: undefined }, "filter.a,"],
    ["NaN", { a: Number.NaN }, "filter.a,"],
    ["Infinity", { a: { $lt: Number.POSITIVE_INFINITY } }, "filter.a.$lt,"],
    ["a bigint", { a: 1n }, "filter.a,"],
    ["a date as a value", { a: { $gt: new Date(0) } }, "filter.a.$gt,"],
    ["a range from null", { a: { $gte: null } }, "filter.a.$gte,"],
    ["a range to true", { a: { $lte: true } }, "filter.a.$lte,"],
    ["$exists with 1", { a: { $exists: 1 } }, "filter.a.$exists,"],
    ["$in without an array", { a: { $in: "x" } }, "filter.a.$in,"],
    ["an empty $in", { a: { $in: [] } }, "filter.a.$in,"],
    ["an empty $nin", { a: { $nin: [] } }, "filter.a.$nin,"],
    ["a hole in $in", { a: { $in: Object.assign(new Array(3), { 0: 1, 2: 2 }) } }, "filter.a.$in[1],"],
    ["an object in $in", { a: { $in: [{}] } }, "filter.a.$in[0],"],
    ["an empty $and", { $and: [] }, "filter.$and,"],
    ["an empty $or", { b: 1, $or: [] }, "filter.$or,"],
    ["$and without an array", { $and: { a: 1 } }, "filter.$and,"],
    ["$not with an array", { $not: [{ a: 1 }] }, "filter.$not,"],
    [
      "a wrong filter deep inside",
      { $or: [{ a: 1 }, { $not: { "b.c": { $gt: [] } } }] },
      'filter.$or[1].$not["b.c"].$gt,',
    ],
    ["a path with NUL", { "a\0": 1 }, "NUL"],
    ["a path that is too long", { ["a".repeat(1001)]: 1 }, "1000 characters"],
    ["a path of too many keys", { ["a.".repeat(32)]: 1 }, "32 keys"],
    ["too deep", nested(33), "32 levels"],
    ["a circle", cyclic, "32 levels"],
    ["too many conditions", { $and: Array.from({ length: 500 }, () => ({ a: 1 })) }, "1000 conditions"],
    ["too many filters", { $and: new Array(1e9) }, "1000 filters"],
    ["too many values", { a: { $in: Array.from({ length: 10_001 }, (_, i) => i) } }, "10000 values"],
    [
      "too many values together",
      { a: { $in: new Array(6_000).fill(1) }, b: { $nin: new Array(6_000).fill(1) } },
      "10000",
    ],
  ])("%s: one sentence that names the place", (_, filter, place) => {
    const { code, message } = refusal(filter);
    expect(code).toBe("INVALID_FILTER");
    expect(message).toContain(place);
    expect(message).toMatch(/^[A-Z].*\.$/);
  });
});

describe("the limits themselves", () => {
  it.each<[name: string, filter: unknown]>([
    ["depth", nested(32)],
    ["conditions", { $and: Array.from({ length: 499 }, () => ({ a: 1 })) }],
    ["values", { a: { $in: Array.from({ length: 10_000 }, (_, i) => i) } }],
    ["path", { ["a".repeat(1000)]: 1, ["a.".repeat(31)]: 1 }],
  ])("%s: accepted", (_, filter) => {
    expect(() => parseFilter(filter)).not.toThrow();
  });
});

describe("what is read", () => {
  it("several operators of one path stay together, negations apart", () => {
    expect(parseFilter({ a: { $gte: 1, $lt: 5, $ne: 3, $exists: true } })).toEqual({
      kind: "all",
      of: [
        {
          kind: "value",
          path: ["a"],
          tests: [
            { op: "gte", value: 1 },
            { op: "lt", value: 5 },
          ],
        },
        { kind: "not", of: { kind: "value", path: ["a"], tests: [{ op: "in", values: [3] }] } },
        { kind: "exists", path: ["a"] },
      ],
    });
  });

  it("an own key __proto__ is a path like any other", () => {
    expect(parseFilter(JSON.parse('{"__proto__": 1}'))).toMatchObject({ kind: "value", path: ["__proto__"] });
  });

  it("is a copy that nobody can change", () => {
    const filter = { a: { $in: [1, 2] } };
    const tree = parseFilter(filter);
    filter.a.$in.push(3);
    expect(tree).toMatchObject({ tests: [{ values: [1, 2] }] });
  });
});

describe("paths", () => {
  it.each([
    ["a", ["a"]],
    ["a.b.c", ["a", "b", "c"]],
    ["a\\.b.c", ["a.b", "c"]],
    ["\\$ref", ["$ref"]],
    ["a.$ref", ["a", "$ref"]],
    ["a\\\\.b", ["a\\", "b"]],
    ["C:\\temp", ["C:\\temp"]],
    ["a..b", ["a", "", "b"]],
    ["", [""]],
  ])("%j leads to %j", (path, keys) => {
    expect(parsePath(path, "filter")).toEqual(keys);
  });

  it("are read as they were written, whatever the keys are", () => {
    const key = fc.oneof(
      fc.array(fc.nat(0xffff), { maxLength: 8 }).map((units) => String.fromCharCode(...units)),
      fc.array(fc.constantFrom(".", "\\", "$", "a"), { maxLength: 6 }).map((parts) => parts.join("")),
    );
    const keys = fc.array(
      key.map((text) => text.replaceAll("\0", "")),
      { minLength: 1, maxLength: 5 },
    );
    fc.assert(
      fc.property(keys, (path) => {
        const written = writePath(path);
        expect(written.startsWith("$")).toBe(false);
        expect(parsePath(written, "filter")).toEqual(path);
      }),
    );
  });
});
