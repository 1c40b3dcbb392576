import { readFileSync } from "node:fs";
import { packagePath } from "../base/packages.js";
import type { NativeCoder } from "../native/surface.js";

/**
 * What was measured with one code. Tables have rows by k and columns by target. Raw figures are
 * `NativeResult.expectedRecall`.
 */
export interface CodeCalibration {
  readonly code: string;
  readonly kind: "pq" | "lvq" | "leanvec";
  /** Bytes of a row under cosine, factors included. */
  readonly rowBytes: number;
  /**
   * Searches with exact scores first recompute every candidate whose probability to be among the k nearest is at least
   * this share of 1 - target. Only then `stop` decides. If left out, `stop` decides alone.
   *
   * With coarse codes some questions have hundreds of unlikely candidates. Bringing each question to the same recall
   * costs more than spending equally on all: a fifth more at 24 bytes, nothing from 48 bytes on.
   */
  readonly leastShare?: number;
  /** Most recomputes: the smallest power of two from 64 and 4k on that 19 of 20 searches of any kind stay below. */
  readonly cap: readonly (readonly number[])[];
  readonly exact: CodeTables;
  /**
   * The same tables for `scores: "approx"`, where candidates that certainly belong to the answer are not recomputed.
   */
  readonly approx: CodeTables;
  /**
   * Maps from raw to reached recall: for answers from estimates alone, with exact scores and with approximate scores.
   * Rows by k.
   */
  readonly reached: {
    readonly estimates: readonly (readonly number[])[];
    readonly exact: readonly (readonly number[])[];
    readonly approx: readonly (readonly number[])[];
  };
}

/** Tables for one kind of scores. */
export interface CodeTables {
  /**
   * Raw recall at which a search ends, so that questions of every kind, own and foreign, reach the target on average.
   */
  readonly stop: readonly (readonly number[])[];
  /** Mean recomputes for questions that some passage answers. */
  readonly looks: readonly (readonly number[])[];
}

/**
 * How searches reach a recall, and how far their own estimates of it can be relied on, per code. `calibration.json`
 * holds the figures, measured on real passages of 384 dims (all 50,000, and small stores cut from them), with every
 * other question of their own and with foreign questions, which no passage answers. `npm run bench -- calibrate` writes
 * that file (`--codes 48,lvq8`: only these codes).
 */
export interface Calibration {
  /** Recall targets, the columns of the tables. */
  readonly recalls: readonly number[];
  /** Values of k, the rows of the tables and maps. */
  readonly ks: readonly number[];
  /** Raw figures for which the maps hold the reached recall. */
  readonly raws: readonly number[];
  readonly codes: readonly CodeCalibration[];
}

let loaded: Calibration | undefined;

/** The figures of all codes. The file is read once. */
export function calibration(): Calibration {
  loaded ??= JSON.parse(readFileSync(packagePath("src", "codes", "calibration.json"), "utf8")) as Calibration;
  return loaded;
}

/** The properties of a code that are known before it is trained. */
export type CodeTraits = Pick<NativeCoder, "kind" | "dims" | "rowBytes">;

/** Dims of the vectors that were measured. */
const MEASURED_DIMS = 384;
/** Header bytes of a row, by kind of code. */
const HEADER_BYTES: Partial<Record<CodeTraits["kind"], number>> = { lvq: 16, lvq8: 8, int8: 8, float16: 4 };

/**
 * The figures of a code. They were measured at 384 dims. For a code that was not measured, those of the next smaller
 * code of the same kind are used, so that searches recompute too many passages rather than too few. Product
 * quantisation and LeanVec are compared by bytes per row, LVQ and plain vectors by bits per number.
 *
 * @param code Default: 48 bytes.
 */
export function calibrationOf(code?: CodeTraits): CodeCalibration {
  if (code === undefined) return nearest("pq", 51);
  if (code.kind === "pq" || code.kind === "leanvec") return nearest(code.kind, code.rowBytes);
  const perNumber = (code.rowBytes - (HEADER_BYTES[code.kind] ?? 0)) / code.dims;
  return nearest("lvq", Math.round(MEASURED_DIMS * perNumber) + HEADER_BYTES.lvq!);
}

/** The first code with this many bytes. Of the two trainings of LeanVec it is the one that recomputes more. */
function nearest(kind: CodeCalibration["kind"], rowBytes: number): CodeCalibration {
  const same = calibration().codes.filter((one) => one.kind === kind);
  const sizes = same.map((one) => one.rowBytes);
  const smaller = sizes.filter((size) => size <= rowBytes);
  const size = smaller.length > 0 ? Math.max(...smaller) : Math.min(...sizes);
  return same.find((one) => one.rowBytes === size)!;
}

/**
 * The value of a table at any k (rows, those of `ks`) and recall target (columns). It is linear in the logarithms of k
 * and of 1 - recall. Outside of the table the values at its edge are used.
 */
export function tableAt(
  table: readonly (readonly number[])[],
  k: number,
  recall: number,
  ks: readonly number[] = calibration().ks,
): number {
  const { rows, columns } = placeOf(k, recall, ks);
  const at = (row: number) => mix(table[row]![columns.low]!, table[row]![columns.high]!, columns.share);
  return mix(at(rows.low), at(rows.high), rows.share);
}

/** The largest of the entries around a place of the table. */
export function tableAbove(table: readonly (readonly number[])[], k: number, recall: number): number {
  const { rows, columns } = placeOf(k, recall, calibration().ks);
  const around = [rows.low, rows.high].flatMap((row) => [table[row]![columns.low]!, table[row]![columns.high]!]);
  return Math.max(...around);
}

/** The reached recall for a raw recall, at any k. */
export function mapAt(maps: readonly (readonly number[])[], k: number, raw: number): number {
  const rows = place(calibration().ks.map(Math.log), Math.log(k));
  return mix(mapAtRow(maps[rows.low]!, raw), mapAtRow(maps[rows.high]!, raw), rows.share);
}

/** The reached recall for a raw recall, from one map. */
function mapAtRow(map: readonly number[], raw: number): number {
  const { low, high, share } = place(calibration().raws, raw);
  return mix(map[low]!, map[high]!, share);
}

function placeOf(k: number, recall: number, ks: readonly number[]) {
  const scale = (share: number) => -Math.log(1 - share);
  return {
    rows: place(ks.map(Math.log), Math.log(k)),
    columns: place(calibration().recalls.map(scale), scale(recall)),
  };
}

/** The place of `x` in a rising `axis`: the entries on both sides, and the share of the way between them. */
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

/** What is needed to calibrate an answer. */
export interface Answer {
  /** The code that made the estimates. */
  coder: CodeTraits;
  k: number;
  /** Candidates that were recomputed. */
  recomputed: number;
  scores: "exact" | "approx";
}

/**
 * The mean share of the true k nearest that answers with this raw figure hold.
 *
 * @param raw `NativeResult.expectedRecall`: the recall if the errors of estimates were normal and independent.
 * @param answer How the answer was made. Answers from estimates alone have other errors than recomputed ones.
 */
export function calibratedRecall(raw: number, answer: Answer): number {
  if (raw >= 1) return 1; // all candidates were certain
  const { reached } = calibrationOf(answer.coder);
  const map = answer.recomputed > 0 ? reached[answer.scores] : reached.estimates;
  return Math.min(1, Math.max(0, mapAt(map, answer.k, raw)));
}
