/** Checks of arguments. An error says in one sentence what was expected, for which parameter, and what was received. */

import { outOfRange, show, unknownOption, wrongType } from "./errors.js";

/** Throws for the first key that `known` does not have, and names the key that was probably meant. */
export function checkKeys(method: string, options: unknown, known: Readonly<Record<string, 1>>): void {
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw wrongType(`the options of ${method}`, "an object", options);
  }
  for (const key of Object.keys(options)) {
    if (Object.hasOwn(known, key)) continue;
    throw unknownOption(method, key, Object.keys(known), nearest(key, Object.keys(known)));
  }
}

/** Checks that `value` is a whole number from `low` to `high`. */
export function wholeNumberWithin(name: string, value: unknown, low: number, high: number): number {
  const number = numberWithin(name, value, low, high, "a whole number");
  if (!Number.isInteger(number)) throw outOfRange(name, `a whole number from ${low} to ${high}`, value);
  return number;
}

/** Checks that `value` is a number from `low` to `high`. */
export function numberWithin(name: string, value: unknown, low: number, high: number, kind = "a number"): number {
  if (typeof value !== "number") throw wrongType(name, `${kind} from ${low} to ${high}`, value);
  if (!(value >= low && value <= high)) throw outOfRange(name, `${kind} from ${low} to ${high}`, value);
  return value;
}

/** Checks that `value` is an AbortSignal or absent. */
export function checkSignal(value: unknown): AbortSignal | undefined {
  if (value === undefined) return undefined;
  // The class cannot be tested, because a test environment such as jsdom, or a polyfill, has its own.
  const { aborted, addEventListener } = Object(value) as Partial<AbortSignal>;
  if (typeof aborted === "boolean" && typeof addEventListener === "function") return value as AbortSignal;
  throw wrongType("signal", "an AbortSignal", value);
}

/** Checks that `items` can be iterated over, synchronously or asynchronously. */
export function requireIterable<T>(items: Iterable<T> | AsyncIterable<T>): Iterable<T> | AsyncIterable<T> {
  const given = items as unknown;
  if (typeof given === "object" && given !== null && (Symbol.iterator in given || Symbol.asyncIterator in given))
    return items;
  throw wrongType("items", "an array or an iterable of { text, id?, metadata?, vector? }", given);
}

export function boolean(name: string, value: unknown, fallback: boolean): boolean {
  if (value === undefined) return fallback;
  if (typeof value !== "boolean") throw wrongType(name, "true or false", value);
  return value;
}

export function oneOf<T extends string>(name: string, value: unknown, allowed: readonly T[]): T {
  if (typeof value === "string" && (allowed as readonly string[]).includes(value)) return value as T;
  const expected = `one of ${allowed.map(show).join(", ")}`;
  throw typeof value === "string" ? outOfRange(name, expected, value) : wrongType(name, expected, value);
}

/** The candidate that is at most two edits away, for misspelt names. */
function nearest(word: string, candidates: readonly string[]): string | undefined {
  const ranked = candidates.map((name) => ({ name, edits: editDistance(word.toLowerCase(), name.toLowerCase()) }));
  ranked.sort((a, b) => a.edits - b.edits);
  const best = ranked[0];
  return best && best.edits <= 2 ? best.name : undefined;
}

/** Levenshtein's distance by the two-row recurrence. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replace = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(replace, previous[j]! + 1, row[j - 1]! + 1));
    }
    previous = row;
  }
  return previous[b.length]!;
}

/** Checks the options that stop and observe long work. */
export function checkRun<T>({ signal, onProgress }: { signal?: AbortSignal; onProgress?: (progress: T) => void }) {
  if (onProgress !== undefined && typeof onProgress !== "function") {
    throw wrongType("onProgress", "a function", onProgress);
  }
  return { signal: checkSignal(signal), onProgress };
}
