import type { FilterValue } from "../api/passage.js";
import { EmbedlessError, show } from "../base/errors.js";
import { isPlainObject } from "../passage/metadata.js";

/** Deepest nesting of `$and`, `$or` and `$not`; the filter itself is level 1. */
export const MAX_FILTER_DEPTH = 32;
/** Most conditions and nested filters in total. */
export const MAX_FILTER_CONDITIONS = 1_000;
/** Most values in total, those in lists included. */
export const MAX_FILTER_VALUES = 10_000;
/** Most UTF-16 units of all values together. */
export const MAX_FILTER_TEXT = 2 ** 20;
/** Longest path in UTF-16 units, and most keys in it. */
export const MAX_PATH_LENGTH = 1_000;
export const MAX_PATH_KEYS = 32;

/** How much of each limit is left while a filter is read. */
interface Budget {
  conditions: number;
  values: number;
  text: number;
}

/**
 * Checks a filter of the public grammar (see `Filter`) and copies it into a small tree. Every property is read once, so
 * later changes to the object have no effect.
 *
 * @param parameter The filter's name in an error.
 * @throws EmbedlessError `INVALID_FILTER`, naming the place
 */
export function parseFilter(filter: unknown, parameter = "filter"): FilterTree {
  const budget = { conditions: MAX_FILTER_CONDITIONS, values: MAX_FILTER_VALUES, text: MAX_FILTER_TEXT };
  return readFilter(filter, parameter, 1, budget);
}

/**
 * The keys of a path as filters write it. Dots separate keys. A backslash before a dot, a dollar sign or a backslash
 * makes that character part of the key; any other backslash stands for itself.
 *
 * @throws EmbedlessError `INVALID_FILTER` for a path that is too long or holds NUL characters
 */
export function parsePath(path: string, place: string): FilterPath {
  // SQLite compares JSON keys only up to the first NUL.
  if (path.includes("\0")) throw invalid(`Expected a path without NUL characters for ${place}.`);
  if (path.length > MAX_PATH_LENGTH) {
    throw invalid(`Expected a path of at most ${MAX_PATH_LENGTH} characters for ${place}, but it has ${path.length}.`);
  }
  const keys = [""];
  for (const [piece] of path.matchAll(/\\[.$\\]|[\s\S]/g)) {
    if (piece === ".") keys.push("");
    else keys[keys.length - 1] += piece.length === 2 ? piece.slice(1) : piece;
  }
  if (keys.length <= MAX_PATH_KEYS) return keys;
  throw invalid(`Expected a path of at most ${MAX_PATH_KEYS} keys for ${place}, but it has ${keys.length}.`);
}

/** Writes keys as a path that `parsePath` reads as the same keys. Equal keys give equal paths. */
export function writePath(keys: FilterPath): string {
  const path = keys.map((key) => key.replace(/[.\\]/g, "\\$&")).join(".");
  return path.startsWith("$") ? `\\${path}` : path;
}

function readFilter(filter: unknown, place: string, depth: number, budget: Budget): FilterTree {
  if (!isPlainObject(filter)) throw unexpected(place, "an object of conditions", filter);
  if (depth > MAX_FILTER_DEPTH) {
    throw invalid(`Expected at most ${MAX_FILTER_DEPTH} levels of $and, $or and $not, but ${place} is deeper.`);
  }
  spend(budget, "conditions", place);
  const parts = Object.keys(filter).map((key) => {
    const inside = placeOf(place, key);
    const value = filter[key];
    if (key === "$and" || key === "$or") {
      return folded(key === "$and" ? "all" : "any", readFilters(value, inside, depth, budget));
    }
    if (key === "$not") return { kind: "not", of: readFilter(value, inside, depth + 1, budget) } as const;
    if (key.startsWith("$")) {
      const hint = `Known here are $and, $or and $not. Write a key that begins with $ as ${show(`\\${key}`)}.`;
      throw invalid(`Unknown operator ${show(key)} in ${place}. ${hint}`);
    }
    return readPathCondition(value, parsePath(key, inside), inside, budget);
  });
  return joined(parts);
}

function readFilters(filters: unknown, place: string, depth: number, budget: Budget): FilterTree[] {
  return listOf(filters, place, "filters", budget.conditions, MAX_FILTER_CONDITIONS).map((filter, i) =>
    readFilter(filter, `${place}[${i}]`, depth + 1, budget),
  );
}

/** The condition at a path: a plain value, or an object of operators. */
function readPathCondition(condition: unknown, path: FilterPath, place: string, budget: Budget): FilterTree {
  if (!isPlainObject(condition)) {
    spend(budget, "conditions", place);
    return { kind: "value", path, tests: [{ op: "in", values: [readValue(condition, place, budget)] }] };
  }
  const tests: ValueTest[] = [];
  const others: FilterTree[] = [];
  for (const operator of Object.keys(condition)) {
    const inside = placeOf(place, operator);
    const operand = condition[operator];
    spend(budget, "conditions", inside);
    switch (operator) {
      case "$eq":
        tests.push({ op: "in", values: [readValue(operand, inside, budget)] });
        break;
      case "$in":
        tests.push({ op: "in", values: readValues(operand, inside, budget) });
        break;
      case "$gt":
      case "$gte":
      case "$lt":
      case "$lte":
        tests.push({ op: rangeOf(operator), value: readBound(operand, inside, budget) });
        break;
      case "$ne":
        others.push(notIn(path, [readValue(operand, inside, budget)]));
        break;
      case "$nin":
        others.push(notIn(path, readValues(operand, inside, budget)));
        break;
      case "$exists":
        others.push(existence(path, operand, inside));
        break;
      default:
        throw unknownOperator(operator, place);
    }
  }
  if (tests.length > 0) others.unshift({ kind: "value", path, tests });
  if (others.length === 0) throw unexpected(place, "a value or an object of operators", "an object without any", true);
  return joined(others);
}

function rangeOf(operator: "$gt" | "$gte" | "$lt" | "$lte"): "gt" | "gte" | "lt" | "lte" {
  return operator.slice(1) as "gt" | "gte" | "lt" | "lte";
}

function notIn(path: FilterPath, values: readonly FilterValue[]): FilterTree {
  return { kind: "not", of: { kind: "value", path, tests: [{ op: "in", values }] } };
}

function existence(path: FilterPath, wanted: unknown, place: string): FilterTree {
  if (typeof wanted !== "boolean") throw unexpected(place, "true or false", wanted);
  return wanted ? { kind: "exists", path } : { kind: "not", of: { kind: "exists", path } };
}

function readValues(values: unknown, place: string, budget: Budget): FilterValue[] {
  return listOf(values, place, "values", budget.values, MAX_FILTER_VALUES).map((value, i) =>
    readValue(value, `${place}[${i}]`, budget),
  );
}

function readValue(value: unknown, place: string, budget: Budget): FilterValue {
  spend(budget, "values", place);
  spendText(budget, value, place);
  if (value === null || typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "number" && Number.isFinite(value)) return value;
  const hint = Array.isArray(value) ? " ($in takes an array)" : "";
  throw unexpected(place, `a string, a finite number, true, false or null${hint}`, value);
}

function readBound(value: unknown, place: string, budget: Budget): string | number {
  spend(budget, "values", place);
  spendText(budget, value, place);
  if (typeof value === "string" || (typeof value === "number" && Number.isFinite(value))) return value;
  throw unexpected(place, "a string or a finite number", value);
}

/** Checks that `value` is an array of 1 to `left` items without holes. */
function listOf(value: unknown, place: string, items: string, left: number, most: number): unknown[] {
  if (!Array.isArray(value)) throw unexpected(place, `an array of ${items}`, value);
  if (value.length === 0) throw unexpected(place, `an array of at least one of the ${items}`, "an empty one", true);
  if (value.length > left) throw tooLarge(items, most, place);
  return Array.from(value);
}

function spendText(budget: Budget, value: unknown, place: string): void {
  if (typeof value === "string") budget.text -= value.length;
  if (budget.text < 0) throw tooLarge("characters of values", MAX_FILTER_TEXT, place);
}

function spend(budget: Budget, what: "conditions" | "values", place: string): void {
  if (budget[what]-- > 0) return;
  throw tooLarge(what, what === "values" ? MAX_FILTER_VALUES : MAX_FILTER_CONDITIONS, place);
}

function tooLarge(what: string, most: number, place: string): EmbedlessError {
  return invalid(`Expected at most ${most} ${what} in a filter, but ${place} exceeds that.`);
}

/** One tree that holds if all `parts` hold. */
function joined(parts: readonly FilterTree[]): FilterTree {
  const [only] = parts;
  return parts.length === 1 && only ? only : folded("all", parts);
}

function unknownOperator(operator: string, place: string): EmbedlessError {
  const known = "$eq, $ne, $gt, $gte, $lt, $lte, $in, $nin and $exists";
  if (!operator.startsWith("$")) {
    const hint = "Use a path with dots for a value inside an object.";
    return invalid(`Expected operators (${known}) in ${place}, but received the key ${show(operator)}. ${hint}`);
  }
  const hint = /^\$(and|or|not)$/.test(operator) ? ` ${operator} takes whole filters and cannot follow a path.` : "";
  return invalid(`Unknown operator ${show(operator)} in ${place}. Known here are ${known}.${hint}`);
}

/** The place of a key, for errors: `filter.$and`, `filter["author.name"]`. */
function placeOf(place: string, key: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(key) && key.length <= 60 ? `${place}.${key}` : `${place}[${show(key)}]`;
}

function unexpected(place: string, expected: string, received: unknown, inWords = false): EmbedlessError {
  const what = inWords ? String(received) : show(received);
  return invalid(`Expected ${expected} for ${place}, but received ${what}.`);
}

function invalid(message: string): EmbedlessError {
  return new EmbedlessError("INVALID_FILTER", message);
}

/** Metadata keys from the outermost to the innermost. */
export type FilterPath = readonly string[];

/**
 * A test for the value at a path. If the value is an array, its elements are tested, and one that passes is enough.
 * Objects never pass. `in` with `null` also holds if the path is missing.
 */
export type ValueTest =
  | { readonly op: "in"; readonly values: readonly FilterValue[] }
  | { readonly op: "gt" | "gte" | "lt" | "lte"; readonly value: string | number };

/** A checked filter. `value` holds if all its tests hold; `$ne` and `$nin` become `not` around `in`. */
export type FilterTree =
  | { readonly kind: "all" | "any"; readonly of: readonly FilterTree[] }
  | { readonly kind: "not"; readonly of: FilterTree }
  | { readonly kind: "exists"; readonly path: FilterPath }
  | { readonly kind: "value"; readonly path: FilterPath; readonly tests: readonly ValueTest[] };

/**
 * The tree of `kind` over `parts`, simplified without changing its meaning: trees of the same kind are merged, and
 * lists of values of one path become one list. A filter of many equalities then costs as much as one `$in`.
 */
export function folded(kind: "all" | "any", parts: readonly FilterTree[]): FilterTree {
  const flat = parts.flatMap((part) => (part.kind === kind && part.of.length > 0 ? part.of : [part]));
  return { kind, of: kind === "any" ? withJoinedLists(flat) : withJoinedNegations(flat) };
}

/** `a is 1` or `a is 2` becomes `a is in [1, 2]`. */
function withJoinedLists(parts: readonly FilterTree[]): FilterTree[] {
  return withJoined(parts, valueListOf, (path, values) => ({ kind: "value", path, tests: [{ op: "in", values }] }));
}

/** `a is not 1` and `a is not 2` becomes `a is not in [1, 2]`. */
function withJoinedNegations(parts: readonly FilterTree[]): FilterTree[] {
  const negated = (part: FilterTree) => (part.kind === "not" ? valueListOf(part.of) : undefined);
  return withJoined(parts, negated, (path, values) => {
    return { kind: "not", of: { kind: "value", path, tests: [{ op: "in", values }] } };
  });
}

interface ValueList {
  readonly path: FilterPath;
  readonly values: readonly FilterValue[];
}

/** The list of a tree that is only one list; `undefined` for other trees. */
function valueListOf(tree: FilterTree): ValueList | undefined {
  if (tree.kind !== "value" || tree.tests.length !== 1) return undefined;
  const [test] = tree.tests;
  return test?.op === "in" ? { path: tree.path, values: test.values } : undefined;
}

/** Joins all lists of one path at the place of the first. */
function withJoined(
  parts: readonly FilterTree[],
  listIn: (part: FilterTree) => ValueList | undefined,
  join: (path: FilterPath, values: readonly FilterValue[]) => FilterTree,
): FilterTree[] {
  const byPath = new Map<string, { list: ValueList; at: number; values: Set<FilterValue>; parts: number }>();
  const kept: FilterTree[] = [];
  for (const part of parts) {
    const list = listIn(part);
    const key = list && JSON.stringify(list.path);
    const known = key === undefined ? undefined : byPath.get(key);
    if (list === undefined || key === undefined) kept.push(part);
    else if (known === undefined) {
      byPath.set(key, { list, at: kept.push(part) - 1, values: new Set(list.values), parts: 1 });
    } else {
      known.parts++;
      for (const value of list.values) known.values.add(value);
    }
  }
  for (const { list, at, values, parts } of byPath.values()) {
    if (parts > 1) kept[at] = join(list.path, [...values]);
  }
  return kept;
}
