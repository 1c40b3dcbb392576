import type { NativeCoder } from "../native.js";
import type { CodeCalibration } from "./calibration/code_calibration.js";
import { CALIBRATION } from "./calibration.js";

/** What is known of a code before and after it is trained. */
export type CodeTraits = Pick<NativeCoder, "kind" | "dims" | "rowBytes">;

/** Dims of the vectors that all was measured on. */
const MEASURED_DIMS = 384;
/** Bytes of a row that are no numbers, by kind of code. */
const HEADER_BYTES: Partial<Record<CodeTraits["kind"], number>> = { lvq: 16, lvq8: 8, int8: 8, float16: 4 };

/**
 * The figures of a code. They were measured at 384 dims; of codes that were not measured those of the next smaller one of
 * the same kind stand in, so that searches rather look at more passages than at too few: for product quantisation and
 * LeanVec by bytes of a row, for LVQ and plain forms of vectors by bits of a number.
 *
 * @param code Left out: the 48 bytes of most stores.
 */
export function calibrationOf(code?: CodeTraits): CodeCalibration {
  if (code === undefined) return nearest("pq", 51);
  if (code.kind === "pq" || code.kind === "leanvec") return nearest(code.kind, code.rowBytes);
  const perNumber = (code.rowBytes - (HEADER_BYTES[code.kind] ?? 0)) / code.dims;
  return nearest("lvq", Math.round(MEASURED_DIMS * perNumber) + HEADER_BYTES.lvq!);
}

/** Of codes with as many bytes the first: of the two trainings of LeanVec the one that has to look at more. */
function nearest(kind: CodeCalibration["kind"], rowBytes: number): CodeCalibration {
  const same = CALIBRATION.codes.filter((one) => one.kind === kind);
  const sizes = same.map((one) => one.rowBytes);
  const smaller = sizes.filter((size) => size <= rowBytes);
  const size = smaller.length > 0 ? Math.max(...smaller) : Math.min(...sizes);
  return same.find((one) => one.rowBytes === size)!;
}

/**
 * A table by k (rows, those of `ks`) and recall target (columns) at any place: linear in logarithms of k and of 1 - recall;
 * edges count outside.
 */
export function tableAt(
  table: readonly (readonly number[])[],
  k: number,
  recall: number,
  ks: readonly number[] = CALIBRATION.ks,
): number {
  const { rows, columns } = placeOf(k, recall, ks);
  const at = (row: number) => mix(table[row]![columns.low]!, table[row]![columns.high]!, columns.share);
  return mix(at(rows.low), at(rows.high), rows.share);
}

/** The largest of the entries around a place. */
export function tableAbove(table: readonly (readonly number[])[], k: number, recall: number): number {
  const { rows, columns } = placeOf(k, recall, CALIBRATION.ks);
  const around = [rows.low, rows.high].flatMap((row) => [table[row]![columns.low]!, table[row]![columns.high]!]);
  return Math.max(...around);
}

/** A map from raw to reached recall of each k, at any k. */
export function mapAt(maps: readonly (readonly number[])[], k: number, raw: number): number {
  const rows = place(CALIBRATION.ks.map(Math.log), Math.log(k));
  return mix(mapAtRow(maps[rows.low]!, raw), mapAtRow(maps[rows.high]!, raw), rows.share);
}

/** One map at a raw figure. */
function mapAtRow(map: readonly number[], raw: number): number {
  const { low, high, share } = place(CALIBRATION.raws, raw);
  return mix(map[low]!, map[high]!, share);
}

function placeOf(k: number, recall: number, ks: readonly number[]) {
  const scale = (share: number) => -Math.log(1 - share);
  return {
    rows: place(ks.map(Math.log), Math.log(k)),
    columns: place(CALIBRATION.recalls.map(scale), scale(recall)),
  };
}

/** Where `x` lies in a rising `axis`: the entries on both sides and the share of the way between them. */
function place(axis: readonly number[], x: number): { low: number; high: number; share: number } {
  const last = axis.length - 1;
  if (x <= axis[0]!) return { low: 0, high: 0, share: 0 };
  if (x >= axis[last]!) return { low: last, high: last, share: 0 };
  const high = axis.findIndex((value) => value >= x);
  const low = axis[high] === x ? high : high - 1;
  return { low, high, share: low === high ? 0 : (x - axis[low]!) / (axis[high]! - axis[low]!) };
}

function mix(a: number, b: number, share: number): number {
  return a + (b - a) * share;
}
