import type { FilterPath, FilterTree, ValueTest } from "./filter.js";

/**
 * A condition or query over `passages`, and the parameters ?1, ?2, ... to bind. All that came from the caller is in the
 * parameters; only the paths of expression indexes are in the text, quoted.
 *
 * Values travel as JSON and are taken out of it by SQLite's own JSON reader: so `2 ** 62`, `1e-300` and strings with NUL
 * characters or lone surrogates become exactly what the stored metadata became.
 */
export interface FilterSql {
  readonly sql: string;
  readonly params: readonly string[];
}

/** A filter as a condition on the column `metadata`. Not true (0 or NULL) where it does not match. */
export function filterCondition(tree: FilterTree): FilterSql {
  const values = new Values();
  return { sql: conditionOf(tree, values), params: values.params };
}

/**
 * Queries that together find every node that may match, each by an expression index alone; they find more where a test
 * needs the type of a value or there are further conditions. `undefined`: the filter needs a look at every passage.
 *
 * @param isIndexed Whether the path has an expression index (`indexedExpression`).
 */
export function indexQueries(tree: FilterTree, isIndexed: (path: FilterPath) => boolean): FilterSql[] | undefined {
  return leadOf(tree, isIndexed)?.queries;
}

/** What the expression index of a path is made on. SQLite uses an index only for the very same text. */
export function indexedExpression(path: FilterPath): string {
  return `json_extract(metadata, '${jsonPath(path).replaceAll("'", "''")}')`;
}

/** Values on their way to SQLite; each method answers the SQL that stands for its argument. */
class Values {
  readonly params: string[] = [];

  one(value: string | number): string {
    return `json_extract(${this.#bind(JSON.stringify(value))}, '$')`;
  }

  /** A subquery that gives every value of the list. */
  each(list: readonly unknown[]): string {
    return `(SELECT listed.value FROM json_each(${this.#bind(JSON.stringify(list))}) AS listed)`;
  }

  path(path: FilterPath): string {
    return this.#bind(jsonPath(path));
  }

  #bind(param: string): string {
    return `?${this.params.push(param)}`;
  }
}

function conditionOf(tree: FilterTree, values: Values): string {
  switch (tree.kind) {
    case "all":
      return joined(
        tree.of.map((part) => conditionOf(part, values)),
        "AND",
      );
    case "any":
      return joined(
        tree.of.map((part) => conditionOf(part, values)),
        "OR",
      );
    case "not":
      return `(${conditionOf(tree.of, values)} IS NOT TRUE)`;
    case "exists":
      return `(json_type(metadata, ${values.path(tree.path)}) IS NOT NULL)`;
    case "value": {
      const path = values.path(tree.path);
      return joined(
        tree.tests.map((test) => testOf(test, path, values)),
        "AND",
      );
    }
  }
}

/** `json_each` gives an array's elements and a scalar as itself; of an object it would give the members, so not those. */
function testOf(test: ValueTest, path: string, values: Values): string {
  const condition = test.op === "in" ? listCondition(test.values, values) : rangeCondition(test, values);
  const element =
    `(json_type(metadata, ${path}) <> 'object' AND ` +
    `EXISTS (SELECT 1 FROM json_each(metadata, ${path}) AS item WHERE ${condition}))`;
  if (test.op !== "in" || !test.values.includes(null)) return element;
  return `(json_type(metadata, ${path}) IS NULL OR ${element})`;
}

/** Types are asked for by name: as values, booleans would be 0 and 1, and an object its JSON text. */
function listCondition(list: readonly unknown[], values: Values): string {
  const plain = list.filter((value) => typeof value === "string" || typeof value === "number");
  const literals = list.filter((value) => value === null || typeof value === "boolean");
  const parts = [...new Set(literals)].map((value) => `item.type = '${value}'`);
  if (plain.length > 0) {
    parts.push(`(item.type IN ('integer', 'real', 'text') AND item.value IN ${values.each(plain)})`);
  }
  return joined(parts, "OR");
}

type Range = Exclude<ValueTest, { op: "in" }>;

const SIGNS = { gt: ">", gte: ">=", lt: "<", lte: "<=" } as const;

function rangeCondition({ op, value }: Range, values: Values): string {
  const types = typeof value === "string" ? "('text')" : "('integer', 'real')";
  return `item.type IN ${types} AND item.value ${SIGNS[op]} ${values.one(value)}`;
}

/** Joins conditions as a balanced tree, for SQLite limits the depth of an expression. */
function joined(parts: readonly string[], operator: "AND" | "OR"): string {
  if (parts.length === 0) return operator === "AND" ? "TRUE" : "FALSE";
  if (parts.length === 1) return parts[0]!;
  const half = Math.ceil(parts.length / 2);
  return `(${joined(parts.slice(0, half), operator)} ${operator} ${joined(parts.slice(half), operator)})`;
}

/** Queries that an index can answer, and how good a lead they are: lower is better. */
interface Lead {
  readonly queries: FilterSql[];
  readonly rank: number;
}

function leadOf(tree: FilterTree, isIndexed: (path: FilterPath) => boolean): Lead | undefined {
  switch (tree.kind) {
    case "all": {
      const leads = tree.of.flatMap((part) => leadOf(part, isIndexed) ?? []);
      return leads.sort((a, b) => a.rank - b.rank)[0];
    }
    case "any": {
      const leads = tree.of.flatMap((part) => leadOf(part, isIndexed) ?? []);
      if (leads.length < tree.of.length) return undefined;
      return { queries: leads.flatMap(({ queries }) => queries), rank: Math.max(...leads.map(({ rank }) => rank)) };
    }
    case "value":
      return isIndexed(tree.path) ? leadOfTests(tree.path, tree.tests) : undefined;
    default:
      return undefined;
  }
}

/** A test for some values leads to fewer passages than ranges do; one for missing values to more. */
function leadOfTests(path: FilterPath, tests: readonly ValueTest[]): Lead {
  const arrays = query(path, (x) => `${x} >= '[' AND ${x} < '\\'`);
  const list = tests.find((test) => test.op === "in");
  if (list?.op === "in") {
    const nulls = list.values.includes(null) ? [query(path, (x) => `${x} IS NULL`)] : [];
    const stored = list.values.filter((value) => value !== null).map((v) => (typeof v === "boolean" ? Number(v) : v));
    const scalars = stored.length > 0 ? [query(path, (x, values) => `${x} IN ${values.each(stored)}`)] : [];
    return { queries: [...scalars, ...nulls, arrays], rank: nulls.length > 0 ? 2 : 0 };
  }
  return { queries: [query(path, (x, values) => indexRange(x, tests as readonly Range[], values)), arrays], rank: 1 };
}

/** In an index all numbers lie before all texts: a range that is open on one side ends at the border. */
function indexRange(x: string, tests: readonly Range[], values: Values): string {
  const isText = typeof tests[0]!.value === "string";
  const border = isText ? `${x} >= ''` : `${x} < ''`;
  const bounds = tests
    .filter(({ value }) => (typeof value === "string") === isText)
    .map(({ op, value }) => `${x} ${SIGNS[op]} ${values.one(value)}`);
  return [...bounds, border].join(" AND ");
}

function query(path: FilterPath, where: (expression: string, values: Values) => string): FilterSql {
  const values = new Values();
  const sql = `SELECT node FROM passages WHERE ${where(indexedExpression(path), values)}`;
  return { sql, params: values.params };
}

/** A path of SQLite's JSON functions. In quotes a key may hold anything, escaped as in JSON. */
function jsonPath(path: FilterPath): string {
  return `$${path.map((key) => `.${JSON.stringify(key)}`).join("")}`;
}
