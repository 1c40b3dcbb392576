import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { gunzipSync } from "node:zlib";
import { packagePath } from "../../src/base/packages.js";

/** Length of every vector of the data folder. */
export const DATA_DIMS = 384;

/** Which of the two sets of queries: `questions` are hard (topics unlike most passages), `sentences` easy. */
export type SetName = "questions" | "sentences";

export const SET_NAMES: readonly SetName[] = ["questions", "sentences"];

/** Queries with their vectors, row-major, `DATA_DIMS` each. */
export interface QuerySet {
  readonly name: SetName;
  readonly count: number;
  readonly vectors: Float32Array;
  readonly texts: readonly string[];
  /** Ids of the passages that hold the answer; empty for a question without one. */
  readonly relevant: readonly (readonly string[])[];
}

/** A real passage of the data folder. `source` names the collection it comes from. */
export interface DataPassage {
  readonly id: string;
  readonly source: string;
  readonly text: string;
}

/** Where the data lies when no folder is named. */
export function defaultDataFolder(): string {
  return packagePath("..", "shared", "data");
}

/** Whether `folder` holds the data; benchmarks that need it are skipped where it does not. */
export function hasData(folder: string): boolean {
  return existsSync(path.join(folder, "passages.f16"));
}

/** The passages' vectors, row-major, in line order of `readPassages`. */
export function readVectors(folder: string): Float32Array {
  const bytes = readFileSync(path.join(folder, "passages.f16"));
  const halves = new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 2);
  const values = float16Values();
  return Float32Array.from(halves, (half) => values[half]!);
}

/** The passages with their texts. */
export function readPassages(folder: string): DataPassage[] {
  const text = gunzipSync(readFileSync(path.join(folder, "passages.jsonl.gz"))).toString("utf8");
  return lines(text).map((line) => JSON.parse(line) as DataPassage);
}

/** One set of queries. */
export function readQueries(folder: string, name: SetName): QuerySet {
  const rows = lines(readFileSync(path.join(folder, `${name}.jsonl`), "utf8")).map(
    (line) => JSON.parse(line) as { question?: string; sentence?: string; text?: string; relevant?: string[] },
  );
  const bytes = readFileSync(path.join(folder, `${name}.f32`));
  const vectors = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
  return {
    name,
    count: rows.length,
    vectors,
    texts: rows.map((row) => row.question ?? row.sentence ?? row.text ?? ""),
    relevant: rows.map((row) => row.relevant ?? []),
  };
}

/**
 * Whether a passage belongs to the topics that the questions ask about. The bundled codebook is trained without these,
 * so that the questions measure how it does on topics it never saw.
 */
export function isAskedAbout(passage: DataPassage): boolean {
  return passage.source === "xquad" || passage.source.startsWith("ce/");
}

/** Row `i` of a row-major array, without copying. */
export function rowOf(vectors: Float32Array, i: number, dims = DATA_DIMS): Float32Array {
  return vectors.subarray(i * dims, (i + 1) * dims);
}

function lines(text: string): string[] {
  return text.split("\n").filter((line) => line !== "");
}

/** The value of each of the 65,536 bit patterns of IEEE float16. */
function float16Values(): Float32Array {
  return Float32Array.from({ length: 0x10000 }, (_, bits) => {
    const sign = bits & 0x8000 ? -1 : 1;
    const exponent = (bits >> 10) & 31;
    const fraction = bits & 0x3ff;
    if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
    return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1024 + fraction) * 2 ** (exponent - 25);
  });
}
