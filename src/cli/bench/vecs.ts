import { types } from "node:util";
/**
 * Reads and writes the files in which vector data sets are published (TEXMEX and others). Each record is a
 * little-endian int32, its number of numbers, followed by these as float32 (`.fvecs`), int32 (`.ivecs`) or bytes
 * (`.bvecs`). All records have the same length.
 */

import { type FileHandle, open } from "node:fs/promises";
import { extname } from "node:path";
import { EmbedlessError, isError, outOfRange, wrongType } from "../../base/errors.js";

/** The kind of numbers in a file. The extension of its name says it. */
export type VecsFormat = "fvecs" | "ivecs" | "bvecs";

/** A vector as its file holds it. */
export type VecsRow = Float32Array | Int32Array | Uint8Array;

const NUMBER_BYTES: Readonly<Record<VecsFormat, number>> = { fvecs: 4, ivecs: 4, bvecs: 1 };
const HEADER_BYTES = 4;
/** A file with longer records is taken for another kind of file. */
const MOST_NUMBERS = 65_536;
/** Bytes read or written in one call, unless a single record is longer. */
const CHUNK_BYTES = 4 * 2 ** 20;

/** A file that is open for reading. Only the requested records are read, so it may be larger than memory. */
export class VecsFile {
  readonly path: string;
  readonly format: VecsFormat;
  /** Numbers per record; 0 in an empty file. */
  readonly dims: number;
  /** Number of records. */
  readonly count: number;
  readonly #file: FileHandle;

  private constructor(path: string, format: VecsFormat, shape: { dims: number; count: number }, file: FileHandle) {
    this.path = path;
    this.format = format;
    this.dims = shape.dims;
    this.count = shape.count;
    this.#file = file;
  }

  /**
   * Opens a file and reads its shape.
   *
   * @param formats The accepted formats. The extension of the name must be one of them.
   * @throws EmbedlessError `NOT_FOUND`, `IO`; `CORRUPT` naming the first record that is cut short or differs in length
   */
  static async open(path: string, formats: readonly VecsFormat[]): Promise<VecsFile> {
    const format = formats.find((known) => extname(path) === `.${known}`);
    if (format === undefined) {
      throw wrongType("path", `a file whose name ends in ${formats.map((known) => `.${known}`).join(" or ")}`, path);
    }
    const file = await reading(path, () => open(path, "r"));
    try {
      const dims = await firstHeader(path, file);
      const { size } = await reading(path, () => file.stat());
      const recordBytes = HEADER_BYTES + dims * NUMBER_BYTES[format];
      const count = size === 0 ? 0 : Math.floor(size / recordBytes);
      const opened = new VecsFile(path, format, { dims, count }, file);
      if (count * recordBytes !== size) {
        // Either the end is missing or an earlier record has another length. Reading all records shows which.
        for await (const _ of opened.chunks());
        throw damaged(path, count, "is cut short: the file ends inside it");
      }
      return opened;
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /**
   * Records `[first, first + count)`, row-major, `dims` numbers each.
   *
   * @throws RangeError beyond the end; EmbedlessError `CORRUPT` for a record of another length
   */
  async read(first: number, count: number): Promise<VecsRow> {
    if (!Number.isInteger(first) || first < 0) throw outOfRange("first", "a record's number", first);
    if (!Number.isInteger(count) || count < 0 || first + count > this.count) {
      throw outOfRange("count", `at most ${Math.max(0, this.count - first)} records`, count);
    }
    const recordBytes = this.#recordBytes();
    const bytes = new Uint8Array(count * recordBytes);
    await reading(this.path, () => readWhole(this.#file, bytes, first * recordBytes));
    const rows = newRow(this.format, count * this.dims);
    const headers = new DataView(bytes.buffer);
    for (let i = 0; i < count; i++) {
      const dims = headers.getInt32(i * recordBytes, true);
      if (dims !== this.dims) {
        throw damaged(this.path, first + i, `says that it holds ${dims} numbers, but the first one says ${this.dims}`);
      }
      rows.set(newRow(this.format, bytes.buffer, i * recordBytes + HEADER_BYTES, this.dims), i * this.dims);
    }
    return rows;
  }

  /**
   * The same as floats, for every format.
   *
   * @throws also EmbedlessError `INVALID_VECTOR` naming the first record with a number that is not finite
   */
  async readFloats(first: number, count: number): Promise<Float32Array> {
    const rows = await this.read(first, count);
    if (!types.isFloat32Array(rows)) return Float32Array.from(rows);
    for (let i = 0; i < count; i++) {
      let sum = 0; // finite in double precision exactly if all floats are finite
      for (let j = i * this.dims; j < (i + 1) * this.dims; j++) sum += rows[j]!;
      if (Number.isFinite(sum)) continue;
      throw new EmbedlessError(
        "INVALID_VECTOR",
        `Expected finite numbers, but record ${first + i} of ${this.path} has others.`,
      );
    }
    return rows;
  }

  /** All records in order, several megabytes per chunk. `first` is the number of a chunk's first record. */
  async *chunks(): AsyncGenerator<{ first: number; count: number; rows: VecsRow }> {
    const most = Math.max(1, Math.floor(CHUNK_BYTES / this.#recordBytes()));
    for (let first = 0; first < this.count; first += most) {
      const count = Math.min(most, this.count - first);
      yield { first, count, rows: await this.read(first, count) };
    }
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  #recordBytes(): number {
    return HEADER_BYTES + this.dims * NUMBER_BYTES[this.format];
  }
}

/**
 * Writes a file of vectors, and replaces an existing file.
 *
 * @param rows Vectors of equal length, with the numbers that the extension of the name stands for.
 * @returns how many were written
 * @throws TypeError or RangeError naming the first record that does not fit; EmbedlessError `NOT_FOUND`, `IO`
 */
export async function writeVecs(path: string, rows: Iterable<VecsRow> | AsyncIterable<VecsRow>): Promise<number> {
  const format = (["fvecs", "ivecs", "bvecs"] as const).find((known) => extname(path) === `.${known}`);
  if (format === undefined) throw wrongType("path", "a file whose name ends in .fvecs, .ivecs or .bvecs", path);
  const file = await reading(path, () => open(path, "w"));
  try {
    let dims: number | undefined;
    let count = 0;
    let waiting: Uint8Array[] = [];
    let waitingBytes = 0;
    for await (const row of rows) {
      dims ??= row.length;
      waiting.push(recordOf(row, format, dims, count++));
      waitingBytes += waiting.at(-1)!.length;
      if (waitingBytes < CHUNK_BYTES) continue;
      await writeWhole(file, Buffer.concat(waiting));
      waiting = [];
      waitingBytes = 0;
    }
    await reading(path, () => writeWhole(file, Buffer.concat(waiting)));
    return count;
  } finally {
    await file.close();
  }
}

function recordOf(row: VecsRow, format: VecsFormat, dims: number, record: number): Uint8Array {
  const wanted = newRow(format, 0);
  if (row.constructor !== wanted.constructor) throw wrongType(`record ${record}`, `a ${wanted.constructor.name}`, row);
  if (row.length !== dims) throw outOfRange(`record ${record}`, `${dims} numbers as in the first one`, row.length);
  if (dims < 1 || dims > MOST_NUMBERS) throw outOfRange(`record ${record}`, `1 to ${MOST_NUMBERS} numbers`, dims);
  const bytes = new Uint8Array(HEADER_BYTES + row.byteLength);
  new DataView(bytes.buffer).setInt32(0, dims, true);
  bytes.set(new Uint8Array(row.buffer, row.byteOffset, row.byteLength), HEADER_BYTES);
  return bytes;
}

function newRow(format: VecsFormat, length: number): VecsRow;
function newRow(format: VecsFormat, buffer: ArrayBuffer, offset: number, length: number): VecsRow;
function newRow(format: VecsFormat, given: number | ArrayBuffer, offset?: number, length?: number): VecsRow {
  const Numbers = { fvecs: Float32Array, ivecs: Int32Array, bvecs: Uint8Array }[format];
  return typeof given === "number" ? new Numbers(given) : new Numbers(given, offset, length);
}

/** The number of numbers that the first record claims; 0 in an empty file. */
async function firstHeader(path: string, file: FileHandle): Promise<number> {
  const header = new Uint8Array(HEADER_BYTES);
  const { bytesRead } = await reading(path, () => file.read(header, 0, HEADER_BYTES, 0));
  if (bytesRead === 0) return 0;
  if (bytesRead < HEADER_BYTES) throw damaged(path, 0, "is cut short: the file ends inside it");
  const dims = new DataView(header.buffer).getInt32(0, true);
  if (dims >= 1 && dims <= MOST_NUMBERS) return dims;
  throw damaged(path, 0, `says that it holds ${dims} numbers; 1 to ${MOST_NUMBERS} are possible`);
}

async function readWhole(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    const { bytesRead } = await file.read(bytes, at, bytes.length - at, position + at);
    if (bytesRead === 0) throw new Error("the file was cut short while it was read");
    at += bytesRead;
  }
}

async function writeWhole(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; ) at += (await file.write(bytes, at)).bytesWritten;
}

function damaged(path: string, record: number, what: string): EmbedlessError {
  return new EmbedlessError("CORRUPT", `Record ${record} of ${path} ${what}.`);
}

/** Runs an operation on a file. A system error becomes one sentence. */
async function reading<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof EmbedlessError) throw error;
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ENOENT") throw new EmbedlessError("NOT_FOUND", `There is no file ${path}.`, { cause: error });
    const reason = isError(error) ? error.message : String(error);
    throw new EmbedlessError("IO", `The file ${path} could not be used: ${reason}.`, { cause: error });
  }
}
