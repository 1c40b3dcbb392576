import { createHash } from "node:crypto";
import type { Connection } from "./connection.js";
import { checkRow, checksum, damagedRow } from "./integrity.js";

/** Most canaries of a store. */
export const MAX_CANARIES = 8;

/** A text and its vector when the store was created. A changed model gives another vector. */
export interface Canary {
  text: string;
  vector: Float32Array;
}

interface CanaryRow {
  n: number;
  text: Uint8Array;
  vector: Uint8Array;
  crc: number;
}

/** Replaces the canaries; at most 8. */
export function putCanaries(tx: Connection, canaries: readonly Canary[]): void {
  if (canaries.length > MAX_CANARIES) throw new RangeError(`Expected at most ${MAX_CANARIES} canaries.`);
  tx.run("DELETE FROM canaries");
  for (const [n, canary] of canaries.entries()) {
    const text = Buffer.from(canary.text);
    const vector = new Uint8Array(canary.vector.slice().buffer);
    const crc = checksum(tx, "canaries", n, text, vector);
    tx.run("INSERT INTO canaries (n, text, vector, crc) VALUES (?, ?, ?, ?)", n, text, vector, crc);
  }
}

/** Number of canaries, damaged ones included. */
export function countCanaries(c: Connection): number {
  return c.get<{ n: number }>("SELECT count(*) AS n FROM canaries")!.n;
}

/**
 * The canaries, in the order in which they were stored.
 *
 * @throws EmbedlessError `CORRUPT` when a row is damaged
 */
export function getCanaries(c: Connection): Canary[] {
  const found = c.all<CanaryRow>("SELECT n, text, vector, crc FROM canaries ORDER BY n LIMIT 9");
  if (found.length > MAX_CANARIES) throw damagedRow("canaries", MAX_CANARIES, "should not exist");
  return found.map(({ n, text, vector, crc }) => {
    checkRow(c, "canaries", n, crc, n, text, vector);
    if (vector.length === 0 || vector.length % 4 !== 0) throw damagedRow("canaries", n, "has another length");
    return { text: Buffer.from(text).toString("utf8"), vector: new Float32Array(vector.slice().buffer) };
  });
}

/** Stores a codebook that was trained on this store. Answers the sha256 (hex) that names it. */
export function putCodebook(tx: Connection, bytes: Uint8Array): string {
  const sha256 = sha256Of(bytes);
  const crc = checksum(tx, "codebooks", sha256, bytes);
  tx.run("INSERT OR REPLACE INTO codebooks (sha256, bytes, crc) VALUES (?, ?, ?)", sha256, bytes, crc);
  return sha256;
}

/**
 * The codebook of that name, `undefined` if it is not in this file (a shipped one is not).
 *
 * @throws EmbedlessError `CORRUPT` when it does not match its name
 */
export function getCodebook(c: Connection, sha256: string): Uint8Array | undefined {
  const row = c.get<{ bytes: Uint8Array; crc: number }>("SELECT bytes, crc FROM codebooks WHERE sha256 = ?", sha256);
  if (row === undefined) return undefined;
  checkRow(c, "codebooks", sha256, row.crc, sha256, row.bytes);
  if (sha256Of(row.bytes) !== sha256) throw damagedRow("codebooks", sha256, "does not match its sha256");
  return row.bytes;
}

function sha256Of(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

interface SampleRow {
  n: number;
  vector: Uint8Array;
  crc: number;
}

/** Stores vectors of questions for training the codebook, numbered from `first` on. */
export function addSampleQueries(tx: Connection, first: number, vectors: readonly Float32Array[]): void {
  for (const [i, vector] of vectors.entries()) {
    const bytes = new Uint8Array(vector.slice().buffer);
    const crc = checksum(tx, "sample_queries", first + i, bytes);
    tx.run("INSERT INTO sample_queries (n, vector, crc) VALUES (?, ?, ?)", first + i, bytes, crc);
  }
}

/**
 * All sample queries, row-major.
 *
 * @throws EmbedlessError `CORRUPT` when a row is damaged or missing, or when there is none
 */
export function getSampleQueries(c: Connection, dims: number): Float32Array {
  const count = countSampleQueries(c);
  if (count === 0) throw damagedRow("sample_queries", 0, "is missing");
  const vectors = new Float32Array(count * dims);
  for (let n = 0; n < count; n++) {
    const row = c.get<SampleRow>("SELECT n, vector, crc FROM sample_queries WHERE n = ?", n);
    if (row === undefined) throw damagedRow("sample_queries", n, "is missing");
    checkRow(c, "sample_queries", n, row.crc, n, row.vector);
    if (row.vector.length !== dims * 4) throw damagedRow("sample_queries", n, "has another length");
    vectors.set(new Float32Array(row.vector.slice().buffer), n * dims);
  }
  return vectors;
}

/** Number of sample queries that wait for the training. */
export function countSampleQueries(c: Connection): number {
  return c.get<{ n: number }>("SELECT count(*) AS n FROM sample_queries")?.n ?? 0;
}

/** Removes all of them after the codebook is trained. */
export function clearSampleQueries(tx: Connection): void {
  tx.run("DELETE FROM sample_queries");
}
