import type { FilterPath, FilterTree, ValueTest } from "./parse.js";

/**
 * A query over `passages`, and its parameters ?1, ?2, ... Everything that came from the caller is in the parameters.
 * Only the paths of expression indexes are in the text, quoted.
 *
 * Values travel as JSON and are read by SQLite's JSON reader. So `2 ** 62`, `1e-300`, and strings with NUL characters
 * or lone surrogates become exactly what they became in the stored metadata.
 */
export interface FilterSql {
  readonly sql: string;
  readonly params: readonly string[];
}

/** Values of a list that one query looks up. This takes a few milliseconds. */
const LOOKED_UP_AT_ONCE = 1_000;

/**
 * Queries that together find every node that may match, each by one expression index. They find too many nodes if a
 * test needs the type of a value, or if there are other conditions. `undefined`: every passage must be read.
 *
 * @param isIndexed Whether the path has an expression index (`indexedExpression`).
 */
export function indexQueries(tree: FilterTree, isIndexed: (path: FilterPath) => boolean): FilterSql[] | undefined {
  const queries = leadOf(tree, isIndexed)?.queries;
  // Branches of $or that name the same path may give equal queries.
  return queries && [...new Map(queries.map((query) => [JSON.stringify(query), query])).values()];
}

/** The expression that a path's index is made on. SQLite uses an index only for exactly this text. */
export function indexedExpression(path: FilterPath): string {
  return `json_extract(metadata, '${jsonPath(path).replaceAll("'", "''")}')`;
}

/** Values bound to a query. Each method answers the SQL that stands for its argument. */
class Values {
  readonly params: string[] = [];

  one(value: string | number): string {
    return `json_extract(${this.#bind(JSON.stringify(value))}, '$')`;
  }

  /** A subquery that gives every value of the list. */
  each(list: readonly unknown[]): string {
    return `(SELECT listed.value FROM json_each(${this.#bind(JSON.stringify(list))}) AS listed)`;
  }

  #bind(param: string): string {
    return `?${this.params.push(param)}`;
  }
}

type Range = Exclude<ValueTest, { op: "in" }>;

const SIGNS = { gt: ">", gte: ">=", lt: "<", lte: "<=" } as const;

/** Queries that indexes can answer, and their rank: lower is better. */
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

/** A test for some values leads to fewer passages than ranges do. A test for missing values leads to more. */
function leadOfTests(path: FilterPath, tests: readonly ValueTest[]): Lead {
  const arrays = query(path, (x) => `${x} >= '[' AND ${x} < '\\'`);
  const list = tests.find((test) => test.op === "in");
  if (list?.op === "in") {
    const nulls = list.values.includes(null) ? [query(path, (x) => `${x} IS NULL`)] : [];
    const stored = list.values.filter((value) => value !== null).map((v) => (typeof v === "boolean" ? Number(v) : v));
    const scalars = piecesOf(stored).map((piece) => query(path, (x, values) => `${x} IN ${values.each(piece)}`));
    return { queries: [...scalars, ...nulls, arrays], rank: nulls.length > 0 ? 2 : 0 };
  }
  return { queries: [query(path, (x, values) => indexRange(x, tests as readonly Range[], values)), arrays], rank: 1 };
}

function piecesOf<T>(list: readonly T[]): T[][] {
  const pieces: T[][] = [];
  for (let at = 0; at < list.length; at += LOOKED_UP_AT_ONCE) pieces.push(list.slice(at, at + LOOKED_UP_AT_ONCE));
  return pieces;
}

/** In an index all numbers stand before all strings, so a range with one open side ends at the border between them. */
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

/** A path for SQLite's JSON functions. A quoted key may hold any character, escaped as in JSON. */
function jsonPath(path: FilterPath): string {
  return `$${path.map((key) => `.${JSON.stringify(key)}`).join("")}`;
}
