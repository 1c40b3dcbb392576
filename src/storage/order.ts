import { damagedRow } from "./checksum.js";

/**
 * Throws `CORRUPT` unless rows that were read in the order of their keys are in that order, from `least` on. SQLite
 * believes its pages; whoever reads on behind the last row of a piece could otherwise be led in a circle.
 */
export function requireOrder(table: string, keys: readonly number[], least: number): void {
  let next = least;
  for (const key of keys) {
    if (key < next) throw damagedRow(table, key, "is out of order");
    next = key + 1;
  }
}
