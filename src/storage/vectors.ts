import type { Connection } from "./connection.js";
import { checkRow, checksum, damagedRow, requireOrder } from "./integrity.js";

/** Rows read at once: half a megabyte of float32 vectors of 384 dims. */
const PAGE = 256;

interface VectorRow {
  node: number;
  row: Uint8Array;
  crc: number;
}

/** A run of kept vectors. */
export interface KeptRows {
  /** Node of the first row; the others follow without a gap. */
  firstNode: number;
  /** Rows of `rowBytes` each, in the form that the store keeps. */
  rows: Uint8Array;
}

/** Stores the vectors of the nodes from `firstNode` on, in the form that the store keeps. */
export function putVectors(tx: Connection, firstNode: number, rows: readonly Uint8Array[]): void {
  const sql = "INSERT INTO vectors (node, row, crc) VALUES (?, ?, ?)";
  for (const [i, row] of rows.entries()) {
    const node = firstNode + i;
    tx.run(sql, node, row, checksum(tx, "vectors", node, row));
  }
}

/** Removes the vectors of all nodes. */
export function clearVectors(tx: Connection): void {
  tx.run("DELETE FROM vectors");
}

/** Removes the vectors of nodes whose passages are gone; nodes without one are passed over. */
export function deleteVectors(tx: Connection, nodes: Iterable<number>): void {
  for (const node of nodes) tx.run("DELETE FROM vectors WHERE node = ?", node);
}

/**
 * The stored vectors of nodes, in their order; `undefined` where the passage is gone. Run it on one snapshot.
 *
 * @throws EmbedlessError `CORRUPT` when a row is damaged, or missing though its passage is there
 */
export function getVectors(c: Connection, nodes: readonly number[], rowBytes: number): (Uint8Array | undefined)[] {
  return nodes.map((node) => {
    const found = c.get<VectorRow>("SELECT node, row, crc FROM vectors WHERE node = ?", node);
    if (found) return checked(c, found, rowBytes);
    requireGone(c, node, node + 1);
    return undefined;
  });
}

/**
 * The vectors of all nodes from `sinceNode` on, in runs; nodes of deleted passages are left out, so that a run may begin
 * later than the one before ended. Run it on one snapshot.
 *
 * @throws EmbedlessError `CORRUPT` when a row is damaged, or missing though its passage is there
 */
export function* readVectors(c: Connection, sinceNode: number, rowBytes: number): Generator<KeptRows> {
  const sql = `SELECT node, row, crc FROM vectors WHERE node >= ? ORDER BY node LIMIT ${PAGE}`;
  for (let next = sinceNode; ; ) {
    const found = c.all<VectorRow>(sql, next);
    requireOrder(
      "vectors",
      found.map(({ node }) => node),
      next,
    );
    for (let from = 0; from < found.length; ) {
      const firstNode = found[from]!.node;
      if (firstNode > next) requireGone(c, next, firstNode);
      let to = from;
      while (found[to]?.node === firstNode + to - from) to++;
      const rows = Buffer.concat(found.slice(from, to).map((row) => checked(c, row, rowBytes)));
      yield { firstNode, rows };
      next = firstNode + to - from;
      from = to;
    }
    if (found.length === PAGE) continue;
    requireGone(c, next, Number.MAX_SAFE_INTEGER);
    return;
  }
}

/** Throws `CORRUPT` if one of the nodes `[from, to)`, which have no vector, has a passage. */
function requireGone(c: Connection, from: number, to: number): void {
  const sql = "SELECT node FROM passages WHERE node >= ? AND node < ? ORDER BY node LIMIT 1";
  const left = c.get<{ node: number }>(sql, from, to);
  if (left) throw damagedRow("vectors", left.node, "is missing");
}

function checked(c: Connection, { node, row, crc }: VectorRow, rowBytes: number): Uint8Array {
  checkRow(c, "vectors", node, crc, node, row);
  if (row.length !== rowBytes) throw damagedRow("vectors", node, "has another length");
  return row;
}
