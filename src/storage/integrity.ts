import { randomInt } from "node:crypto";
import { types } from "node:util";
import { crc32 } from "node:zlib";
import { EmbedlessError } from "../base/errors.js";

/** A value that a column of the file can hold. */
export type Cell = string | number | Uint8Array | null;

/** A connection to a store, as far as checksums need it. */
export interface Salted {
  /** A number that each store has; 0 for the first stores, which have none. */
  readonly salt: number;
}

/**
 * The `crc` of a row: CRC-32 of the JSON array `[table, ...cells]`, with a blob's length in place of the blob, followed
 * by the bytes of the blobs in the same order. It covers the key and the table's name, so a sound row in another row's
 * place is detected too. It is combined (xor) with the store's salt, so a sound row of another store is detected too.
 * It is stored as a signed 32-bit integer, the shortest form in the file.
 */
export function checksum({ salt }: Salted, table: string, ...cells: Cell[]): number {
  const plain: (string | number | null)[] = [table];
  const blobs: Uint8Array[] = [];
  for (const cell of cells) {
    const isBlob = types.isUint8Array(cell);
    if (isBlob) blobs.push(cell);
    plain.push(isBlob ? cell.byteLength : cell);
  }
  let crc = crc32(JSON.stringify(plain));
  for (const blob of blobs) {
    // For no bytes zlib answers 0 instead of the value so far.
    if (blob.length > 0) crc = crc32(blob, crc);
  }
  return (crc ^ salt) | 0;
}

/** Throws `CORRUPT`, naming table and row, unless `crc` is the checksum of `cells`. */
export function checkRow(store: Salted, table: string, row: string | number, crc: number, ...cells: Cell[]): void {
  if (checksum(store, table, ...cells) !== crc) throw damagedRow(table, row, "does not match its checksum");
}

/** The `CORRUPT` error for one row: `damagedRow("code_blocks", 3, "is missing")`. */
export function damagedRow(table: string, row: string | number, what: string): EmbedlessError {
  return new EmbedlessError("CORRUPT", `Row ${JSON.stringify(row)} of table ${table} ${what}: the store is damaged.`);
}

/**
 * Throws `CORRUPT` unless rows that were read in the order of their keys are in that order, from `least` on. SQLite
 * trusts its pages, so reading on after the last row of a piece could otherwise lead in a circle.
 */
export function requireOrder(table: string, keys: readonly number[], least: number): void {
  let next = least;
  for (const key of keys) {
    if (key < next) throw damagedRow(table, key, "is out of order");
    next = key + 1;
  }
}

/** A problem in one sentence. `undefined`: a few milliseconds of work are done, and others may run. */
export type VerifyStep = string | undefined;

/** Yields the message of a `CORRUPT` failure. Any other failure is thrown. */
export function* problemsOf(work: () => unknown): Generator<VerifyStep> {
  try {
    work();
  } catch (error) {
    if (!(error instanceof EmbedlessError) || error.code !== "CORRUPT") throw error;
    yield error.message;
  }
}

/** Reads everything that `pieces` gives, up to its first `CORRUPT` failure. */
export function* walk(pieces: Iterator<unknown>): Generator<VerifyStep> {
  for (let done = false; !done; ) {
    done = true;
    yield* problemsOf(() => {
      done = pieces.next().done === true;
    });
    yield undefined;
  }
}

/** The result of `work`, or `undefined` if it meets damage. Used to read what is left. */
export function ifSound<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof EmbedlessError) || error.code !== "CORRUPT") throw error;
    return undefined;
  }
}

/** The salt's key in `meta`. The checksum of this row is not salted. */
export const SALT_KEY = "salt";
const UNSALTED = { salt: 0 };

/** The part of a connection that is used here. A connection itself needs the salt. */
interface Rows {
  get<T>(sql: string, ...params: Cell[]): T | undefined;
  all<T>(sql: string, ...params: Cell[]): T[];
  run(sql: string, ...params: Cell[]): unknown;
}

/** Number of passages from which the salt is guessed. */
const WITNESSES = 64;

/** Gives a new store its salt, before any other row is written. */
export function createSalt(tx: Rows): void {
  const json = String(randomInt(1, 2 ** 32));
  const crc = checksum(UNSALTED, "meta", SALT_KEY, json);
  tx.run("INSERT INTO meta (key, value, crc) VALUES (?, ?, ?)", SALT_KEY, json, crc);
}

/** The store's salt, 0 if it has none. Throws `CORRUPT` when its row is damaged. */
export function readSalt(c: Rows): number {
  const sql = "SELECT value, crc FROM store.meta WHERE key = ?";
  const row = c.get<{ value: string; crc: number }>(sql, SALT_KEY);
  if (row === undefined) return 0;
  const salt = Number(row.value);
  if (checksum(UNSALTED, "meta", SALT_KEY, row.value) !== row.crc || !Number.isSafeInteger(salt)) {
    throw damagedRow("meta", SALT_KEY, "does not match its checksum");
  }
  return salt;
}

/**
 * The salt that most passages were written with, computed from their checksums, whatever `meta` says. Throws `CORRUPT`
 * if they cannot be read; 0 without passages.
 */
export function guessSalt(c: Rows): number {
  const votes = new Map<number, number>();
  const sql = `SELECT node, id, dict, hash, metadata, text, crc FROM passages ORDER BY node LIMIT ${WITNESSES}`;
  for (const { crc, ...row } of c.all<Record<string, Cell> & { crc: number }>(sql)) {
    const salt = (checksum(UNSALTED, "passages", ...Object.values(row as Record<string, Cell>)) ^ crc) >>> 0;
    votes.set(salt, (votes.get(salt) ?? 0) + 1);
  }
  const [best] = [...votes].sort((a, b) => b[1] - a[1]);
  return best?.[0] ?? 0;
}
