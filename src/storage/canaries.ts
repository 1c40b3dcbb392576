import type { Connection } from "./connection.js";
import { checkRow, checksum, damagedRow } from "./integrity.js";

/** Most canaries of a store. */
export const MAX_CANARIES = 8;

/** A text and what the embedder made of it when the store was new: a model that changed gives itself away. */
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

/** How many canaries there are, damaged ones included. */
export function countCanaries(c: Connection): number {
  return c.get<{ n: number }>("SELECT count(*) AS n FROM canaries")!.n;
}

/**
 * The canaries, in the order they were put.
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
