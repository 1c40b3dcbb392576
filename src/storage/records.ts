import { checkRow, checksum, damagedRow } from "./checksum.js";
import type { Connection } from "./connection.js";

/** One entry of the book of an indexing pipeline. */
export interface RecordRow {
  namespace: string;
  key: string;
  group: string | null;
  /** Milliseconds since 1970. */
  updated: number;
}

interface StoredRecord {
  namespace: string;
  key: string;
  group_id: string | null;
  updated: number;
  crc: number;
}

/** Which entries to list. Times are exclusive. */
export interface RecordRange {
  before?: number | undefined;
  after?: number | undefined;
  groups?: readonly (string | null)[] | undefined;
}

const SELECT = "SELECT namespace, key, group_id, updated, crc FROM records";

/** Enters a record, or brings it up to date. */
export function putRecord(tx: Connection, { namespace, key, group, updated }: RecordRow): void {
  const crc = checksum(tx, "records", namespace, key, group, updated);
  const sql = "INSERT OR REPLACE INTO records (namespace, key, group_id, updated, crc) VALUES (?, ?, ?, ?, ?)";
  tx.run(sql, namespace, key, group, updated, crc);
}

/** The record of a key, `undefined` if there is none. Throws `CORRUPT` for a damaged one. */
export function getRecord(c: Connection, namespace: string, key: string): RecordRow | undefined {
  const row = c.get<StoredRecord>(`${SELECT} WHERE namespace = ? AND key = ?`, namespace, key);
  if (row) return checked(c, row);
  // A damaged key stands beside the place of the right one.
  requireSound(c, "(namespace, key) < (?, ?) ORDER BY namespace DESC, key DESC", namespace, key);
  requireSound(c, "(namespace, key) > (?, ?) ORDER BY namespace, key", namespace, key);
  requireTable(c);
  return undefined;
}

/**
 * The next records of a namespace behind `afterKey` (`""`: from the first), by key: those of up to `limit` rows that lie in
 * a range, and the last key that was looked at. The range is decided only once a row is known to be whole, and so are the
 * rows before and behind the namespace: a damaged one of its own may stand there.
 *
 * @throws EmbedlessError `CORRUPT` when a row is damaged, or the table is lost
 */
export function listRecords(
  c: Connection,
  namespace: string,
  { before = Number.MAX_SAFE_INTEGER, after = -1, groups }: RecordRange,
  afterKey: string,
  limit: number,
): { rows: RecordRow[]; lastKey: string | undefined } {
  const sql = `${SELECT} WHERE namespace = ? AND key > ? ORDER BY key LIMIT ?`;
  const all = c.all<StoredRecord>(sql, namespace, afterKey, limit).map((row) => checked(c, row));
  const lastKey = all.at(-1)?.key;
  if (afterKey === "") requireSound(c, `(namespace, key) < (?, '') ORDER BY namespace DESC, key DESC`, namespace);
  if (all.length < limit) {
    requireSound(c, "(namespace, key) > (?, ?) ORDER BY namespace, key", namespace, lastKey ?? afterKey);
    requireTable(c);
  }
  const inRange = ({ updated, group }: RecordRow) =>
    updated < before && updated > after && (groups === undefined || groups.includes(group));
  return { rows: all.filter(inRange), lastKey: all.length < limit ? undefined : lastKey };
}

function requireSound(c: Connection, where: string, ...params: string[]): void {
  const neighbor = c.get<StoredRecord>(`${SELECT} WHERE ${where} LIMIT 1`, ...params);
  if (neighbor) checked(c, neighbor);
}

/** The index by time knows whether there are records at all. */
function requireTable(c: Connection): void {
  if (c.get("SELECT 1 FROM records NOT INDEXED LIMIT 1") !== undefined) return;
  const lost = c.get<{ updated: number }>("SELECT updated FROM records INDEXED BY records_by_time LIMIT 1");
  if (lost !== undefined) throw damagedRow("records", lost.updated, "is missing");
}

/** Removes the record of a key. */
export function deleteRecord(tx: Connection, namespace: string, key: string): void {
  tx.run("DELETE FROM records WHERE namespace = ? AND key = ?", namespace, key);
}

/** When a record was last entered; 0 if there is none. */
export function newestRecord(c: Connection): number {
  return c.get<{ newest: number | null }>("SELECT max(updated) AS newest FROM records")?.newest ?? 0;
}

/** Every record, checked one by one. */
export function* readRecords(c: Connection): Generator<RecordRow> {
  const sql = `${SELECT} WHERE (namespace, key) > (?, ?) ORDER BY namespace, key LIMIT 256`;
  for (let [namespace, key] = ["", ""]; ; ) {
    const rows = c.all<StoredRecord>(sql, namespace, key);
    for (const row of rows) yield checked(c, row);
    const last = rows.at(-1);
    if (last === undefined) return;
    [namespace, key] = [last.namespace, last.key];
  }
}

function checked(c: Connection, { namespace, key, group_id: group, updated, crc }: StoredRecord): RecordRow {
  checkRow(c, "records", `${namespace} ${key}`, crc, namespace, key, group, updated);
  return { namespace, key, group, updated };
}
