import type { Database } from "./database.js";
import { pragma } from "./schema.js";

/** Pages given back in one transaction, 1 MB: a few milliseconds, and other writers get their turn in between. */
const SLICE = 64;

/**
 * Gives pages that nothing uses any more back to the file system. Each slice is a transaction of its own: whatever
 * interrupts it, the file is whole and the rest is given back the next time.
 *
 * @returns bytes that the file is smaller by
 * @throws EmbedlessError `LOCKED`, `ABORTED`, `READONLY`, `IO`
 */
export async function giveBackFreePages(database: Database, signal: AbortSignal): Promise<number> {
  const pageBytes = pragma(database.reader, "page_size");
  let freed = 0;
  while (pragma(database.reader, "freelist_count") > 0) {
    const before = pragma(database.reader, "page_count");
    await database.write((tx) => tx.exec(`PRAGMA store.incremental_vacuum(${SLICE})`), { signal });
    const pages = before - pragma(database.reader, "page_count");
    // A file made without page moving, by an older program, keeps its pages.
    if (pages <= 0) break;
    freed += pages * pageBytes;
  }
  return freed;
}
