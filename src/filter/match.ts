import type { Filter, Metadata, Passage, PassageTest } from "../api/passage.js";
import { EmbedlessError } from "../base/errors.js";
import { type FilterPath, type FilterTree, parseFilter, type ValueTest } from "./parse.js";

/**
 * Whether metadata pass a filter. `search`, `count`, `passages` and `delete` decide in the same way; this function
 * decides for an object in memory.
 *
 * @param metadata JSON, as a store returns it.
 * @throws EmbedlessError `INVALID_FILTER`, naming the place
 */
export function matchesFilter(metadata: Metadata, filter: Filter): boolean {
  return matches(parseFilter(filter), metadata);
}

/** A filter that was checked: conditions on metadata, or a function over passages. */
export type Condition = FilterTree | { readonly kind: "test"; readonly test: PassageTest };

/** Checks a filter that a caller gave. Throws `INVALID_FILTER`. */
export function conditionOf(filter: unknown): Condition {
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
      "Expected a filter function that answers at once, but it answered with a promise.",
    );
  }
  return Boolean(answer);
}

const programs = new WeakMap<FilterTree, FilterProgram>();

/** `matchesFilter` for a filter that was checked already. The first call prepares the filter for later ones. */
export function matches(tree: FilterTree, metadata: Metadata): boolean {
  let program = programs.get(tree);
  if (program === undefined) {
    program = new FilterProgram(tree);
    programs.set(tree, program);
  }
  return program.matches(metadata);
}

type Range = Exclude<ValueTest, { op: "in" }>;

/** Decides one condition for the metadata of one passage. */
type Decision = (asked: Asked) => boolean;

/**
 * A filter prepared for many passages: lists of values become sets, and equal paths are looked up once per passage. The
 * steps of one decision grow with the conditions of the filter and with the elements of the arrays, but not with their
 * product.
 */
export class FilterProgram {
  /** Distinct paths. Conditions name them by their index. */
  readonly #paths: FilterPath[] = [];
  readonly #places = new Map<string, number>();
  readonly #decide: Decision;

  constructor(tree: FilterTree) {
    this.#decide = this.#decisionOf(tree);
  }

  matches(metadata: Metadata): boolean {
    return this.#decide(new Asked(metadata, this.#paths));
  }

  #decisionOf(tree: FilterTree): Decision {
    switch (tree.kind) {
      case "all": {
        const parts = tree.of.map((part) => this.#decisionOf(part));
        return (asked) => parts.every((part) => part(asked));
      }
      case "any": {
        const parts = tree.of.map((part) => this.#decisionOf(part));
        return (asked) => parts.some((part) => part(asked));
      }
      case "not": {
        const part = this.#decisionOf(tree.of);
        return (asked) => !part(asked);
      }
      case "exists": {
        const place = this.#placeOf(tree.path);
        return (asked) => asked.at(place) !== undefined;
      }
      case "value": {
        const place = this.#placeOf(tree.path);
        const [first, ...others] = tree.tests.map(testOf);
        if (first === undefined) return () => true;
        if (others.length === 0) return (asked) => first(asked.at(place));
        return (asked) => {
          const value = asked.at(place);
          return first(value) && others.every((test) => test(value));
        };
      }
    }
  }

  #placeOf(path: FilterPath): number {
    const key = JSON.stringify(path);
    const place = this.#places.get(key) ?? this.#paths.push(path) - 1;
    this.#places.set(key, place);
    return place;
  }
}

/** A test for what `Asked.at` answers. */
function testOf(test: ValueTest): (value: unknown) => boolean {
  if (test.op === "in") {
    const values: ReadonlySet<unknown> = new Set(test.values);
    return (value) => (value instanceof Elements ? value.haveAny(values) : values.has(value ?? null));
  }
  const { op, value: bound } = test;
  return (value) => {
    if (value instanceof Elements) return value.areWithin(op, bound);
    return typeof value === typeof bound && isOn(op, order(value, bound));
  };
}

const UNKNOWN = Symbol("not looked up yet");

/** The metadata of one passage. Each path is looked up at most once. */
class Asked {
  readonly #metadata: Metadata;
  readonly #paths: readonly FilterPath[];
  /** Values by the index of their path; `UNKNOWN` if a path was not looked up yet. */
  readonly #found: unknown[] = [];

  constructor(metadata: Metadata, paths: readonly FilterPath[]) {
    this.#metadata = metadata;
    this.#paths = paths;
  }

  /** The value at a path, `undefined` if there is none. An array is answered as its `Elements`. */
  at(place: number): unknown {
    while (this.#found.length <= place) this.#found.push(UNKNOWN);
    if (this.#found[place] !== UNKNOWN) return this.#found[place];
    const value = valueAt(this.#metadata, this.#paths[place]!);
    const found = Array.isArray(value) ? new Elements(value) : value;
    this.#found[place] = found;
    return found;
  }
}

/** The value at a path, `undefined` if there is none. Paths lead through objects only, never into arrays. */
function valueAt(metadata: Metadata, path: FilterPath): unknown {
  let value: unknown = metadata;
  for (const key of path) {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return;
    const inside: unknown = (value as Metadata)[key];
    // This check takes longest, so it comes last. Inherited properties do not count.
    if (inside === undefined || !Object.hasOwn(value, key)) return;
    value = inside;
  }
  return value;
}

/** The elements of an array. A test holds if one of them passes it. */
class Elements {
  readonly #list: readonly unknown[];
  #set: ReadonlySet<unknown> | undefined;
  #numbers: Extremes<number> | undefined;
  #strings: Extremes<string> | undefined;

  constructor(list: readonly unknown[]) {
    this.#list = list;
  }

  /** Reads the shorter one of array and list. An array longer than a list becomes a set once, for all lists. */
  haveAny(values: ReadonlySet<unknown>): boolean {
    if (this.#list.length <= values.size) return this.#list.some((element) => values.has(element));
    this.#set ??= new Set(this.#list);
    for (const one of values) if (this.#set.has(one)) return true;
    return false;
  }

  /** If any element is above a bound, the highest element is. */
  areWithin(op: Range["op"], bound: string | number): boolean {
    const { lowest, highest } = typeof bound === "string" ? this.#stringExtremes() : this.#numberExtremes();
    const farthest = op === "gt" || op === "gte" ? highest : lowest;
    return farthest !== undefined && isOn(op, order(farthest, bound));
  }

  #numberExtremes(): Extremes<number> {
    this.#numbers ??= extremesOf(this.#list.filter((element) => typeof element === "number"));
    return this.#numbers;
  }

  #stringExtremes(): Extremes<string> {
    this.#strings ??= extremesOf(this.#list.filter((element) => typeof element === "string"));
    return this.#strings;
  }
}

/** The lowest and the highest of some values; `undefined` if there are none. */
interface Extremes<T> {
  readonly lowest: T | undefined;
  readonly highest: T | undefined;
}

function extremesOf<T extends string | number>(values: readonly T[]): Extremes<T> {
  let [lowest] = values;
  let highest = lowest;
  for (const value of values) {
    if (order(value, lowest) < 0) lowest = value;
    else if (order(value, highest) > 0) highest = value;
  }
  return { lowest, highest };
}

function isOn(op: Range["op"], order: number): boolean {
  if (op === "gt") return order > 0;
  if (op === "gte") return order >= 0;
  return op === "lt" ? order < 0 : order <= 0;
}

/** Compares two strings or two numbers. */
function order(a: unknown, b: unknown): number {
  return typeof a === "string" ? compareStrings(a, b as string) : compareNumbers(a as number, b as number);
}

function compareNumbers(a: number, b: number): number {
  return a < b ? -1 : Number(a > b);
}

/** Compares by Unicode code points, as UTF-8 does. JavaScript's own order puts U+10000 before U+E000. */
function compareStrings(a: string, b: string): number {
  let i = 0;
  while (i < a.length && i < b.length && a.charCodeAt(i) === b.charCodeAt(i)) i++;
  // The strings may differ in the second half of a code point.
  const before = i > 0 && isHighSurrogate(a.charCodeAt(i - 1)) ? compareAt(a, b, i - 1) : 0;
  return before || compareAt(a, b, i);
}

function compareAt(a: string, b: string, i: number): number {
  return (a.codePointAt(i) ?? -1) - (b.codePointAt(i) ?? -1);
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit < 0xdc00;
}
