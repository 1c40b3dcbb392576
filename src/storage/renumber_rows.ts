import { checkRow, checksum } from "./checksum.js";
import type { Connection } from "./connection.js";
import { requireOrder } from "./order.js";

/** Rows moved a step. */
const PAGE = 64;

/**
 * Gives the rows of a table of vectors the new numbers of their nodes, some a step; rows of nodes that get none are dropped.
 * New numbers must be in the order of the old ones and none larger than its old one, so that each place is free in time.
 *
 * @param old What there was before, on a snapshot.
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
