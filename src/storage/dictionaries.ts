import { deflateRawSync, inflateRawSync } from "node:zlib";
import type { Connection } from "./connection.js";
import { checkRow, checksum, damagedRow } from "./integrity.js";

/** Longest preset dictionary, the window of deflate. */
export const DICTIONARY_BYTES = 32_768;

interface DictionaryRow {
  dict: number;
  bytes: Uint8Array;
  crc: number;
}

/** Stores a dictionary for texts. Answers its number, which is at least 1. */
export function putDictionary(tx: Connection, dictionary: Uint8Array): number {
  const dict = newestDictionary(tx) + 1;
  const bytes = deflateRawSync(dictionary, { level: 9 });
  const crc = checksum(tx, "dictionaries", dict, bytes);
  tx.run("INSERT INTO dictionaries (dict, bytes, crc) VALUES (?, ?, ?)", dict, bytes, crc);
  return dict;
}

/** Number of the newest dictionary; 0 if there is none. */
export function newestDictionary(c: Connection): number {
  return c.get<{ dict: number }>("SELECT dict FROM dictionaries ORDER BY dict DESC LIMIT 1")?.dict ?? 0;
}

/**
 * The dictionary with that number.
 *
 * @throws EmbedlessError `CORRUPT` when it is damaged or missing
 */
export function getDictionary(c: Connection, dict: number): Buffer {
  const row = c.get<DictionaryRow>("SELECT dict, bytes, crc FROM dictionaries WHERE dict = ?", dict);
  if (row === undefined) throw damagedRow("dictionaries", dict, "is missing");
  checkRow(c, "dictionaries", dict, row.crc, dict, row.bytes);
  try {
    return inflateRawSync(row.bytes, { maxOutputLength: DICTIONARY_BYTES });
  } catch {
    throw damagedRow("dictionaries", dict, "cannot be unpacked");
  }
}
