import type { MetadataFilter, MetadataFilters } from "llamaindex";
import {
  EmbedlessError,
  type Filter,
  type FilterValue,
  type Metadata,
  matchesFilter,
  type PassageTest,
} from "../../src/index.js";
import { RECORD } from "./stored_node.js";

/** A condition: a filter of the core, or a function for what only a look at each value can decide. */
type Condition = Filter | ((metadata: Metadata) => boolean);

/** A filter that matches nothing. */
export const NOTHING: Filter = { $not: {} };

/**
 * Converts LlamaIndex's filters to a filter of the core. Keys are names of metadata, dots included. As in LlamaIndex's
 * own store, a condition on a key that a node lacks does not hold, not even `!=` and `nin`, but `is_empty` does. Arrays
 * equal nothing; only `any`, `all` and `contains` look into them. Unlike there, values are never converted: ranges
 * compare numbers with numbers and strings with strings.
 *
 * @returns `undefined` for no filters; a function, which reads every passage, only with `text_match`
 * @throws `INVALID_FILTER` for an unknown operator or condition, or a value that the operator cannot take
 */
export function toFilter(filters: MetadataFilters | undefined): Filter | PassageTest | undefined {
  if (filters === undefined || filters === null) return undefined;
  const { filters: list, condition = "and" } = filters;
  if (!Array.isArray(list)) throw wrong("an array of filters for filters.filters", list);
  if (condition !== "and" && condition !== "or") throw wrong('"and" or "or" for filters.condition', condition);
  const conditions = list.map(readMetadataFilter);
  if (conditions.length === 0) return condition === "and" ? undefined : NOTHING;
  if (conditions.every(isFilter)) return join(conditions, condition);
  const tests = conditions.map((one) => (isFilter(one) ? (metadata: Metadata) => matchesFilter(metadata, one) : one));
  return ({ metadata }) =>
    condition === "and" ? tests.every((test) => test(metadata)) : tests.some((test) => test(metadata));
}

/** Combines two filters, so that both must match. Either may be missing. */
export function both(
  a: Filter | PassageTest | undefined,
  b: Filter | PassageTest | undefined,
): Filter | PassageTest | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  if (typeof a !== "function" && typeof b !== "function") return { $and: [a, b] };
  const tests = [a, b].map(
    (one): PassageTest => (typeof one === "function" ? one : (p) => matchesFilter(p.metadata, one)),
  );
  return (passage) => tests.every((test) => test(passage));
}

function readMetadataFilter(filter: MetadataFilter, index: number): Condition {
  const place = `filters.filters[${index}]`;
  if (typeof filter?.key !== "string") throw wrong(`a string for ${place}.key`, filter?.key);
  const { key, operator, value } = filter;
  const path = pathOf(key);
  const array = { [`${RECORD}.arrays`]: key };
  const noArray = { [`${RECORD}.arrays`]: { $ne: key } };
  const one = () => primitive(value, place);
  const list = () => primitives(value, place);
  switch (operator) {
    case "==":
      return { [path]: one(), ...noArray };
    case "!=":
      return present(path, { $or: [array, { [path]: { $ne: one() } }] });
    case "in":
      return among(path, list(), noArray);
    case "nin": {
      const values = list();
      return present(path, values.length === 0 ? {} : { $or: [array, { [path]: { $nin: values } }] });
    }
    case ">":
      return { [path]: { $gt: bound(value, place) }, ...noArray };
    case ">=":
      return { [path]: { $gte: bound(value, place) }, ...noArray };
    case "<":
      return { [path]: { $lt: bound(value, place) }, ...noArray };
    case "<=":
      return { [path]: { $lte: bound(value, place) }, ...noArray };
    case "any":
      return among(path, list(), array);
    case "all":
      return { $and: [array, ...list().map((item) => ({ [path]: item }))] };
    case "contains":
      return { [path]: one(), ...array };
    case "text_match": {
      const words = String(one());
      return (metadata) => holds(ownValue(metadata, key), words);
    }
    case "is_empty":
      return { $or: [{ [path]: { $in: [null, ""] }, ...noArray }, { [`${RECORD}.emptyArrays`]: key }] };
    default:
      throw wrong(`one of LlamaIndex's filter operators for ${place}.operator`, operator);
  }
}

function present(path: string, also: Filter): Filter {
  return { $and: [{ [path]: { $exists: true } }, also] };
}

function among(path: string, values: FilterValue[], also: Filter): Filter {
  return values.length === 0 ? NOTHING : { [path]: { $in: values }, ...also };
}

/** Whether a value contains the words. For an array: whether one of its items equals the words. */
function holds(value: unknown, words: string): boolean {
  return typeof value === "string" || Array.isArray(value) ? value.includes(words) : false;
}

function join(filters: Filter[], condition: "and" | "or"): Filter {
  const [only] = filters;
  if (filters.length === 1 && only) return only;
  return condition === "and" ? { $and: filters } : { $or: filters };
}

/** The core's path of a node's metadata key. */
function pathOf(key: string): string {
  if (key === RECORD) return `${RECORD}.shadowed`;
  const path = key.replace(/[.\\]/g, "\\$&");
  return path.startsWith("$") ? `\\${path}` : path;
}

function ownValue(metadata: Metadata, key: string): unknown {
  if (key === RECORD) return (metadata[RECORD] as { shadowed?: unknown } | undefined)?.shadowed;
  return Object.hasOwn(metadata, key) ? metadata[key] : undefined;
}

function isFilter(condition: Condition): condition is Filter {
  return typeof condition !== "function";
}

function isPrimitive(value: unknown): value is string | number | boolean {
  return typeof value === "string" || typeof value === "boolean" || Number.isFinite(value);
}

function primitive(value: unknown, place: string): string | number | boolean {
  if (isPrimitive(value)) return value;
  throw wrong(`a string, a finite number, true or false for ${place}.value`, value);
}

function primitives(value: unknown, place: string): (string | number | boolean)[] {
  if (Array.isArray(value) && value.every(isPrimitive)) return value;
  throw wrong(`an array of strings, finite numbers, true or false for ${place}.value`, value);
}

function bound(value: unknown, place: string): string | number {
  if (isPrimitive(value) && typeof value !== "boolean") return value;
  throw wrong(`a string or a finite number for ${place}.value`, value);
}

function wrong(expected: string, received: unknown): EmbedlessError {
  const shown = typeof received === "string" ? JSON.stringify(received.slice(0, 60)) : kindOf(received);
  return new EmbedlessError("INVALID_FILTER", `Expected ${expected}, but received ${shown}.`);
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return `an array of ${value.length}`;
  return typeof value === "object" && value !== null ? "an object" : String(value);
}
