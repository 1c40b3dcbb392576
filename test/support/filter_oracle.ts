import type { Filter, FilterValue, Metadata } from "../../src/index.js";

/**
 * Whether metadata match a filter, worked out the slow and simple way from what `Filter` says: what the library's quicker
 * ways are compared with.
 */
export function oracleMatches(filter: Filter, metadata: Metadata): boolean {
  return Object.entries(filter).every(([key, condition]) => {
    if (key === "$and") return (condition as Filter[]).every((part) => oracleMatches(part, metadata));
    if (key === "$or") return (condition as Filter[]).some((part) => oracleMatches(part, metadata));
    if (key === "$not") return !oracleMatches(condition as Filter, metadata);
    const value = valueAt(metadata, keysOf(key));
    if (typeof condition !== "object" || condition === null) return isOneOf(value, [condition as FilterValue]);
    return Object.entries(condition).every(([operator, operand]) => meets(value, operator, operand as FilterValue));
  });
}

function meets(value: unknown, operator: string, operand: FilterValue | FilterValue[]): boolean {
  if (operator === "$exists") return (value !== undefined) === operand;
  if (operator === "$eq") return isOneOf(value, [operand as FilterValue]);
  if (operator === "$ne") return !isOneOf(value, [operand as FilterValue]);
  if (operator === "$in") return isOneOf(value, operand as FilterValue[]);
  if (operator === "$nin") return !isOneOf(value, operand as FilterValue[]);
  return elementsOf(value).some((element) => isInRange(element, operator, operand as string | number));
}

function isOneOf(value: unknown, wanted: readonly FilterValue[]): boolean {
  return elementsOf(value).some((element) => wanted.some((one) => one === (element === undefined ? null : element)));
}

function isInRange(element: unknown, operator: string, bound: string | number): boolean {
  if (typeof element !== typeof bound) return false;
  const order =
    typeof bound === "string"
      ? compareCodePoints(element as string, bound)
      : Math.sign((element as number) - bound) || Number((element as number) > bound);
  if (operator === "$gt") return order > 0;
  if (operator === "$gte") return order >= 0;
  return operator === "$lt" ? order < 0 : order <= 0;
}

function compareCodePoints(a: string, b: string): number {
  const [x, y] = [a, b].map((text) => Array.from(text, (character) => character.codePointAt(0)!)) as [
    number[],
    number[],
  ];
  const at = x.findIndex((point, i) => point !== y[i]);
  if (at === -1) return x.length - y.length;
  return x[at]! - (y[at] ?? -1);
}

function elementsOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [value];
}

function valueAt(metadata: Metadata, keys: readonly string[]): unknown {
  let value: unknown = metadata;
  for (const key of keys) {
    if (typeof value !== "object" || value === null || Array.isArray(value) || !Object.hasOwn(value, key)) return;
    value = (value as Metadata)[key];
  }
  return value;
}

/** A backslash makes a dot, a dollar sign or a backslash part of a key. */
function keysOf(path: string): string[] {
  const keys = [""];
  for (let i = 0; i < path.length; i++) {
    const isEscaped = path[i] === "\\" && /^[.$\\]$/.test(path[i + 1] ?? "");
    if (path[i] === "." && !isEscaped) keys.push("");
    else keys.push(keys.pop()! + path[isEscaped ? ++i : i]);
  }
  return keys;
}
