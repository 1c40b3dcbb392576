import { randomInt } from "node:crypto";
import { type Cell, checksum, damagedRow } from "./integrity.js";

/** Its row in `meta`, whose own checksum is not salted. */
export const SALT_KEY = "salt";
const UNSALTED = { salt: 0 };

/** What is needed of a connection, which itself needs the salt. */
interface Rows {
  get<T>(sql: string, ...params: Cell[]): T | undefined;
  all<T>(sql: string, ...params: Cell[]): T[];
  run(sql: string, ...params: Cell[]): unknown;
}

/** Passages that are asked what the salt must have been. */
const WITNESSES = 64;

/** Gives a new store its salt. Must come before any other row. */
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
 * The salt that most passages were written with, whatever `meta` says: what their checksums are turned around by.
 * Throws `CORRUPT` when not even that can be read; 0 without passages.
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
