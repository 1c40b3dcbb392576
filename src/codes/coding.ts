import type { Codes } from "../api/codes.js";
import { throwIfAborted } from "../base/errors.js";
import { stoppedBy } from "../native/native.js";
import type { EncodedRows, NativeAddon, NativeCoder } from "../native/surface.js";
import { appendCodes, type CodePiece } from "../storage/codes.js";
import type { Connection } from "../storage/connection.js";
import type { Database } from "../storage/database.js";
import { setLive } from "../storage/live_bits.js";
import { type CodebookReference, raiseVersion, readMeta, writeMeta } from "../storage/meta.js";
import { clearSampleQueries, getSampleQueries, putCodebook } from "../storage/model_rows.js";
import { needsSampleQueries, traitsOf } from "../storage/traits.js";
import { addPending, clearPending, countPending, readPending } from "../storage/vectors.js";
import { type Coders, leastTraining, TRAINING_PASSAGES } from "./coders.js";

/** Vectors encoded before the abort signal is checked. */
const ENCODE_SLICE = 4096;
const NO_EXCEPTIONS = new Uint8Array();
/** Bytes of one entry of `EncodedRows.exceptions`. */
const EXCEPTION_BYTES = 8;

/** A coder and the name of its codebook in the store. Passages that wait for a codebook have no name. */
export interface Coding {
  readonly coder: NativeCoder;
  readonly reference: CodebookReference | undefined;
}

/** Rows of vectors that were encoded together, one after the other. */
interface CodedRows {
  readonly rows: Uint8Array;
  readonly rowBytes: number;
  /** 8-byte entries by row, as in `EncodedRows`. Few rows have any. */
  readonly exceptions: ReadonlyMap<number, Uint8Array>;
}

/** The stored form of one vector: one row among others. */
export interface CodedVector {
  readonly among: CodedRows;
  readonly row: number;
}

/** Encodes vectors, in order. Throws `INVALID_VECTOR` for a zero vector under cosine. */
export async function encodeVectors(coder: NativeCoder, vectors: readonly Float32Array[]): Promise<CodedVector[]> {
  const coded: CodedVector[] = [];
  for (let at = 0; at < vectors.length; at += ENCODE_SLICE) {
    const part = vectors.slice(at, at + ENCODE_SLICE);
    const flat = new Float32Array(part.length * coder.dims);
    for (const [i, vector] of part.entries()) flat.set(vector, i * coder.dims);
    const { rows, exceptions } = await coder.encode(flat);
    const among = { rows, rowBytes: coder.rowBytes, exceptions: exceptionsByRow(exceptions) };
    for (let row = 0; row < part.length; row++) coded.push({ among, row });
  }
  return coded;
}

/** The row itself. */
export function rowOf({ among: { rows, rowBytes }, row }: CodedVector): Uint8Array {
  return rows.subarray(row * rowBytes, (row + 1) * rowBytes);
}

/**
 * Appends the codes of new nodes inside a write transaction. If the store has their codebook, they are stored as codes,
 * otherwise as pending rows, until there are enough to train the store's own codebook even if more may come.
 *
 * @param made The coding of the vectors.
 * @returns the store's codebook afterwards; `undefined` while passages wait.
 */
export async function appendCoded(
  tx: Connection,
  addon: NativeAddon,
  change: {
    made: Coding;
    /** The store's coder in this transaction: the same, or another process's new codebook. */
    stored: Coding;
    firstNode: number;
    vectors: readonly CodedVector[];
    /** The kind of the store's codes. */
    codes: Codes;
    version: number;
    signal: AbortSignal | undefined;
  },
): Promise<CodebookReference | undefined> {
  const { made, stored, firstNode, vectors, codes, version, signal } = change;
  setLive(tx, firstNode, vectors.length, version);
  const piece = joined(vectors, made.coder.rowBytes);
  if (stored.reference !== undefined) {
    const fitting = stored.coder === made.coder ? piece : await recode(made.coder, stored.coder, piece);
    appendCodes(tx, firstNode, stored.coder.rowBytes, fitting, version);
    return stored.reference;
  }
  addPending(tx, firstNode, made.coder.rowBytes, piece.rows);
  // With codes `"none"` they wait for the graph.
  if (codes === "none" || countPending(tx) < TRAINING_PASSAGES) return undefined;
  return await trainFromPending(tx, addon, { pending: made.coder, codes, version, signal });
}

/** Whether enough passages wait for a codebook to train it if no more are coming. */
function canTrain(c: Connection): boolean {
  const meta = readMeta(c);
  const { codes } = traitsOf(meta);
  if (meta.codebook !== undefined || meta.dims === undefined || codes === "none") return false;
  return countPending(c) >= leastTraining(codes);
}

/**
 * Trains the store's codebook inside a write transaction if enough passages wait for it. Otherwise it does nothing.
 *
 * @returns the number of passages that have codes now and had none
 * @throws `ABORTED`; `CORRUPT` when a pending row is damaged
 */
export async function trainPending(
  tx: Connection,
  { addon, coders }: { addon: NativeAddon; coders: Coders },
  signal: AbortSignal | undefined,
): Promise<number> {
  if (!canTrain(tx)) return 0;
  const meta = readMeta(tx);
  const { codes, ...shape } = { ...traitsOf(meta), dims: meta.dims! };
  if (codes === "none") return 0;
  const waited = countPending(tx);
  const version = raiseVersion(tx);
  await trainFromPending(tx, addon, { pending: coders.pending(codes, shape), codes, version, signal });
  return waited;
}

/**
 * The same in its own transaction.
 *
 * @param onBegin Called with the number of waiting passages before the training begins.
 */
export async function trainIfEnough(
  parts: { addon: NativeAddon; database: Database; coders: Coders },
  signal: AbortSignal | undefined,
  onBegin?: (pending: number) => void,
): Promise<number> {
  const { database } = parts;
  if (!canTrain(database.reader)) return 0;
  onBegin?.(countPending(database.reader));
  return await database.write((tx) => trainPending(tx, parts, signal), { signal });
}

/** Trains a codebook on the pending rows, and turns all of them into codes. */
async function trainFromPending(
  tx: Connection,
  addon: NativeAddon,
  {
    pending,
    codes,
    version,
    signal,
  }: { pending: NativeCoder; codes: Exclude<Codes, "none">; version: number; signal: AbortSignal | undefined },
): Promise<CodebookReference> {
  const { dims, metric, rowBytes } = pending;
  const rows = Buffer.concat([...readPending(tx, 0, rowBytes)].map((piece) => piece.rows));
  const sample = pending.decode(rows.subarray(0, 4 * TRAINING_PASSAGES * rowBytes), NO_EXCEPTIONS);
  const queries = needsSampleQueries(codes) ? getSampleQueries(tx, dims) : undefined;
  const coder = await stoppedBy(signal, addon, (stop) =>
    addon.trainCodebook(sample, { dims, metric, code: codes, stop, ...(queries && { queries }) }),
  );
  for (let at = 0, node = 0; at < rows.length; at += ENCODE_SLICE * rowBytes, node += ENCODE_SLICE) {
    throwIfAborted(signal);
    const part = { rows: rows.subarray(at, at + ENCODE_SLICE * rowBytes), exceptions: NO_EXCEPTIONS };
    appendCodes(tx, node, coder.rowBytes, await recode(pending, coder, part), version);
  }
  clearPending(tx);
  clearSampleQueries(tx);
  const reference: CodebookReference = { sha256: putCodebook(tx, coder.save()), kind: "own" };
  writeMeta(tx, { codebook: reference });
  return reference;
}

async function recode(from: NativeCoder, to: NativeCoder, piece: EncodedRows): Promise<CodePiece> {
  return await to.encode(from.decode(piece.rows, piece.exceptions));
}

function exceptionsByRow(entries: Uint8Array): Map<number, Uint8Array> {
  const found = new Map<number, Uint8Array>();
  const view = new DataView(entries.buffer, entries.byteOffset, entries.byteLength);
  for (let at = 0; at < entries.length; at += EXCEPTION_BYTES) {
    const row = view.getUint16(at, true);
    const entry = entries.subarray(at, at + EXCEPTION_BYTES);
    const before = found.get(row);
    found.set(row, before ? Buffer.concat([before, entry]) : entry);
  }
  return found;
}

/** Joins the rows of these vectors in this order. */
function joined(vectors: readonly CodedVector[], rowBytes: number): EncodedRows {
  const rows = new Uint8Array(vectors.length * rowBytes);
  const exceptions: Uint8Array[] = [];
  for (const [i, vector] of vectors.entries()) {
    rows.set(rowOf(vector), i * rowBytes);
    const own = vector.among.exceptions.get(vector.row);
    for (let at = 0; at < (own?.length ?? 0); at += EXCEPTION_BYTES) {
      const entry = Buffer.from(own!.subarray(at, at + EXCEPTION_BYTES));
      entry.writeUInt16LE(i, 0);
      exceptions.push(entry);
    }
  }
  return { rows, exceptions: Buffer.concat(exceptions) };
}
