/** Writes numbers, sizes and times for people. */

import type { AddResult } from "../api/passage.js";

/** `1536` as `1,536`. */
export function count(value: number): string {
  return value.toLocaleString("en-US");
}

/** A number with its noun: `1 file`, `2 files`. */
export function counted(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? "" : "s"}`;
}

/** Bytes in a suitable decimal unit: `812 B`, `41.2 kB`, `3.0 MB`. */
export function bytes(value: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let size = value;
  let unit = 0;
  while (size >= 999.95 && unit < units.length - 1) {
    size /= 1000;
    unit++;
  }
  return `${unit === 0 ? size : size.toFixed(1)} ${units[unit]}`;
}

/**
 * The bytes in a size that a person wrote, such as `500kB`, `2 MiB`, `1.5gb` or `4096`; `undefined` for anything else.
 */
export function bytesFrom(text: string): number | undefined {
  const [, number, prefix = "", binary] = /^\s*(\d+(?:\.\d+)?)\s*(?:([kmgt]?)(i?)b?)\s*$/i.exec(text) ?? [];
  if (number === undefined || (binary && prefix === "")) return undefined;
  return Math.round(Number(number) * (binary ? 1024 : 1000) ** " kmgt".indexOf(prefix.toLowerCase() || " "));
}

/** Milliseconds, with decimals if they are few: `0.42 ms`, `38 ms`, `2,310 ms`. */
export function milliseconds(value: number): string {
  return `${value < 1 ? value.toFixed(2) : value < 10 ? value.toFixed(1) : count(Math.round(value))} ms`;
}

/** Seconds in hours, minutes and seconds: `41 s`, `2 min 5 s`, `3 h 10 min`. */
export function duration(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min ${whole % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** A share such as `0.47`; `-` if the whole is 0. */
export function ratio(part: number, whole: number): string {
  return whole > 0 ? (part / whole).toFixed(2) : "-";
}

/** Number of items that an `add` was given. */
export function itemsIn({ added, updated, unchanged }: Pick<AddResult, "added" | "updated" | "unchanged">): number {
  return added + updated + unchanged;
}
