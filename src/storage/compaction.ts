import { throwIfAborted } from "../base/errors.js";
import type { Connection } from "./connection.js";
import type { Database } from "./database.js";
import { checkRow, checksum, requireOrder } from "./integrity.js";
import { keywordBytes } from "./keywords.js";
import { readMeta } from "./meta.js";
import { pragma } from "./schema.js";

/** Rows moved per step. */
const PAGE = 64;

/**
 * Gives the rows of a table of vectors the new numbers of their nodes, some per step. Rows of nodes without a new
 * number are removed. New numbers must be in the order of the old ones and not larger than them, so that each place is
 * free in time.
 *
 * @param old The previous state, on a snapshot.
 * @throws EmbedlessError `CORRUPT` when a row is damaged
 */
export function* renumberRows(
  tx: Connection,
  old: Connection,
  table: "vectors" | "pending",
  numberOf: (node: number) => number | undefined,
): Generator<void> {
  const sql = `SELECT node, row, crc FROM ${table} WHERE node > ? ORDER BY node LIMIT ${PAGE}`;
  for (let last = -1; ; ) {
    const page = old.all<{ node: number; row: Uint8Array; crc: number }>(sql, last);
    requireOrder(
      table,
      page.map(({ node }) => node),
      last + 1,
    );
    for (const { node, row, crc } of page) {
      checkRow(old, table, node, crc, node, row);
      const moved = numberOf(node);
      if (moved === undefined) tx.run(`DELETE FROM ${table} WHERE node = ?`, node);
      else if (moved !== node) {
        const fresh = checksum(tx, table, moved, row);
        tx.run(`UPDATE ${table} SET node = ?, crc = ? WHERE node = ?`, moved, fresh, node);
      }
    }
    if (page.length < PAGE) return;
    last = page.at(-1)!.node;
    yield;
  }
}

/**
 * Pages of 4 KB that FTS5 writes per transaction. This takes some milliseconds, and other writers get turns in between.
 */
const PAGES = 256;
const PAGE_BYTES = 4_050;

/** Bytes of the table of words before and after. */
export interface MergedKeywords {
  readonly before: number;
  readonly after: number;
}

/**
 * Merges the pieces of the table of words, of which every add makes one more, and removes what deleted passages left
 * there. Each slice is one transaction. If it is interrupted, the table is sound and the next merge continues.
 *
 * @param tell Called with the pages written so far, and the most that there will be.
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
  // A negative number merges all pieces. Positive numbers continue that.
  for (let pages = -PAGES, done = 0; ; pages = PAGES) {
    throwIfAborted(signal);
    const isOver = await database.write((tx) => !merge(tx, pages), { signal });
    if (isOver) break;
    done = Math.min(total, done + PAGES);
    tell(done, total);
  }
  return { before, after: keywordBytes(database.reader) };
}

/** Whether there was anything to merge. FTS5 then changes at least two rows. */
function merge(tx: Connection, pages: number): boolean {
  const changes = () => tx.get<{ n: number }>("SELECT total_changes() AS n")!.n;
  const before = changes();
  tx.run("INSERT INTO keywords (keywords, rank) VALUES ('merge', ?)", pages);
  return changes() - before >= 2;
}

/** Pages given back per transaction: 1 MB. This takes a few milliseconds, and other writers get turns in between. */
const SLICE = 64;

/**
 * Gives unused pages back to the file system. Each slice is one transaction. If it is interrupted, the file is sound
 * and the rest is given back the next time.
 *
 * @returns bytes by which the file became smaller
 * @throws EmbedlessError `LOCKED`, `ABORTED`, `READONLY`, `IO`
 */
export async function giveBackFreePages(database: Database, signal: AbortSignal): Promise<number> {
  const pageBytes = pragma(database.reader, "page_size");
  let freed = 0;
  while (pragma(database.reader, "freelist_count") > 0) {
    const before = pragma(database.reader, "page_count");
    await database.write((tx) => tx.exec(`PRAGMA store.incremental_vacuum(${SLICE})`), { signal });
    const pages = before - pragma(database.reader, "page_count");
    // An older program made the file without page moving, so it keeps its pages.
    if (pages <= 0) break;
    freed += pages * pageBytes;
  }
  return freed;
}
