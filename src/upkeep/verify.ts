import type { VerifyReport } from "../api/upkeep.js";
import { Turns } from "../base/turns.js";
import { verifyFilterable } from "../filter/indexes.js";
import { verifyKeywords } from "../passage/keywords.js";
import type { Passages } from "../passage/passages.js";
import { verifyPassages } from "../passage/verify_passages.js";
import type { Database } from "../storage/database.js";
import { problemsOf } from "../storage/integrity.js";
import { verifyTables } from "../storage/verify.js";

/** Most problems reported, so that a badly damaged file does not fill the memory. */
const MAX_PROBLEMS = 1_000;

/**
 * Checks a whole store on one snapshot, in slices of a few milliseconds: the structure of the file, every checksum, and
 * whether passages, live bits, codes and counters agree.
 *
 * @throws EmbedlessError `ABORTED`
 */
export async function verifyStore(database: Database, passages: Passages, signal: AbortSignal): Promise<VerifyReport> {
  return await database.snapshot(async (c) => {
    // Several checks may find the same problem.
    const problems = new Set<string>();
    const turns = new Turns({ signal });
    for (const steps of [
      verifyTables(c),
      verifyPassages(c, passages),
      verifyKeywords(c, passages),
      verifyFilterable(c),
    ]) {
      for (const problem of steps) {
        if (problem !== undefined) problems.add(problem);
        if (problems.size >= MAX_PROBLEMS) break;
        await turns.give();
      }
    }
    let count = 0;
    // A damaged counter was reported above already.
    for (const _ of problemsOf(() => (count = passages.count(c))));
    return { ok: problems.size === 0, passages: count, problems: [...problems] };
  }, signal);
}
