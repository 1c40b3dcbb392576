import { EmbedlessError } from "../errors.js";
import type { Filter, FilterValue, Metadata, Passage, PassageTest } from "../types.js";
import { type FilterPath, type FilterTree, parseFilter, type ValueTest } from "./filter.js";

/**
 * Whether a passage with these metadata passes a filter: what `search`, `count`, `passages` and `delete` decide, for an
 * object in memory.
 *
 * @param metadata JSON, as a store gives it back.
 * @throws EmbedlessError `INVALID_FILTER`, naming the place
 */
export function matchesFilter(metadata: Metadata, filter: Filter): boolean {
  return matches(parseFilter(filter), metadata);
}

/** A filter ready for use: conditions on metadata, or a function over passages. */
export type Condition = FilterTree | { readonly kind: "test"; readonly test: PassageTest };

/** Checks what a caller gave as a filter. Throws `INVALID_FILTER`. */
export function readCondition(filter: unknown): Condition {
  return typeof filter === "function" ? { kind: "test", test: filter as PassageTest } : parseFilter(filter);
}

/**
 * Whether a passage meets a condition.
 *
 * @throws `INVALID_FILTER` for a function that answers with a promise; whatever the function throws
 */
export function holds(condition: Condition, { id, text, metadata }: Passage): boolean {
  if (condition.kind !== "test") return matches(condition, metadata);
  const answer: unknown = condition.test({ id, text, metadata });
  if (typeof answer === "object" && answer !== null && "then" in answer) {
    throw new EmbedlessError(
      "INVALID_FILTER",
      "Expected a filter that answers at once, but it answered with a promise.",
    );
  }
  return Boolean(answer);
}

/** `matchesFilter` for a filter that was checked already. */
export function matches(tree: FilterTree, metadata: Metadata): boolean {
  switch (tree.kind) {
    case "all":
      return tree.of.every((part) => matches(part, metadata));
    case "any":
      return tree.of.some((part) => matches(part, metadata));
    case "not":
      return !matches(tree.of, metadata);
    case "exists":
      return valueAt(metadata, tree.path) !== undefined;
    case "value": {
      const value = valueAt(metadata, tree.path);
      return tree.tests.every((test) => passes(value, test));
    }
  }
}

/** What lies at a path, `undefined` if nothing does. Paths lead through objects only, never into arrays. */
function valueAt(metadata: Metadata, path: FilterPath): unknown {
  let value: unknown = metadata;
  for (const key of path) {
    if (typeof value !== "object" || value === null || Array.isArray(value) || !Object.hasOwn(value, key)) return;
    value = (value as Metadata)[key];
  }
  return value;
}

function passes(value: unknown, test: ValueTest): boolean {
  const asked = Array.isArray(value) ? value : [value];
  if (test.op !== "in") return asked.some((one) => isWithin(one, test));
  return asked.some((one) => test.values.includes((one ?? null) as FilterValue));
}

function isWithin(value: unknown, { op, value: bound }: Exclude<ValueTest, { op: "in" }>): boolean {
  if (typeof value !== typeof bound) return false;
  const order =
    typeof value === "string" ? compareStrings(value, bound as string) : (value as number) - (bound as number);
  if (op === "gt") return order > 0;
  if (op === "gte") return order >= 0;
  return op === "lt" ? order < 0 : order <= 0;
}

/** Order by Unicode code points, as UTF-8 has it; JavaScript's own puts U+10000 before U+E000. */
function compareStrings(a: string, b: string): number {
  let i = 0;
  while (i < a.length && i < b.length && a.charCodeAt(i) === b.charCodeAt(i)) i++;
  // The difference may lie in the second half of a code point.
  const before = i > 0 && isHighSurrogate(a.charCodeAt(i - 1)) ? compareAt(a, b, i - 1) : 0;
  return before || compareAt(a, b, i);
}

function compareAt(a: string, b: string, i: number): number {
  return (a.codePointAt(i) ?? -1) - (b.codePointAt(i) ?? -1);
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit < 0xdc00;
}
