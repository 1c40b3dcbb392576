import { types } from "node:util";
import { EmbedlessError, wrongType } from "../errors.js";
import { MAX_DIMS } from "../trait_options.js";

/**
 * A vector as float32.
 *
 * @throws EmbedlessError `INVALID_VECTOR` unless it is a non-empty list of finite numbers, `DIMENSION_MISMATCH` above 8,192
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

/** Norms that every code and every kept form can hold; a direction is needed for cosine alone. */
const LARGEST_NORM = 1e15;
const SMALLEST_NORM = 1e-30;

/**
 * Throws `DIMENSION_MISMATCH` unless the vector has the store's length, `INVALID_VECTOR` if it is longer than 1e15, or
 * under cosine (next to) zero.
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
