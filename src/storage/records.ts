import type { Connection } from "./connection.js";
import { checkRow, checksum, damagedRow, ifSound } from "./integrity.js";

/** One record of an indexing pipeline. */
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

const SELECT = "SELECT namespace, key, group_id, updated, crc FROM records";

/** Adds or updates a record. */
export function putRecord(tx: Connection, { namespace, key, group, updated }: RecordRow): void {
  const crc = checksum(tx, "records", namespace, key, group, updated);
  const sql = "INSERT OR REPLACE INTO records (namespace, key, group_id, updated, crc) VALUES (?, ?, ?, ?, ?)";
  tx.run(sql, namespace, key, group, updated, crc);
}

/** The record of a key, `undefined` if there is none. Throws `CORRUPT` for a damaged one. */
export function getRecord(c: Connection, namespace: string, key: string): RecordRow | undefined {
  const row = c.get<StoredRecord>(`${SELECT} WHERE namespace = ? AND key = ?`, namespace, key);
  if (row) return checked(c, row);
  // A damaged key would be next to the right place.
  requireSound(c, "(namespace, key) < (?, ?) ORDER BY namespace DESC, key DESC", namespace, key);
  requireSound(c, "(namespace, key) > (?, ?) ORDER BY namespace, key", namespace, key);
  requireTable(c);
  return undefined;
}

function requireSound(c: Connection, where: string, ...params: string[]): void {
  const neighbor = c.get<StoredRecord>(`${SELECT} WHERE ${where} LIMIT 1`, ...params);
  if (neighbor) checked(c, neighbor);
}

/** The index by time says whether there are records at all. */
function requireTable(c: Connection): void {
  if (c.get("SELECT 1 FROM records NOT INDEXED LIMIT 1") !== undefined) return;
  const lost = c.get<{ updated: number }>("SELECT updated FROM records INDEXED BY records_by_time LIMIT 1");
  if (lost !== undefined) throw damagedRow("records", lost.updated, "is missing");
}

/** Removes the record of a key. */
export function deleteRecord(tx: Connection, namespace: string, key: string): void {
  tx.run("DELETE FROM records WHERE namespace = ? AND key = ?", namespace, key);
}

/** Removes the records of a key in these namespaces. */
export function deleteRecordsOf(tx: Connection, key: string, namespaces: readonly string[]): void {
  for (const namespace of namespaces) deleteRecord(tx, namespace, key);
}

/** Removes all records. */
export function clearRecords(tx: Connection): void {
  tx.run("DELETE FROM records");
}

/** The namespaces that have records. */
export function namespacesOf(c: Connection): string[] {
  const names: string[] = [];
  for (;;) {
    const sql = "SELECT namespace FROM records WHERE namespace > ? ORDER BY namespace LIMIT 1";
    const next = c.get<{ namespace: string }>(sql, names.at(-1) ?? "");
    if (next === undefined) return names;
    names.push(next.namespace);
  }
}

/** The time of the newest record; 0 if there is none. */
export function newestRecord(c: Connection): number {
  return c.get<{ newest: number | null }>("SELECT max(updated) AS newest FROM records")?.newest ?? 0;
}

/**
 * Every record, by namespace and key. They are read in sequence, because a damaged record could lead a lookup past
 * others, which would then be missed. Run it on one snapshot.
 *
 * @throws EmbedlessError `CORRUPT` when a record is damaged, out of order or missing
 */
export function* readRecords(c: Connection): Generator<RecordRow> {
  let last: RecordRow | undefined;
  let count = 0;
  for (const row of c.iterate<StoredRecord>(`${SELECT} NOT INDEXED ORDER BY namespace, key`)) {
    const record = checked(c, row);
    if (last && !isBefore(last, record)) throw damagedRow("records", nameOf(record), "is out of order");
    last = record;
    count++;
    yield record;
  }
  const indexed = c.get<{ n: number }>("SELECT count(*) AS n FROM records INDEXED BY records_by_time")?.n;
  if (indexed !== count) throw damagedRow("records", nameOf(last), `is not the last: ${indexed} are indexed by time`);
}

/** All sound records, in no order. The table is read from both ends, so that damage in between hides none after it. */
export function soundRecords(c: Connection): RecordRow[] {
  const found = new Map<string, RecordRow>();
  for (const order of ["ASC", "DESC"]) {
    ifSound(() => {
      for (const row of c.iterate<StoredRecord>(`${SELECT} NOT INDEXED ORDER BY namespace ${order}, key ${order}`)) {
        const record = ifSound(() => checked(c, row));
        if (record) found.set(JSON.stringify([record.namespace, record.key]), record);
      }
    });
  }
  return [...found.values()];
}

/** Compares as SQLite does, by the bytes of UTF-8. */
function isBefore(a: RecordRow, b: RecordRow): boolean {
  const byNamespace = Buffer.compare(Buffer.from(a.namespace), Buffer.from(b.namespace));
  return byNamespace < 0 || (byNamespace === 0 && Buffer.compare(Buffer.from(a.key), Buffer.from(b.key)) < 0);
}

function nameOf(record: RecordRow | undefined): string {
  return record ? `${record.namespace} ${record.key}` : "";
}

function checked(c: Connection, { namespace, key, group_id: group, updated, crc }: StoredRecord): RecordRow {
  checkRow(c, "records", `${namespace} ${key}`, crc, namespace, key, group, updated);
  return { namespace, key, group, updated };
}
