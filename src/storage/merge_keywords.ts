import { throwIfAborted } from "../errors.js";
import type { Connection } from "./connection.js";
import type { Database } from "./database.js";
import { keywordBytes } from "./keywords.js";
import { readMeta } from "./meta.js";

/** Pages of 4 KB that FTS5 writes in one transaction: some milliseconds, and other writers get their turn in between. */
const PAGES = 256;
const PAGE_BYTES = 4_050;

/** Bytes of the table of words before and after. */
export interface MergedKeywords {
  readonly before: number;
  readonly after: number;
}

/**
 * Brings the pieces of the table of words together, in which every add leaves one more, and drops what deleted passages
 * left there. Each slice is a transaction of its own: whatever interrupts it, the table is whole, and the next merge goes on.
 *
 * @param tell Is told the pages written, of how many there will be at most.
 * @throws EmbedlessError `LOCKED`, `ABORTED`, `READONLY`, `NO_SPACE`, `IO`
 */
export async function mergeKeywords(
  database: Database,
  signal: AbortSignal,
  tell: (done: number, total: number) => void,
): Promise<MergedKeywords> {
  if (!readMeta(database.reader).keywords) return { before: 0, after: 0 };
  const before = keywordBytes(database.reader);
  const total = Math.ceil(before / PAGE_BYTES);
  // A negative number takes all pieces together; positive ones go on with that.
  for (let pages = -PAGES, done = 0; ; pages = PAGES) {
    throwIfAborted(signal);
    const isOver = await database.write((tx) => !merge(tx, pages), { signal });
    if (isOver) break;
    done = Math.min(total, done + PAGES);
    tell(done, total);
  }
  return { before, after: keywordBytes(database.reader) };
}

/** Whether there was anything to merge: then FTS5 changes two rows at least. */
function merge(tx: Connection, pages: number): boolean {
  const changes = () => tx.get<{ n: number }>("SELECT total_changes() AS n")!.n;
  const before = changes();
  tx.run("INSERT INTO keywords (keywords, rank) VALUES ('merge', ?)", pages);
  return changes() - before >= 2;
}
