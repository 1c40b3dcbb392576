import type { Passage } from "./passage.js";

/**
 * What the value at a path must be: one value to be equal to, or operators that must all hold. `$in` and `$nin` take at
 * least one value.
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

/** What a metadata value is compared with. Numbers must be finite. */
export type FilterValue = string | number | boolean | null;

/**
 * Which passages to consider: `{ "author.name": "Ann", year: { $gte: 2020 } }`. Keys are metadata paths, and all must
 * hold; `$and`, `$or` and `$not` combine whole filters. `{}` is every passage.
 *
 * - Paths: dots lead into objects, not into arrays. A dot that belongs to a key has a backslash before it (`"a\\.b"` as a
 *   literal names the key `a.b`), and so have a backslash in front of a dot and the `$` that a key begins with. Keys with
 *   NUL characters cannot be named.
 * - Types are never converted: `1`, `"1"` and `true` differ. Ranges compare numbers with numbers, and strings with strings
 *   by code points.
 * - Arrays: a condition holds if it holds for any element (each operator may find another one), so `tags: "new"` asks
 *   whether the tag is among them, and `tags: { $ne: "new" }` whether it is not. Elements that are arrays, and objects,
 *   equal nothing.
 * - Missing: `null` stands for missing or null; `$ne` and `$nin` are the opposite of `$eq` and `$in`, so they hold for a
 *   path that is missing. `$exists` asks for the path alone, null included.
 *
 * At most 1,000 conditions, 10,000 values and 32 levels. Anything else than said here is `INVALID_FILTER`.
 */
export interface Filter {
  [path: string]: FilterCondition | Filter | readonly Filter[] | undefined;
  $and?: readonly Filter[];
  $or?: readonly Filter[];
  $not?: Filter;
}

/**
 * A filter as a function over whole passages: anything but a falsy answer lets one through. It is asked about every
 * passage of the store, which means unpacking all texts: 1 to 2 seconds for 50,000. A `Filter` takes milliseconds.
 */
export type PassageTest = (passage: Passage) => boolean;
