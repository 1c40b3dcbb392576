import fc from "fast-check";
import {
  type FilterOperator,
  type MetadataFilter,
  type MetadataFilters,
  NodeRelationship,
  SimpleVectorStore,
  TextNode,
  VectorStoreQueryMode,
} from "llamaindex";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { toFilter } from "../../../../integrations/llamaindex/filters.js";
import { EmbedlessVectorStore } from "../../../../integrations/llamaindex/index.js";
import { WordEmbedding } from "../../../support/llamaindex_embedding.js";

type Value = string | number | boolean | null | undefined | (string | number)[] | { inner: number };

/** Values of one metadata key: every kind, the falsy ones, and pairs that only a conversion would make equal. */
const VALUES: Value[] = [
  ...[0, 1, -1, 2.5, 10, "", "0", "1", "a", "ab", "B", "é", "\u{1f600}", true, false, null, undefined],
  ...[[], ["a"], ["a", "ab"], [0], [1, 2.5], [""], ["10", "1"], { inner: 1 }],
];
const KEYS = ["x", "a.b", "$and", "back\\slash", "__proto__", "_llamaindex", ""];

/** A metadata object with an own key of any name. */
const holding = (key: string, value: Value) => Object.fromEntries([[key, value]]);

const model = new WordEmbedding();
let store: EmbedlessVectorStore;
let nodes: TextNode[];

beforeAll(async () => {
  store = new EmbedlessVectorStore({ embedModel: model });
  nodes = KEYS.flatMap((key) =>
    VALUES.map(
      (value, i) => new TextNode({ id_: `${key}#${i}`, text: `node ${i} of ${key}`, metadata: holding(key, value) }),
    ),
  );
  await store.add(nodes);
});
afterAll(() => store.close());

const ask = async (filters: MetadataFilters) => {
  const query = { queryStr: "node", similarityTopK: 1000, mode: VectorStoreQueryMode.DEFAULT, filters };
  return (await store.query(query)).ids.sort();
};

const sameKind = (a: unknown, b: unknown) => typeof a === typeof b && (typeof a === "number" || typeof a === "string");
/** Code points, which for these values is the order of their UTF-8 bytes. */
const order = (a: unknown, b: unknown) =>
  typeof a === "string" ? Buffer.compare(Buffer.from(a), Buffer.from(b as string)) : (a as number) - (b as number);

/** What the operators mean, as plainly as it can be said. */
const ORACLE: Record<`${FilterOperator}`, (have: unknown, want: never) => boolean> = {
  "==": (have, want) => have === want,
  "!=": (have, want) => have !== want,
  in: (have, want: unknown[]) => want.includes(have),
  nin: (have, want: unknown[]) => !want.includes(have),
  ">": (have, want) => sameKind(have, want) && order(have, want) > 0,
  ">=": (have, want) => sameKind(have, want) && order(have, want) >= 0,
  "<": (have, want) => sameKind(have, want) && order(have, want) < 0,
  "<=": (have, want) => sameKind(have, want) && order(have, want) <= 0,
  any: (have, want: unknown[]) => Array.isArray(have) && want.some((one) => have.includes(one)),
  all: (have, want: unknown[]) => Array.isArray(have) && want.every((one) => have.includes(one)),
  contains: (have, want) => Array.isArray(have) && have.includes(want),
  text_match: (have, want) => (typeof have === "string" || Array.isArray(have)) && have.includes(String(want)),
  is_empty: (have) => have === null || have === "" || (Array.isArray(have) && have.length === 0),
};

const holds = ({ key, operator, value }: MetadataFilter, metadata: Record<string, unknown>): boolean => {
  const have = Object.hasOwn(metadata, key) ? metadata[key] : undefined;
  if (have === undefined) return operator === "is_empty";
  return ORACLE[operator](have, value as never);
};

const expected = ({ filters, condition }: MetadataFilters) =>
  nodes
    .filter(({ metadata }) =>
      condition === "or" ? filters.some((one) => holds(one, metadata)) : filters.every((one) => holds(one, metadata)),
    )
    .map(({ id_ }) => id_)
    .sort();

const scalar = fc.constantFrom<string | number | boolean>(
  0,
  1,
  -1,
  2.5,
  10,
  "",
  "0",
  "1",
  "a",
  "ab",
  "B",
  "é",
  "\uffff",
  true,
  false,
);
const boundary = scalar.filter((value) => typeof value !== "boolean");
const list = fc.array(scalar, { maxLength: 4 });
const condition = fc.constantFrom(...KEYS, "missing").chain((key) => {
  const of = (value: fc.Arbitrary<unknown>, ...operators: `${FilterOperator}`[]) =>
    fc.record({ key: fc.constant(key), operator: fc.constantFrom(...operators), value });
  return fc.oneof(
    of(scalar, "==", "!=", "contains", "text_match"),
    of(boundary, ">", ">=", "<", "<="),
    of(list, "in", "nin", "any", "all"),
    of(fc.constant(undefined), "is_empty"),
  );
}) as fc.Arbitrary<MetadataFilter>;

describe("all operators", () => {
  it("mean what they say, alone and joined, whatever the metadata", async () => {
    const filters = fc.record({
      filters: fc.array(condition, { maxLength: 3 }),
      condition: fc.constantFrom("and", "or", undefined),
    });
    await fc.assert(
      fc.asyncProperty(filters as fc.Arbitrary<MetadataFilters>, async (one) => {
        expect(await ask(one)).toEqual(expected(one));
      }),
      { numRuns: 400, seed: 7 },
    );
  });

  it.each(["==", "!=", ">", ">=", "<", "<=", "contains", "text_match"] as const)(
    "%s, for each value",
    async (operator) => {
      for (const value of [0, "", "a", 1] as const) {
        const filters = { filters: [{ key: "x", operator, value }] };
        expect(await ask(filters), `${operator} ${JSON.stringify(value)}`).toEqual(expected(filters));
      }
    },
  );

  it("a key that is missing holds for is_empty alone", async () => {
    const found = async (operator: `${FilterOperator}`, value?: unknown) =>
      (await ask({ filters: [{ key: "missing", operator, value: value as never }] })).length;
    expect(await found("is_empty")).toBe(nodes.length);
    for (const operator of ["==", "!=", ">", ">=", "<", "<=", "contains", "text_match"] as const) {
      expect(await found(operator, "a"), operator).toBe(0);
    }
    for (const operator of ["in", "nin", "any", "all"] as const) {
      expect(await found(operator, ["a"]), operator).toBe(0);
      expect(await found(operator, []), `${operator} []`).toBe(0);
    }
  });

  it("no filter lets everything through by and, nothing by or, as in LlamaIndex", async () => {
    expect((await ask({ filters: [] })).length).toBe(nodes.length);
    expect(await ask({ filters: [], condition: "or" })).toEqual([]);
  });
});

describe("beside LlamaIndex's own store", () => {
  it.each([
    ["==", "a"],
    ["==", 1],
    ["!=", "a"],
    ["in", ["a", "B"]],
    ["nin", ["a", "B"]],
    ["any", ["ab", "x"]],
    ["all", ["a", "ab"]],
    ["contains", "ab"],
    ["is_empty", undefined],
  ] as const)("%s %o finds the same", async (operator, value) => {
    const simple = new SimpleVectorStore({ embedModel: model });
    const own = nodes.filter(({ id_ }) => id_.startsWith("x#"));
    for (const node of own) {
      const sourced = node.clone();
      sourced.relationships = { [NodeRelationship.SOURCE]: { nodeId: "s", metadata: {} } };
      sourced.embedding = [1, 0];
      await simple.add([sourced]);
    }
    const filters = { filters: [{ key: "x", operator, value: value as never }] };
    const query = { queryEmbedding: [1, 0], similarityTopK: 100, mode: VectorStoreQueryMode.DEFAULT, filters };
    const theirs = (await simple.query(query)).ids.sort();
    expect((await ask(filters)).filter((id) => id.startsWith("x#"))).toEqual(theirs);
  });
});

describe("what is no filter", () => {
  it.each([
    { filters: [{ key: "x", operator: "~", value: 1 }] },
    { filters: [{ key: 1, operator: "==", value: 1 }] },
    { filters: [{ key: "x", operator: "==" }] },
    { filters: [{ key: "x", operator: "==", value: null }] },
    { filters: [{ key: "x", operator: "==", value: ["a"] }] },
    { filters: [{ key: "x", operator: "==", value: Number.NaN }] },
    { filters: [{ key: "x", operator: "in", value: "a" }] },
    { filters: [{ key: "x", operator: "in", value: [{}] }] },
    { filters: [{ key: "x", operator: ">", value: true }] },
    { filters: [{ key: "x", operator: "==", value: 1 }], condition: "xor" },
    { filters: { x: 1 } },
    { filters: [undefined] },
    { x: 1 },
  ])("%j is refused, even where nothing is asked for", async (filters) => {
    const query = {
      queryStr: "node",
      similarityTopK: 0,
      mode: VectorStoreQueryMode.DEFAULT,
      filters: filters as never,
    };
    await expect(store.query(query)).rejects.toMatchObject({ code: "INVALID_FILTER" });
  });
});

it("only text_match needs to look at every passage", () => {
  const one = (operator: string, value: unknown) => toFilter({ filters: [{ key: "x", operator, value } as never] });
  for (const operator of ["==", "!=", ">", ">=", "<", "<=", "contains"])
    expect(typeof one(operator, "a")).toBe("object");
  for (const operator of ["in", "nin", "any", "all"]) expect(typeof one(operator, ["a"])).toBe("object");
  expect(typeof one("is_empty", undefined)).toBe("object");
  expect(typeof one("text_match", "a")).toBe("function");
});
