import { createHash } from "node:crypto";
import { checkRow, checksum, damagedRow } from "./checksum.js";
import type { Connection } from "./connection.js";

/** Stores a codebook that was trained on this store; answers the sha256 (hex) that names it. */
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
