import type { Filter } from "../api/filter.js";
import { isError, show } from "../base/errors.js";
import { UsageError } from "./failures.js";

/** What the shell left of the JSON; whether it is a filter is for the store to say. */
export function readFilter(json: string): Filter {
  try {
    return JSON.parse(json) as Filter;
  } catch (error) {
    const why = isError(error) ? error.message : String(error);
    throw new UsageError(
      `Expected JSON for --filter, such as '{"year": {"$gte": 2020}}' in single quotes, but received ${show(json)} (${why}).`,
    );
  }
}
