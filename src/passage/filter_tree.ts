import type { FilterValue } from "../types.js";

/** Metadata keys from the outermost to the innermost. */
export type FilterPath = readonly string[];

/**
 * What the values at a path are asked. The value itself is looked at, or if it is an array each of its elements: one
 * that holds is enough. Objects are no values. `in` with `null` also holds where the path is missing.
 */
export type ValueTest =
  | { readonly op: "in"; readonly values: readonly FilterValue[] }
  | { readonly op: "gt" | "gte" | "lt" | "lte"; readonly value: string | number };

/** A checked filter. `value` holds when all its tests do; `$ne` and `$nin` are `not` around `in`. */
export type FilterTree =
  | { readonly kind: "all" | "any"; readonly of: readonly FilterTree[] }
  | { readonly kind: "not"; readonly of: FilterTree }
  | { readonly kind: "exists"; readonly path: FilterPath }
  | { readonly kind: "value"; readonly path: FilterPath; readonly tests: readonly ValueTest[] };

/**
 * The tree of `kind` over `parts`, made smaller where it means the same: trees of the same kind are taken apart, and
 * lists of values of one path become one list. A filter of many equalities then costs as much as one `$in`.
 */
export function folded(kind: "all" | "any", parts: readonly FilterTree[]): FilterTree {
  const flat = parts.flatMap((part) => (part.kind === kind && part.of.length > 0 ? part.of : [part]));
  return { kind, of: kind === "any" ? withJoinedLists(flat) : withJoinedNegations(flat) };
}

/** `a is 1` or `a is 2`: `a is in [1, 2]`. */
function withJoinedLists(parts: readonly FilterTree[]): FilterTree[] {
  return withJoined(parts, listOf, (path, values) => ({ kind: "value", path, tests: [{ op: "in", values }] }));
}

/** `a is not 1` and `a is not 2`: `a is not in [1, 2]`. */
function withJoinedNegations(parts: readonly FilterTree[]): FilterTree[] {
  const negated = (part: FilterTree) => (part.kind === "not" ? listOf(part.of) : undefined);
  return withJoined(parts, negated, (path, values) => {
    return { kind: "not", of: { kind: "value", path, tests: [{ op: "in", values }] } };
  });
}

interface ValueList {
  readonly path: FilterPath;
  readonly values: readonly FilterValue[];
}

/** The list that a tree asks for, if that is all it asks. */
function listOf(tree: FilterTree): ValueList | undefined {
  if (tree.kind !== "value" || tree.tests.length !== 1) return undefined;
  const [test] = tree.tests;
  return test?.op === "in" ? { path: tree.path, values: test.values } : undefined;
}

/** Joins all lists of one path at the place of the first one. */
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
