import { EmbedlessError } from "../src/index.js";

/** An `INVALID_ARGUMENT` with one sentence for a person. `cause` is what lay beneath, if anything did. */
export function invalid(message: string, cause?: unknown): EmbedlessError {
  return new EmbedlessError("INVALID_ARGUMENT", message, cause === undefined ? undefined : { cause });
}
