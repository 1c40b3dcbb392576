import { types } from "node:util";
import { EmbedlessError, show, wrongType } from "../base/errors.js";
import { MAX_DIMS } from "./codes.js";

/** Longest text of a passage, in UTF-8 bytes. */
export const MAX_TEXT_BYTES = 10 * 1024 * 1024;
/** Longest id, in UTF-8 bytes. */
export const MAX_ID_BYTES = 1024;
/** Most ids per call. */
export const MAX_IDS = 100_000;

/** The part of ES2024's strings that Node has since version 20. */
interface WellFormed {
  toWellFormed(): string;
}

/**
 * The form in which a text is embedded, stored and returned: well-formed Unicode (a lone surrogate becomes U+FFFD),
 * otherwise unchanged.
 *
 * @param parameter The text's name in an error, such as `items[3].text`.
 * @throws EmbedlessError `INVALID_TEXT` unless it is a string with more than white space, `LIMIT` above 10 MB
 */
export function cleanText(text: unknown, parameter = "text"): string {
  if (typeof text !== "string") {
    throw new EmbedlessError("INVALID_TEXT", `Expected a string for ${parameter}, but received ${show(text)}.`);
  }
  if (text.trim() === "") {
    throw new EmbedlessError(
      "INVALID_TEXT",
      `Expected a text with content for ${parameter}, but received ${show(text)}.`,
    );
  }
  const clean = (text as string & WellFormed).toWellFormed();
  const bytes = Buffer.byteLength(clean);
  if (bytes > MAX_TEXT_BYTES) {
    throw new EmbedlessError(
      "LIMIT",
      `Expected at most ${MAX_TEXT_BYTES} bytes for ${parameter}, but received ${bytes}.`,
    );
  }
  return clean;
}

/**
 * An id as it is stored.
 *
 * @param parameter The id's name in an error, such as `items[3].id`.
 * @throws EmbedlessError `INVALID_ID` unless it is a well-formed string of 1 to 1,024 bytes without NUL characters
 */
export function cleanId(id: unknown, parameter = "id"): string {
  const wellFormed = typeof id === "string" && (id as string & { isWellFormed(): boolean }).isWellFormed();
  if (wellFormed && id !== "" && !id.includes("\0") && Buffer.byteLength(id) <= MAX_ID_BYTES) return id;
  throw new EmbedlessError(
    "INVALID_ID",
    `Expected a well-formed string of 1 to ${MAX_ID_BYTES} bytes without NUL for ${parameter}, but received ${show(id)}.`,
  );
}

/**
 * A list of ids as they are stored. An error names an id by its index, such as `ids[3]`.
 *
 * @throws EmbedlessError `INVALID_ID`, `LIMIT` above 100,000 ids
 */
export function cleanIds(ids: unknown, parameter = "ids"): string[] {
  if (!Array.isArray(ids)) throw wrongType(parameter, "an array of strings", ids);
  if (ids.length > MAX_IDS) {
    throw new EmbedlessError(
      "LIMIT",
      `Expected at most ${MAX_IDS} of ${parameter} at once, but received ${ids.length}.`,
    );
  }
  // `map` would skip the holes that an array may have.
  return Array.from(ids, (id, i) => cleanId(id, `${parameter}[${i}]`));
}

/**
 * A vector as float32.
 *
 * @throws EmbedlessError `INVALID_VECTOR` unless it is a non-empty list of finite numbers, `DIMENSION_MISMATCH` above
 *   8,192
 */
export function cleanVector(vector: unknown, parameter: string): Float32Array {
  const list = vector as ArrayLike<unknown>;
  const isList = Array.isArray(vector) || types.isTypedArray(vector);
  if (!isList || list.length === 0) {
    throw new EmbedlessError("INVALID_VECTOR", wrongType(parameter, "a non-empty array of numbers", vector).message);
  }
  if (list.length > MAX_DIMS) {
    throw new EmbedlessError(
      "DIMENSION_MISMATCH",
      `Expected at most ${MAX_DIMS} dims for ${parameter}, but received ${list.length}.`,
    );
  }
  const copy = new Float32Array(list.length);
  for (let i = 0; i < list.length; i++) {
    const value = list[i];
    if (typeof value === "number") copy[i] = value;
    if (typeof value !== "number" || !Number.isFinite(copy[i])) {
      throw new EmbedlessError("INVALID_VECTOR", wrongType(`${parameter}[${i}]`, "a finite number", value).message);
    }
  }
  return copy;
}

/** All codes and all forms of kept vectors can hold norms between these two. Only cosine needs a direction. */
const LARGEST_NORM = 1e15;
const SMALLEST_NORM = 1e-30;

/**
 * Throws `DIMENSION_MISMATCH` unless the vector has the store's length. Throws `INVALID_VECTOR` if its norm is above
 * 1e15, or if it is zero or nearly zero under cosine.
 */
export function requireVector(vector: Float32Array, shape: { dims: number; metric: string }, parameter: string): void {
  if (vector.length !== shape.dims) {
    throw new EmbedlessError(
      "DIMENSION_MISMATCH",
      `Expected ${shape.dims} dims for ${parameter}, but received ${vector.length}.`,
    );
  }
  let squares = 0;
  for (const value of vector) squares += value * value;
  const norm = Math.sqrt(squares);
  if (norm > LARGEST_NORM) {
    throw new EmbedlessError(
      "INVALID_VECTOR",
      `Expected a norm of at most ${LARGEST_NORM} for ${parameter}, but received ${norm}.`,
    );
  }
  if (shape.metric === "cosine" && norm < SMALLEST_NORM) {
    throw new EmbedlessError(
      "INVALID_VECTOR",
      `Expected a vector with a direction for ${parameter}, but received ${norm === 0 ? "zeros" : `a norm of ${norm}`}.`,
    );
  }
}
