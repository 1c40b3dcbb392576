import { checkRow, checksum } from "./checksum.js";
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
  return row && checked(c, row);
}

/** Up to `limit` records of a namespace behind `afterKey` (`""`: from the first) that lie in a range, by key. */
export function listRecords(
  c: Connection,
  namespace: string,
  { before = Number.MAX_SAFE_INTEGER, after = -1, groups }: RecordRange,
  afterKey: string,
  limit: number,
): RecordRow[] {
  const inGroups = "EXISTS (SELECT 1 FROM json_each(?6) AS g WHERE g.value IS group_id)";
  const sql = `${SELECT} WHERE namespace = ?1 AND key > ?2 AND updated < ?3 AND updated > ?4 ${
    groups ? `AND ${inGroups}` : ""
  } ORDER BY key LIMIT ?5`;
  const params = [namespace, afterKey, before, after, limit, ...(groups ? [JSON.stringify(groups)] : [])];
  return c.all<StoredRecord>(sql, ...params).map((row) => checked(c, row));
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
