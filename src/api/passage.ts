import { checkKeys, checkRun, oneOf } from "../base/checks.js";

/** JSON stored with a passage. Keys such as `__proto__` are plain data. */
export type Metadata = Record<string, unknown>;

/** A stored passage. */
export interface Passage {
  id: string;
  text: string;
  metadata: Metadata;
}

/** A passage to add. */
export interface AddItem {
  /**
   * The caller's name for the passage. If a passage with this id exists, it is replaced. Default: a short random id.
   */
  id?: string;
  /** The text that is embedded, stored and returned, byte for byte after `toWellFormed()`. */
  text: string;
  metadata?: Metadata;
  /**
   * The vector of `text`, if you have it already. It saves embedding the text. A store that recomputes embeds a sample
   * of each batch again, or all of it if the embedder needs one text at a time, and refuses a vector that the text does
   * not give. A store that keeps vectors accepts any vector.
   */
  vector?: ArrayLike<number>;
}

/** Options of `add`. */
export interface AddOptions {
  /**
   * What happens to an item whose text is empty or only white space: `"refuse"` fails with `INVALID_TEXT`; `"skip"`
   * ignores the item and counts it as `skipped`. If a passage with the item's id exists, it stays as it is. Default
   * `"refuse"`.
   */
  blank?: "refuse" | "skip";
  signal?: AbortSignal;
  onProgress?: (progress: AddProgress) => void;
}

/** Progress of an `add`, passed to `onProgress`. */
export interface AddProgress {
  /** Passages embedded (or found unchanged) so far. */
  done: number;
  /** Number of all passages; `undefined` while an iterable is still being read. */
  total: number | undefined;
  /** Passages that are safely on disk. For an array it is 0 until all are. */
  committed: number;
}

/** What an `add` did. */
export interface AddResult {
  /**
   * The ids of an array's items in their order, without skipped items. Empty for an iterable, because it may be longer
   * than memory is large.
   */
  ids: string[];
  added: number;
  updated: number;
  unchanged: number;
  /** Items without a text that were ignored. 0 unless `blank` is `"skip"`. */
  skipped: number;
  /** The indices of these items in an array, counted from 0. Empty for an iterable. */
  skippedAt: number[];
  /** Passages longer than the embedder's window. Their ends were not embedded, so no search finds them. */
  truncated: number;
}

/** Options of `add`, checked. */
export function resolveAddOptions(options: AddOptions = {}) {
  checkKeys("add", options, { signal: 1, onProgress: 1, blank: 1 });
  return { blank: oneOf("blank", options.blank ?? "refuse", ["refuse", "skip"] as const), ...checkRun(options) };
}

/**
 * What the value at a path must be: equal to one value, or a match for all of several operators. `$in` and `$nin` take
 * at least one value.
 */
export type FilterCondition =
  | FilterValue
  | {
      $eq?: FilterValue;
      $ne?: FilterValue;
      $gt?: string | number;
      $gte?: string | number;
      $lt?: string | number;
      $lte?: string | number;
      $in?: readonly FilterValue[];
      $nin?: readonly FilterValue[];
      $exists?: boolean;
    };

/** A value that metadata are compared with. Numbers must be finite. */
export type FilterValue = string | number | boolean | null;

/**
 * Which passages to consider: `{ "author.name": "Ann", year: { $gte: 2020 } }`. Keys are metadata paths, and all
 * conditions must hold. `$and`, `$or` and `$not` combine whole filters. `{}` matches every passage.
 *
 * - Paths: dots lead into objects, not into arrays. Put a backslash before a dot that belongs to a key (`"a\\.b"` as a
 *   literal names the key `a.b`), before a backslash that stands in front of a dot, and before a `$` at the start of a
 *   key. Keys with NUL characters cannot be named.
 * - Types are never converted: `1`, `"1"` and `true` differ. Ranges compare numbers with numbers, and strings with
 *   strings by code points.
 * - Arrays: a condition holds if it holds for any element, and each operator may be met by another element. `tags:
 *   "new"` asks whether the tag is in the array, `tags: { $ne: "new" }` whether it is not. Objects, and arrays inside
 *   arrays, equal nothing.
 * - Missing values: `null` matches a value that is missing or null. `$ne` and `$nin` are the opposite of `$eq` and
 *   `$in`, so they hold if the path is missing. `$exists` asks only whether the path exists, null included.
 *
 * A filter has at most 1,000 conditions, 10,000 values and 32 levels. Anything that is not described here fails with
 * `INVALID_FILTER`.
 */
export interface Filter {
  [path: string]: FilterCondition | Filter | readonly Filter[] | undefined;
  $and?: readonly Filter[];
  $or?: readonly Filter[];
  $not?: Filter;
}

/**
 * A filter as a function over whole passages. A passage matches unless the answer is falsy. The function is called for
 * every passage of the store, so all texts are unpacked: 1 to 2 seconds for 50,000 passages. A `Filter` takes
 * milliseconds.
 */
export type PassageTest = (passage: Passage) => boolean;
