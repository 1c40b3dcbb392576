import { readFileSync } from "node:fs";
import { packagePath } from "../base/packages.js";
import type { NativeCoder } from "../native/surface.js";

/** What was measured with one code. Tables by k and target; what is raw is `NativeResult.expectedRecall`. */
export interface CodeCalibration {
  readonly code: string;
  readonly kind: "pq" | "lvq" | "leanvec";
  /** Bytes of a row under cosine, factors included. */
  readonly rowBytes: number;
  /**
   * Searches with exact scores look at every candidate that is at least this share of 1 - target likely among the k nearest,
   * and go on as `stop` says only then. Left out: they go by `stop` alone.
   *
   * Coarse codes leave some questions hundreds of candidates that are hardly likely. To bring each question to one recall
   * costs more than to spend alike on all: at 24 bytes a fifth more, from 48 bytes on nothing.
   */
  readonly leastShare?: number;
  /** Most recomputes: the smallest power of two from 64 and 4k on that 19 of 20 searches of any kind stay below. */
  readonly cap: readonly (readonly number[])[];
  readonly exact: CodeTables;
  /** The same where candidates that estimates tell from the rest are taken unseen. */
  readonly approx: CodeTables;
  /** From raw to reached recall: of answers by estimates alone, and of those with exact and approximate scores. Rows by k. */
  readonly reached: {
    readonly estimates: readonly (readonly number[])[];
    readonly exact: readonly (readonly number[])[];
    readonly approx: readonly (readonly number[])[];
  };
}

/** Of searches with one kind of scores. */
export interface CodeTables {
  /** Raw recall at which a search ends, so that questions of every kind, own and foreign, reach the target in the mean. */
  readonly stop: readonly (readonly number[])[];
  /** Mean recomputes that it costs questions which some passage answers. */
  readonly looks: readonly (readonly number[])[];
}

/**
 * How searches reach a recall, and what their answers say about it, code by code. `calibration.json` holds it: figures
 * measured on real passages of 384 dims (all 50,000, and small stores cut out of them), with every other question of their
 * own and with foreign questions, which no passage answers. `npm run bench -- calibrate` writes that file (`--codes
 * 48,lvq8`: only these codes).
 */
export interface Calibration {
  /** Targets: columns of the tables. */
  readonly recalls: readonly number[];
  /** Rows of the tables and maps. */
  readonly ks: readonly number[];
  /** Raw figures at which the maps know the recall reached. */
  readonly raws: readonly number[];
  readonly codes: readonly CodeCalibration[];
}

let loaded: Calibration | undefined;

/** The figures of all codes, read from the package once. */
export function calibration(): Calibration {
  loaded ??= JSON.parse(readFileSync(packagePath("src", "codes", "calibration.json"), "utf8")) as Calibration;
  return loaded;
}

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
  const same = calibration().codes.filter((one) => one.kind === kind);
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
  ks: readonly number[] = calibration().ks,
): number {
  const { rows, columns } = placeOf(k, recall, ks);
  const at = (row: number) => mix(table[row]![columns.low]!, table[row]![columns.high]!, columns.share);
  return mix(at(rows.low), at(rows.high), rows.share);
}

/** The largest of the entries around a place. */
export function tableAbove(table: readonly (readonly number[])[], k: number, recall: number): number {
  const { rows, columns } = placeOf(k, recall, calibration().ks);
  const around = [rows.low, rows.high].flatMap((row) => [table[row]![columns.low]!, table[row]![columns.high]!]);
  return Math.max(...around);
}

/** A map from raw to reached recall of each k, at any k. */
export function mapAt(maps: readonly (readonly number[])[], k: number, raw: number): number {
  const rows = place(calibration().ks.map(Math.log), Math.log(k));
  return mix(mapAtRow(maps[rows.low]!, raw), mapAtRow(maps[rows.high]!, raw), rows.share);
}

/** One map at a raw figure. */
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

/** What an answer was made with. */
export interface Answer {
  /** The code that made the estimates. */
  coder: CodeTraits;
  k: number;
  /** Candidates that were looked at exactly. */
  recomputed: number;
  scores: "exact" | "approx";
}

/**
 * The share of the true k nearest that an answer holds, in the mean over queries with the same raw figure.
 *
 * @param raw `NativeResult.expectedRecall`: what follows if the estimates' errors were normal and independent.
 * @param answer What it was made with. An answer by estimates alone errs in another way than one after exact looks.
 */
export function calibratedRecall(raw: number, answer: Answer): number {
  if (raw >= 1) return 1; // nothing was left to chance
  const { reached } = calibrationOf(answer.coder);
  const map = answer.recomputed > 0 ? reached[answer.scores] : reached.estimates;
  return Math.min(1, Math.max(0, mapAt(map, answer.k, raw)));
}
