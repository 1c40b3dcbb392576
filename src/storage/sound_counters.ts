import type { Connection } from "./connection.js";
import { requireNoBucketBeyond } from "./ids.js";
import { requireGivenOut } from "./live_bits.js";
import { type Meta, readMeta } from "./meta.js";

/**
 * All settings and counters, once those that size loops and memory agree with the tables that they count. Looks at the
 * last row of each and takes no time. Run it on one snapshot, not inside of a write.
 *
 * @throws EmbedlessError `CORRUPT` naming a row that is damaged or contradicts another
 */
export function readSoundCounters(c: Connection): Meta {
  const meta = readMeta(c);
  requireGivenOut(c, meta.nextNode);
  requireNoBucketBeyond(c, meta.idBuckets);
  return meta;
}
