import { hash as digest } from "node:crypto";
import type { Connection } from "./connection.js";
import { checkRow, checksum, damagedRow } from "./integrity.js";
import { readIdBuckets, writeMeta } from "./meta.js";

/** Bytes of an entry: four of the id's hash, four of the node, both little-endian. */
const ENTRY_BYTES = 8;
/** Most ids per bucket on average. Half a kilobyte is read per id, and written per new id. */
const LOAD = 64;

/**
 * The node of each id: a hash table in the file whose buckets have checksums. It can therefore prove that an id does
 * not exist, while a damaged page could lead an index of SQLite past it. It takes 8 bytes per id, however long the id
 * is.
 *
 * Buckets are added one at a time, and each takes over a part of another one (linear hashing, Litwin 1980). They are
 * read when they are needed and kept. An object serves one transaction, and `save` writes its changes.
 */
export class IdTable {
  readonly #c: Connection;
  readonly #buckets = new Map<number, Buffer>();
  readonly #changed = new Set<number>();
  readonly #savedCount: number;
  #count: number;

  /** @throws EmbedlessError `CORRUPT` when the number of buckets is damaged */
  constructor(c: Connection) {
    this.#c = c;
    this.#count = readIdBuckets(c);
    this.#savedCount = this.#count;
  }

  /**
   * The nodes that an id may belong to: one if it exists, none if not. Of a million ids, one in 4,000 shares its hash
   * with another, so check the passage.
   *
   * @throws EmbedlessError `CORRUPT` when the bucket is damaged or missing
   */
  nodesOf(id: string): number[] {
    const wanted = hashOf(this.#c, id);
    const bucket = this.#bucket(addressOf(wanted, this.#count));
    const nodes: number[] = [];
    // This is not `entriesOf`, because every lookup runs this loop, and creating an object per entry would be slower.
    for (let at = 0; at < bucket.length; at += ENTRY_BYTES) {
      if (bucket.readUInt32LE(at) === wanted) nodes.push(bucket.readUInt32LE(at + 4));
    }
    return nodes;
  }

  /** Adds an id that does not exist yet. */
  enter(id: string, node: number): void {
    const entry = Buffer.alloc(ENTRY_BYTES);
    const hash = hashOf(this.#c, id);
    entry.writeUInt32LE(hash);
    entry.writeUInt32LE(node, 4);
    const address = addressOf(hash, this.#count);
    this.#put(address, Buffer.concat([this.#bucket(address), entry]));
  }

  /** Removes the entry of an id that belonged to a node. */
  remove(id: string, node: number): void {
    const wanted = hashOf(this.#c, id);
    const address = addressOf(wanted, this.#count);
    const others = (entry: Entry) => entry.hash !== wanted || entry.node !== node;
    this.#put(address, pick(this.#bucket(address), others));
  }

  /** Writes the changes, with as many buckets as this number of passages needs. */
  save(passages: number): void {
    while (this.#count * LOAD < passages) this.#split();
    for (const address of this.#changed) putBucket(this.#c, address, this.#bucket(address));
    this.#changed.clear();
    if (this.#count !== this.#savedCount) writeMeta(this.#c, { idBuckets: this.#count });
  }

  /** Moves half of the ids of the next bucket in turn to a new one. */
  #split(): void {
    const before = this.#count++;
    const full = before - 2 ** Math.floor(Math.log2(before));
    const bucket = this.#bucket(full);
    const stays = ({ hash }: Entry) => addressOf(hash, this.#count) === full;
    this.#put(full, pick(bucket, stays));
    this.#put(
      before,
      pick(bucket, (entry) => !stays(entry)),
    );
  }

  #bucket(address: number): Buffer {
    const known = this.#buckets.get(address);
    if (known) return known;
    const bucket = getBucket(this.#c, address);
    this.#buckets.set(address, bucket);
    return bucket;
  }

  #put(address: number, bucket: Buffer): void {
    this.#buckets.set(address, bucket);
    this.#changed.add(address);
  }
}

/** Creates the table of a new store. */
export function createIds(tx: Connection): void {
  putBucket(tx, 0, Buffer.alloc(0));
  writeMeta(tx, { idBuckets: 1 });
}

/** Removes all ids. */
export function clearIds(tx: Connection): void {
  tx.run("DELETE FROM id_buckets");
  createIds(tx);
}

/**
 * Gives every id the new number of its node, one bucket per step.
 *
 * @throws EmbedlessError `CORRUPT` when a bucket is damaged, or leads to a node that gets no number
 */
export function* renumberIds(tx: Connection, numberOf: (node: number) => number | undefined): Generator<void> {
  const count = readIdBuckets(tx);
  for (let address = 0; address < count; address++) {
    const bucket = Buffer.from(getBucket(tx, address));
    for (const { node, at } of entriesOf(bucket)) {
      const moved = numberOf(node);
      if (moved === undefined) throw damagedRow("id_buckets", address, `leads to node ${node}, which is gone`);
      bucket.writeUInt32LE(moved, at + 4);
    }
    putBucket(tx, address, bucket);
    yield;
  }
}

/**
 * Number of ids in a bucket.
 *
 * @throws EmbedlessError `CORRUPT` when it is damaged or missing, or an id belongs elsewhere
 */
export function countIds(c: Connection, address: number, buckets: number): number {
  const bucket = getBucket(c, address);
  for (const { hash } of entriesOf(bucket)) {
    if (addressOf(hash, buckets) !== address) throw damagedRow("id_buckets", address, "holds an id of another one");
  }
  return bucket.length / ENTRY_BYTES;
}

/** Throws `CORRUPT` if there are more buckets than `buckets`, because nobody would read them. */
export function requireNoBucketBeyond(c: Connection, buckets: number): void {
  const stray =
    c.get<{ bucket: number }>("SELECT bucket FROM id_buckets WHERE bucket >= ? LIMIT 1", buckets) ??
    c.get<{ bucket: number }>("SELECT bucket FROM id_buckets WHERE bucket < 0 LIMIT 1");
  if (stray) throw damagedRow("id_buckets", stray.bucket, "is one too many");
}

interface Entry {
  hash: number;
  node: number;
  /** Byte offset of the entry. */
  at: number;
}

function* entriesOf(bucket: Buffer): Generator<Entry> {
  for (let at = 0; at < bucket.length; at += ENTRY_BYTES) {
    yield { hash: bucket.readUInt32LE(at), node: bucket.readUInt32LE(at + 4), at };
  }
}

function pick(bucket: Buffer, wanted: (entry: Entry) => boolean): Buffer {
  const picked = [...entriesOf(bucket)].filter(wanted);
  return Buffer.concat(picked.map(({ at }) => bucket.subarray(at, at + ENTRY_BYTES)));
}

/** The hash uses the store's salt, so nobody can choose ids that all fall into one bucket. */
function hashOf({ salt }: Connection, id: string): number {
  return digest("sha256", `${salt} ${id}`, "buffer").readUInt32LE();
}

/** The bucket of a hash among `count` buckets. */
function addressOf(hash: number, count: number): number {
  const half = 2 ** Math.floor(Math.log2(count));
  const address = hash % (2 * half);
  return address < count ? address : address - half;
}

function getBucket(c: Connection, address: number): Buffer {
  const sql = "SELECT entries, crc FROM id_buckets WHERE bucket = ?";
  const row = c.get<{ entries: Uint8Array; crc: number }>(sql, address);
  if (row === undefined) throw damagedRow("id_buckets", address, "is missing");
  const { entries, crc } = row;
  checkRow(c, "id_buckets", address, crc, address, entries);
  if (entries.length % ENTRY_BYTES !== 0) throw damagedRow("id_buckets", address, "has another length");
  return Buffer.from(entries.buffer, entries.byteOffset, entries.length);
}

function putBucket(tx: Connection, address: number, entries: Uint8Array): void {
  const sql = "INSERT OR REPLACE INTO id_buckets (bucket, entries, crc) VALUES (?, ?, ?)";
  tx.run(sql, address, entries, checksum(tx, "id_buckets", address, entries));
}
