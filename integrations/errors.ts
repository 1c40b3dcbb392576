import { EmbedlessError } from "../src/index.js";

/** Options of a constructor. Throws `INVALID_ARGUMENT` unless they are an object. */
export function checkedOptions<T extends object>(options: T, of: string): T {
  if (typeof options === "object" && options !== null) return options;
  throw invalid(`Expected an object for the options of ${of}, but received ${JSON.stringify(options)}.`);
}

/** Creates an `INVALID_ARGUMENT` with one sentence for people. `cause` is the error beneath it, if there was one. */
export function invalid(message: string, cause?: unknown): EmbedlessError {
  return new EmbedlessError("INVALID_ARGUMENT", message, cause === undefined ? undefined : { cause });
}
