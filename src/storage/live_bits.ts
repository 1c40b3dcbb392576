import { clearBit, hasBit, setBit } from "../base/bitmap.js";
import { BLOCK_NODES } from "./codes.js";
import type { Connection } from "./connection.js";
import { requireNoBucketBeyond } from "./ids.js";
import { checkRow, checksum, damagedRow, requireOrder } from "./integrity.js";
import { type Meta, readMeta } from "./meta.js";

const BITS_BYTES = BLOCK_NODES / 8;

/** Which nodes of a block have a passage. Bit `n % 8` of byte `n / 8` stands for node `4096 * block + n`. */
export interface LiveBlock {
  block: number;
  /** 512 bytes. */
  bits: Uint8Array;
}

interface LiveRow extends LiveBlock {
  version: number;
  crc: number;
}

/** Marks the nodes `[firstNode, firstNode + count)` as live. */
export function setLive(tx: Connection, firstNode: number, count: number, version: number): void {
  const end = firstNode + count;
  for (let node = firstNode; node < end; ) {
    const block = Math.floor(node / BLOCK_NODES);
    const next = Math.min(end, (block + 1) * BLOCK_NODES);
    const stored = readBlock(tx, block);
    if (stored === undefined && node % BLOCK_NODES !== 0) throw damagedRow("live_blocks", block, "is missing");
    const bits = stored ?? new Uint8Array(BITS_BYTES);
    for (let n = node - block * BLOCK_NODES; n < next - block * BLOCK_NODES; n++) {
      setBit(bits, n);
    }
    putBlock(tx, block, bits, version);
    node = next;
  }
}

/** Marks nodes, in any order, as dead. */
export function clearLive(tx: Connection, nodes: Iterable<number>, version: number): void {
  const byBlock = new Map<number, number[]>();
  for (const node of nodes) {
    const block = Math.floor(node / BLOCK_NODES);
    const list = byBlock.get(block);
    if (list) list.push(node);
    else byBlock.set(block, [node]);
  }
  for (const [block, list] of byBlock) {
    const bits = readBlock(tx, block);
    if (bits === undefined) throw damagedRow("live_blocks", block, "is missing");
    for (const node of list) clearBit(bits, node - block * BLOCK_NODES);
    putBlock(tx, block, bits, version);
  }
}

/** Removes all bits, because the nodes get other numbers. */
export function clearLiveBits(tx: Connection): void {
  tx.run("DELETE FROM live_blocks");
}

/**
 * The blocks after `lastBlock` (-1: from the first on) that a write after `sinceVersion` changed, in order; 0 gives
 * all. Run it on one snapshot.
 *
 * @throws EmbedlessError `CORRUPT` when a row is damaged, or missing if all are read
 */
export function* readLive(c: Connection, sinceVersion: number, lastBlock = -1): Generator<LiveBlock> {
  const sql =
    "SELECT block, bits, version, crc FROM live_blocks WHERE block > ? AND version > ? ORDER BY block LIMIT 64";
  // 0 must give all rows, even one whose version is damaged.
  const since = sinceVersion > 0 ? sinceVersion : Number.MIN_SAFE_INTEGER;
  for (let last = lastBlock; ; ) {
    const found = c.all<LiveRow>(sql, last, since);
    if (found.length === 0) return;
    requireOrder(
      "live_blocks",
      found.map(({ block }) => block),
      last + 1,
    );
    for (const row of found) {
      const bits = checked(c, row);
      // There is one row per block, from the first on.
      if (sinceVersion <= 0 && row.block !== last + 1) throw damagedRow("live_blocks", last + 1, "is missing");
      last = row.block;
      yield { block: row.block, bits };
    }
  }
}

/**
 * Throws `CORRUPT` unless `nextNode` fits the number of live bits, because bitmaps and loops are sized by it. Do not
 * call it inside a write, where nodes are assigned before they get their bits.
 */
export function requireGivenOut(c: Connection, nextNode: number): void {
  const last = c.get<{ last: number | null }>("SELECT max(block) AS last FROM live_blocks")?.last ?? -1;
  if (Math.ceil(nextNode / BLOCK_NODES) - 1 === last) return;
  throw damagedRow("meta", "nextNode", `says ${nextNode}, but the last row of live_blocks is ${last}`);
}

/** Whether a node is marked live. Throws `CORRUPT` when its row is damaged. */
export function isLive(c: Connection, node: number): boolean {
  const bits = readBlock(c, Math.floor(node / BLOCK_NODES));
  return bits !== undefined && hasBit(bits, node % BLOCK_NODES);
}

/**
 * Throws `CORRUPT` if a node in `[from, end)` is marked live and not in `present`, because its passage is lost. Run it
 * on the snapshot that `present` was read from.
 */
export function requirePresent(c: Connection, from: number, end: number, present: ReadonlySet<number>): void {
  const sql = "SELECT block, bits, version, crc FROM live_blocks WHERE block >= ? AND block < ? ORDER BY block LIMIT 1";
  const endBlock = Math.min(Math.ceil(end / BLOCK_NODES), Number.MAX_SAFE_INTEGER);
  for (let block = Math.floor(from / BLOCK_NODES); block < endBlock; block++) {
    const row = c.get<LiveRow>(sql, block, endBlock);
    if (row === undefined) return;
    const bits = checked(c, row);
    requireOrder("live_blocks", [row.block], block);
    block = row.block;
    const first = block * BLOCK_NODES;
    const stop = Math.min(BLOCK_NODES, end - first);
    for (let n = Math.max(0, from - first); n < stop; n++) {
      if (hasBit(bits, n) && !present.has(first + n)) throw damagedRow("passages", first + n, "is missing");
    }
  }
}

function readBlock(c: Connection, block: number): Uint8Array | undefined {
  const row = c.get<LiveRow>("SELECT block, bits, version, crc FROM live_blocks WHERE block = ?", block);
  return row && checked(c, row);
}

function checked(c: Connection, row: LiveRow): Uint8Array {
  checkRow(c, "live_blocks", row.block, row.crc, row.block, row.bits, row.version);
  if (row.bits.length !== BITS_BYTES) throw damagedRow("live_blocks", row.block, "has another length");
  return row.bits;
}

function putBlock(tx: Connection, block: number, bits: Uint8Array, version: number): void {
  const crc = checksum(tx, "live_blocks", block, bits, version);
  const sql = "INSERT OR REPLACE INTO live_blocks (block, bits, version, crc) VALUES (?, ?, ?, ?)";
  tx.run(sql, block, bits, version, crc);
}

/**
 * All settings and counters, after checking that those that size loops and memory agree with their tables. It reads the
 * last row of each table and takes no noticeable time. Run it on one snapshot, not inside a write.
 *
 * @throws EmbedlessError `CORRUPT` naming a row that is damaged or contradicts another
 */
export function readSoundCounters(c: Connection): Meta {
  const meta = readMeta(c);
  requireGivenOut(c, meta.nextNode);
  requireNoBucketBeyond(c, meta.idBuckets);
  return meta;
}
