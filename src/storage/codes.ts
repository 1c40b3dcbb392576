import type { Connection } from "./connection.js";
import { checkRow, checksum, damagedRow } from "./integrity.js";

/** Nodes per sealed block. A sealed block is a row of `code_blocks` and never changes. */
export const BLOCK_NODES = 4096;
/** Nodes per row of `code_open`, which holds the codes that do not fill a block yet. */
export const OPEN_NODES = 64;

/** Encoded rows, with the factors that no byte could hold; see `NativeCoder.encode`. */
export interface CodePiece {
  /** `count * rowBytes` bytes. */
  rows: Uint8Array;
  /**
   * 8-byte entries { u16 row, u8 factor, u8 0, f32 value }, little-endian, rows ascending and relative to this piece.
   */
  exceptions: Uint8Array;
}

/** A run of stored codes. */
export interface StoredCodes extends CodePiece {
  /** Node of the first row. */
  firstNode: number;
}

interface BlockRow {
  block: number;
  rows: Uint8Array;
  exceptions: Uint8Array;
  version: number;
  crc: number;
}

interface OpenRow {
  row: number;
  count: number;
  rows: Uint8Array;
  exceptions: Uint8Array;
  version: number;
  crc: number;
}

/**
 * Appends codes for the nodes `[firstNode, firstNode + rows.length / rowBytes)`. It fills rows of 64, and turns every
 * full block of 4,096 into one sealed row.
 *
 * @param version What `raiseVersion` answered in this transaction.
 * @throws RangeError unless the piece consists of whole rows
 * @throws EmbedlessError `CORRUPT` when a row that must be continued is damaged, or `firstNode` is not the number of
 *   nodes that have codes
 */
export function appendCodes(
  tx: Connection,
  firstNode: number,
  rowBytes: number,
  piece: CodePiece,
  version: number,
): void {
  const count = piece.rows.length / rowBytes;
  checkExceptions(piece.exceptions, count, () => new RangeError("exceptions do not fit their rows"));
  if (!Number.isInteger(count)) throw new RangeError(`Expected whole rows, but received ${count}.`);
  const stored = countCodes(tx);
  if (firstNode !== stored) {
    throw damagedRow("meta", "nextNode", `gives node ${firstNode} out, but ${stored} nodes have codes`);
  }
  const end = firstNode + count;
  for (let node = firstNode; node < end; ) {
    const block = Math.floor(node / BLOCK_NODES);
    const blockEnd = (block + 1) * BLOCK_NODES;
    const next = Math.min(end, blockEnd);
    const part = cut(piece, rowBytes, node - firstNode, next - firstNode);
    if (next === blockEnd) seal(tx, block, rowBytes, part, version);
    else appendOpen(tx, node, rowBytes, part, version);
    node = next;
  }
}

/**
 * The codes of all nodes from `sinceNode` on, in order. The first piece starts at `sinceNode`. Run it on one snapshot
 * (`Database.readTransaction`, a write transaction).
 *
 * @throws EmbedlessError `CORRUPT` when a row is damaged or missing
 */
export function* readCodes(c: Connection, sinceNode: number, rowBytes: number): Generator<StoredCodes> {
  let node = sinceNode;
  for (const stored of storedRows(c, sinceNode, rowBytes)) {
    const skip = node - stored.firstNode;
    const count = stored.rows.length / rowBytes;
    yield skip === 0 ? stored : { firstNode: node, ...cut(stored, rowBytes, skip, count) };
    node = stored.firstNode + count;
  }
}

/** The rows of a piece for which `isKept` holds, as a new piece. */
export function keepRows(piece: CodePiece, rowBytes: number, isKept: (row: number) => boolean): CodePiece {
  const count = piece.rows.length / rowBytes;
  const runs: CodePiece[] = [];
  for (let from = 0; from < count; ) {
    let to = from;
    while (to < count && isKept(to)) to++;
    if (to > from) runs.push(cut(piece, rowBytes, from, to));
    from = to + 1;
  }
  return join(runs, rowBytes);
}

/** Number of nodes that have codes. These are the first ones, without a gap. */
export function countCodes(c: Connection): number {
  const last = lastOpen(c);
  if (last) return last.row * OPEN_NODES + last.count;
  const block = c.get<{ block: number }>("SELECT block FROM code_blocks ORDER BY block DESC LIMIT 1");
  return block ? (block.block + 1) * BLOCK_NODES : 0;
}

/** Payload bytes of codes, exceptions and live bits. */
export function codeBytes(c: Connection): number {
  const sum = (sql: string) => c.get<{ bytes: number | null }>(sql)?.bytes ?? 0;
  return (
    sum("SELECT sum(length(rows) + length(exceptions)) AS bytes FROM code_blocks") +
    sum("SELECT sum(length(rows) + length(exceptions)) AS bytes FROM code_open") +
    sum("SELECT sum(length(bits)) AS bytes FROM live_blocks")
  );
}

/** Removes all codes, because a new codebook makes new ones. */
export function clearCodes(tx: Connection): void {
  tx.run("DELETE FROM code_blocks");
  tx.run("DELETE FROM code_open");
}

/** Writes block `block` from its open rows, which it removes, and `part`, which completes it. */
function seal(tx: Connection, block: number, rowBytes: number, part: CodePiece, version: number): void {
  const firstRow = (block * BLOCK_NODES) / OPEN_NODES;
  const pieces: CodePiece[] = [...openRows(tx, firstRow, rowBytes), part];
  const { rows, exceptions } = join(pieces, rowBytes);
  if (rows.length !== BLOCK_NODES * rowBytes) throw damagedRow("code_open", firstRow, "is incomplete");
  tx.run("DELETE FROM code_open WHERE row >= ?", firstRow);
  const crc = checksum(tx, "code_blocks", block, rows, exceptions, version);
  tx.run(
    "INSERT INTO code_blocks (block, rows, exceptions, version, crc) VALUES (?, ?, ?, ?, ?)",
    block,
    rows,
    exceptions,
    version,
    crc,
  );
}

/** Appends to the rows of 64 of a block that stays open. */
function appendOpen(tx: Connection, firstNode: number, rowBytes: number, part: CodePiece, version: number): void {
  const count = part.rows.length / rowBytes;
  for (let done = 0; done < count; ) {
    const node = firstNode + done;
    const row = Math.floor(node / OPEN_NODES);
    const take = Math.min(count - done, (row + 1) * OPEN_NODES - node);
    const fresh = cut(part, rowBytes, done, done + take);
    const begun = node % OPEN_NODES === 0 ? [] : [...openRows(tx, row, rowBytes)];
    putOpen(tx, row, rowBytes, join([...begun, fresh], rowBytes), version);
    done += take;
  }
}

function putOpen(
  tx: Connection,
  row: number,
  rowBytes: number,
  { rows, exceptions }: CodePiece,
  version: number,
): void {
  const count = rows.length / rowBytes;
  tx.run(
    "INSERT OR REPLACE INTO code_open (row, count, rows, exceptions, version, crc) VALUES (?, ?, ?, ?, ?, ?)",
    row,
    count,
    rows,
    exceptions,
    version,
    checksum(tx, "code_open", row, count, rows, exceptions, version),
  );
}

/** Checked rows of both tables, beginning with the row that holds `sinceNode`. */
function* storedRows(c: Connection, sinceNode: number, rowBytes: number): Generator<StoredCodes> {
  const count = countCodes(c);
  const blocks = Math.floor(count / BLOCK_NODES);
  for (let block = Math.floor(sinceNode / BLOCK_NODES); block < blocks; block++) {
    yield readBlock(c, block, rowBytes);
  }
  const firstOpen = Math.max(Math.floor(sinceNode / OPEN_NODES), (blocks * BLOCK_NODES) / OPEN_NODES);
  if (count > Math.max(sinceNode, firstOpen * OPEN_NODES)) yield* openRows(c, firstOpen, rowBytes);
}

function readBlock(c: Connection, block: number, rowBytes: number): StoredCodes {
  const sql = "SELECT block, rows, exceptions, version, crc FROM code_blocks WHERE block = ?";
  const found = c.get<BlockRow>(sql, block);
  if (found === undefined) throw damagedRow("code_blocks", block, "is missing");
  checkRow(c, "code_blocks", block, found.crc, block, found.rows, found.exceptions, found.version);
  checkSizes("code_blocks", block, found, BLOCK_NODES, rowBytes);
  return { firstNode: block * BLOCK_NODES, rows: found.rows, exceptions: found.exceptions };
}

/** All open rows from `firstRow` on, checked: none is missing, and only the last may be short. */
function* openRows(c: Connection, firstRow: number, rowBytes: number): Generator<StoredCodes> {
  const sql = "SELECT row, count, rows, exceptions, version, crc FROM code_open WHERE row >= ? ORDER BY row LIMIT 64";
  const found = c.all<OpenRow>(sql, firstRow);
  for (const [i, open] of found.entries()) {
    const { row, count, rows, exceptions, version, crc } = open;
    checkRow(c, "code_open", row, crc, row, count, rows, exceptions, version);
    if (row !== firstRow + i) throw damagedRow("code_open", firstRow + i, "is missing");
    const whole = i + 1 < found.length;
    if (count < 1 || count > OPEN_NODES || (whole && count < OPEN_NODES)) {
      throw damagedRow("code_open", row, "is incomplete");
    }
    checkSizes("code_open", row, open, count, rowBytes);
    yield { firstNode: row * OPEN_NODES, rows, exceptions };
  }
}

function lastOpen(c: Connection): { row: number; count: number } | undefined {
  return c.get<{ row: number; count: number }>("SELECT row, count FROM code_open ORDER BY row DESC LIMIT 1");
}

function checkSizes(table: string, row: number, piece: CodePiece, count: number, rowBytes: number): void {
  if (piece.rows.length !== count * rowBytes) throw damagedRow(table, row, "has rows of another length");
  checkExceptions(piece.exceptions, count, () => damagedRow(table, row, "has impossible exceptions"));
}

/** Rows `[from, to)` of a piece, exceptions relative to `from`. */
function cut(piece: CodePiece, rowBytes: number, from: number, to: number): CodePiece {
  if (from === 0 && to * rowBytes === piece.rows.length) return piece;
  return {
    rows: piece.rows.subarray(from * rowBytes, to * rowBytes),
    exceptions: sliceExceptions(piece.exceptions, from, to),
  };
}

function join(pieces: readonly CodePiece[], rowBytes: number): CodePiece {
  const [only] = pieces;
  if (only !== undefined && pieces.length === 1) return only;
  const rows = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.rows.length, 0));
  const exceptions = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.exceptions.length, 0));
  let at = 0;
  let entries = 0;
  for (const piece of pieces) {
    rows.set(piece.rows, at);
    exceptions.set(shiftExceptions(piece.exceptions, at / rowBytes), entries * EXCEPTION_BYTES);
    at += piece.rows.length;
    entries += piece.exceptions.length / EXCEPTION_BYTES;
  }
  return { rows, exceptions };
}

/**
 * Lists of factor exceptions as the addon makes them: entries { u16 row, u8 factor, u8 0, f32 value }, little-endian,
 * in rising order of rows. Only the row number is used here.
 */
export const EXCEPTION_BYTES = 8;
const LAST_FACTOR = 2;

/**
 * Throws `failure()` unless all entries are complete and in rising order, with a row below `count` and a known factor.
 */
export function checkExceptions(exceptions: Uint8Array, count: number, failure: () => Error): void {
  if (exceptions.length % EXCEPTION_BYTES !== 0) throw failure();
  const view = viewOf(exceptions);
  let before = 0;
  for (let at = 0; at < exceptions.length; at += EXCEPTION_BYTES) {
    const row = view.getUint16(at, true);
    if (row < before || row >= count || view.getUint8(at + 2) > LAST_FACTOR) throw failure();
    before = row;
  }
}

/** The entries of rows `[from, to)`, counted from `from`. */
export function sliceExceptions(exceptions: Uint8Array, from: number, to: number): Uint8Array {
  const part = exceptions.subarray(lowerBound(exceptions, from), lowerBound(exceptions, to));
  return shiftExceptions(part, -from);
}

/** A copy with `by` added to every row number. */
export function shiftExceptions(exceptions: Uint8Array, by: number): Uint8Array {
  // `slice()` of a Buffer would not copy.
  const shifted = new Uint8Array(exceptions);
  const view = viewOf(shifted);
  for (let at = 0; at < shifted.length; at += EXCEPTION_BYTES) {
    view.setUint16(at, view.getUint16(at, true) + by, true);
  }
  return shifted;
}

/** Byte offset of the first entry whose row is not below `row`. */
function lowerBound(exceptions: Uint8Array, row: number): number {
  const view = viewOf(exceptions);
  let low = 0;
  let high = exceptions.length / EXCEPTION_BYTES;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (view.getUint16(middle * EXCEPTION_BYTES, true) < row) low = middle + 1;
    else high = middle;
  }
  return low * EXCEPTION_BYTES;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
