import { EmbedlessError } from "../errors.js";

/** A problem in one sentence, or `undefined`: a few milliseconds of work are done, let others run. */
export type VerifyStep = string | undefined;

/** The message of a `CORRUPT` failure; any other failure is thrown. */
export function* problemsOf(work: () => unknown): Generator<VerifyStep> {
  try {
    work();
  } catch (error) {
    if (!(error instanceof EmbedlessError) || error.code !== "CORRUPT") throw error;
    yield error.message;
  }
}

/** Reads all that `pieces` gives, up to its first `CORRUPT` failure. */
export function* walk(pieces: Iterator<unknown>): Generator<VerifyStep> {
  for (let done = false; !done; ) {
    done = true;
    yield* problemsOf(() => {
      done = pieces.next().done === true;
    });
    yield undefined;
  }
}

/** What `work` gives, or `undefined` where it meets damage: for who wants what is left. */
export function ifSound<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof EmbedlessError) || error.code !== "CORRUPT") throw error;
    return undefined;
  }
}
