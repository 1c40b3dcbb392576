import type { Connection } from "./connection.js";
import { checkRow, checksum, damagedRow, requireOrder } from "./integrity.js";

/** Rows per read: half a megabyte of float32 vectors of 384 dims. */
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

/** Removes the vectors of nodes whose passages are gone. Nodes without one are ignored. */
export function deleteVectors(tx: Connection, nodes: Iterable<number>): void {
  for (const node of nodes) tx.run("DELETE FROM vectors WHERE node = ?", node);
}

/**
 * The stored vectors of nodes, in their order; `undefined` if the passage is gone. Run it on one snapshot.
 *
 * @throws EmbedlessError `CORRUPT` when a row is damaged, or missing though its passage exists
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
 * The vectors of all nodes from `sinceNode` on, in runs. Nodes of deleted passages are left out, so there may be gaps
 * between runs. Run it on one snapshot.
 *
 * @throws EmbedlessError `CORRUPT` when a row is damaged, or missing though its passage exists
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

const SLICE = 512;

interface PendingRow {
  node: number;
  row: Uint8Array;
  crc: number;
}

/** A run of vectors that wait for a codebook, or for the graph in a store with codes `"none"`. */
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
 * The pending rows from `sinceNode` on, in order of node, several per piece. Run it on one snapshot.
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

/**
 * Removes the pending rows below node `end`, which have codes now or are linked. Default: all rows in one statement.
 */
export function clearPending(tx: Connection, end?: number): void {
  if (end === undefined) tx.run("DELETE FROM pending");
  else tx.run("DELETE FROM pending WHERE node < ?", end);
}

/** Bytes of the pending rows. */
export function pendingBytes(c: Connection): number {
  return c.get<{ bytes: number }>("SELECT coalesce(sum(length(row)), 0) AS bytes FROM pending")?.bytes ?? 0;
}

/** Number of waiting nodes. */
export function countPending(c: Connection): number {
  return c.get<{ n: number }>("SELECT count(*) AS n FROM pending")?.n ?? 0;
}
