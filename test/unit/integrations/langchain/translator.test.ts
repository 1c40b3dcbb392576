import { Document } from "@langchain/core/documents";
import {
  type Comparator,
  Comparison,
  Operation,
  type Operator,
  StructuredQuery,
} from "@langchain/core/structured_query";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EmbedlessTranslator } from "../../../../integrations/langchain/index.js";
import { type Filter, matchesFilter } from "../../../../src/index.js";

const translator = new EmbedlessTranslator();
const comparison = (comparator: string, attribute: string, value: unknown) =>
  new Comparison(comparator as Comparator, attribute, value as string);
const operation = (operator: string, ...args: (Comparison | Operation)[]) => new Operation(operator as Operator, args);
const translated = (filter: Comparison | Operation) =>
  translator.visitStructuredQuery(new StructuredQuery("question", filter)).filter as Filter;

describe("one comparison", () => {
  it.each<[comparator: string, value: unknown, condition: object]>([
    ["eq", "hen", { $eq: "hen" }],
    ["eq", true, { $eq: true }],
    ["ne", "hen", { $ne: "hen" }],
    ["gt", 2, { $gt: 2 }],
    ["gte", 2, { $gte: 2 }],
    ["lt", -2.5, { $lt: -2.5 }],
    ["lte", "2024-05-01", { $lte: "2024-05-01" }],
    ["in", ["hen", 4], { $in: ["hen", 4] }],
    ["nin", ["hen"], { $ne: "hen" }],
    ["nin", ["hen", "ox"], { $nin: ["hen", "ox"] }],
    ["exists", false, { $exists: false }],
    ["eq", ["hen", "ox"], { $in: ["hen", "ox"] }],
    ["ne", ["hen", "ox"], { $nin: ["hen", "ox"] }],
    ["eq", "2024", { $in: ["2024", 2024] }],
    ["ne", "2024", { $nin: ["2024", 2024] }],
    ["in", ["7", "x"], { $in: ["7", 7, "x"] }],
    ["eq", "-1.5", { $in: ["-1.5", -1.5] }],
  ])("%s %j", (comparator, value, condition) => {
    expect(translated(comparison(comparator, "a.b", value))).toEqual({ "a.b": condition });
  });

  it.each(["007", "1e3", "1.0", " 1", "", "Infinity", "NaN", "12 Elm Street", "2024-05-01"])(
    "%j is no number",
    (text) => {
      expect(translated(comparison("eq", "a", text))).toEqual({ a: { $eq: text } });
    },
  );

  it("asks for both kinds where the bound of a range may be text or number", () => {
    const filter = translated(comparison("gte", "year", "1990"));
    expect(filter).toEqual({ $or: [{ year: { $gte: "1990" } }, { year: { $gte: 1990 } }] });
    const found = [1989, 1990, "1989", "1999", true].filter((year) => matchesFilter({ year }, filter));
    expect(found).toEqual([1990, "1999"]);
  });

  it("refuses what it does not know", () => {
    const refused = expect.objectContaining({ code: "INVALID_FILTER" });
    expect(() => translated(comparison("like", "a", "b"))).toThrow(refused);
    expect(() => translated(comparison("gt", "a", [1, 2]))).toThrow(refused);
    expect(() => translated(operation("xor", comparison("eq", "a", 1)))).toThrow(refused);
    expect(() => translated(operation("and"))).toThrow(refused);
    expect(() => translated(new Operation("not"))).toThrow(refused);
    expect(() => translated(operation("not", comparison("eq", "a", 1), comparison("eq", "b", 1)))).toThrow(refused);
  });
});

it("a query without a filter has none", () => {
  expect(translator.visitStructuredQuery(new StructuredQuery("question"))).toEqual({});
});

it("operators nest", () => {
  const [hen, young] = [comparison("eq", "animal", "hen"), comparison("lt", "age", 2)];
  expect(translated(operation("and", hen, operation("not", operation("or", young, hen))))).toEqual({
    $and: [{ animal: { $eq: "hen" } }, { $not: { $or: [{ age: { $lt: 2 } }, { animal: { $eq: "hen" } }] } }],
  });
});

describe("any filter means what it says", () => {
  const names = ["a", "b"];
  const values = fc.oneof(fc.integer({ min: -2, max: 2 }), fc.constantFrom("x", "y", "z"), fc.boolean());
  const ordered = fc.oneof(fc.integer({ min: -2, max: 2 }), fc.constantFrom("x", "y", "z"));
  const leaf = fc.oneof(
    fc.tuple(fc.constantFrom("eq", "ne"), fc.constantFrom(...names), values),
    fc.tuple(fc.constantFrom("gt", "gte", "lt", "lte"), fc.constantFrom(...names), ordered),
  );
  const tree = fc.letrec<{ tree: Comparison | Operation }>((tie) => ({
    tree: fc.oneof(
      { depthSize: "small" },
      leaf.map(([comparator, attribute, value]) => comparison(comparator, attribute, value)),
      fc
        .tuple(fc.constantFrom("and", "or"), fc.array(tie("tree"), { minLength: 1, maxLength: 3 }))
        .map(([operator, args]) => operation(operator, ...args)),
      tie("tree").map((arg) => operation("not", arg)),
    ),
  })).tree;
  const metadata = fc.record({ a: values, b: values }, { requiredKeys: [] });

  it("for all conditions and metadata", () => {
    fc.assert(
      fc.property(tree, metadata, (filter, document) => {
        expect(matchesFilter(document, translated(filter))).toBe(holds(filter, document));
      }),
    );
  });

  /** The meaning of a query, worked out without the store's grammar. */
  function holds(directive: Comparison | Operation, document: Record<string, unknown>): boolean {
    if (directive instanceof Operation) {
      const parts = (directive.args ?? []).map((arg) => holds(arg as Comparison | Operation, document));
      if (directive.operator === "not") return !parts[0];
      return directive.operator === "and" ? parts.every(Boolean) : parts.some(Boolean);
    }
    const [found, wanted] = [document[directive.attribute] as number, directive.value as number];
    if (directive.comparator === "eq") return found === wanted;
    if (directive.comparator === "ne") return found !== wanted;
    if (typeof found !== typeof wanted) return false;
    return { gt: found > wanted, gte: found >= wanted, lt: found < wanted, lte: found <= wanted }[directive.comparator];
  }
});

describe("merging filters", () => {
  const own: Filter = { tenant: "acme" };
  const generated: Filter = { legs: { $gt: 2 } };
  const isAcme = ({ metadata }: Document) => metadata["tenant"] === "acme";

  it("puts objects together as objects", () => {
    expect(translator.mergeFilters(own, generated)).toEqual({ $and: [own, generated] });
    expect(translator.mergeFilters(own, generated, "or")).toEqual({ $or: [own, generated] });
    expect(translator.mergeFilters(own, generated, "replace")).toEqual(generated);
    expect(translator.mergeFilters(undefined, generated)).toEqual(generated);
    expect(translator.mergeFilters(undefined, undefined)).toBeUndefined();
  });

  it("keeps the caller's filter when the model wants none", () => {
    for (const none of [undefined, {}]) {
      expect(translator.mergeFilters(own, none)).toBe(own);
      expect(translator.mergeFilters(isAcme, none)).toBe(isAcme);
      expect(translator.mergeFilters(own, none, "or")).toBe(own);
      expect(translator.mergeFilters(own, none, "replace")).toBeUndefined();
      expect(translator.mergeFilters(own, none, "replace", true)).toBe(own);
    }
  });

  it.each([
    ["the caller's is a function", isAcme, generated],
    ["the model's is a function", own, ({ metadata }: Document) => (metadata["legs"] as number) > 2],
    ["both are", isAcme, ({ metadata }: Document) => (metadata["legs"] as number) > 2],
  ])("makes a function where %s", (_, first, second) => {
    const of = (filter: unknown, tenant: string, legs: number) =>
      (filter as (document: Document) => boolean)(new Document({ pageContent: "", metadata: { tenant, legs } }));
    const answers = (mergeType: "and" | "or") => {
      const merged = translator.mergeFilters(first, second, mergeType);
      return [of(merged, "acme", 4), of(merged, "acme", 2), of(merged, "other", 4), of(merged, "other", 2)];
    };
    expect(answers("and")).toEqual([true, false, false, false]);
    expect(answers("or")).toEqual([true, true, true, false]);
  });

  it("refuses another way of merging", () => {
    const wrong = () => translator.mergeFilters(own, generated, "xor" as never);
    expect(wrong).toThrow(expect.objectContaining({ code: "INVALID_FILTER" }));
  });
});
