import type { Connection } from "./connection.js";
import { checkRow, checksum, damagedRow } from "./integrity.js";

const SLICE = 512;

interface PendingRow {
  node: number;
  row: Uint8Array;
  crc: number;
}

/** A run of vectors that wait for a codebook, or in a store without codes for the graph. */
export interface PendingRows {
  /** Node of the first row; the others follow without a gap. */
  firstNode: number;
  /** Rows of `rowBytes` each, in the form of pending vectors. */
  rows: Uint8Array;
}

/** Stores the pending rows of the nodes from `firstNode` on. */
export function addPending(tx: Connection, firstNode: number, rowBytes: number, rows: Uint8Array): void {
  if (rows.length % rowBytes !== 0) throw new RangeError(`Expected whole rows of ${rowBytes} bytes.`);
  for (let at = 0, node = firstNode; at < rows.length; at += rowBytes, node++) {
    const row = rows.subarray(at, at + rowBytes);
    const crc = checksum(tx, "pending", node, row);
    tx.run("INSERT INTO pending (node, row, crc) VALUES (?, ?, ?)", node, row, crc);
  }
}

/**
 * The pending rows from `sinceNode` on, in order of node, several a piece. Run it on one snapshot.
 *
 * @throws EmbedlessError `CORRUPT` when a row is damaged or missing
 */
export function* readPending(c: Connection, sinceNode: number, rowBytes: number): Generator<PendingRows> {
  for (let next = sinceNode; ; ) {
    const sql = `SELECT node, row, crc FROM pending WHERE node >= ? ORDER BY node LIMIT ${SLICE}`;
    const found = c.all<PendingRow>(sql, next);
    if (found.length === 0) return;
    const rows = new Uint8Array(found.length * rowBytes);
    for (const [i, { node, row, crc }] of found.entries()) {
      checkRow(c, "pending", node, crc, node, row);
      if (node !== next + i) throw damagedRow("pending", next + i, "is missing");
      if (row.length !== rowBytes) throw damagedRow("pending", node, "has another length");
      rows.set(row, i * rowBytes);
    }
    yield { firstNode: next, rows };
    next += found.length;
  }
}

/** The pending rows of these nodes, `undefined` for a node that has none. Throws `CORRUPT` for a damaged one. */
export function getPending(c: Connection, nodes: readonly number[], rowBytes: number): (Uint8Array | undefined)[] {
  return nodes.map((node) => {
    const found = c.get<PendingRow>("SELECT node, row, crc FROM pending WHERE node = ?", node);
    if (found === undefined) return undefined;
    checkRow(c, "pending", node, found.crc, node, found.row);
    if (found.row.length !== rowBytes) throw damagedRow("pending", node, "has another length");
    return found.row;
  });
}

/** Removes the pending rows below node `end`, which have codes now or are linked. Default: all rows, in one go. */
export function clearPending(tx: Connection, end?: number): void {
  if (end === undefined) tx.run("DELETE FROM pending");
  else tx.run("DELETE FROM pending WHERE node < ?", end);
}

/** Bytes of the pending rows. */
export function pendingBytes(c: Connection): number {
  return c.get<{ bytes: number }>("SELECT coalesce(sum(length(row)), 0) AS bytes FROM pending")?.bytes ?? 0;
}

/** How many nodes wait. */
export function countPending(c: Connection): number {
  return c.get<{ n: number }>("SELECT count(*) AS n FROM pending")?.n ?? 0;
}
