import { checkKeys, oneOf, wholeNumberWithin } from "../base/checks.js";
import { outOfRange, show, wrongType } from "../base/errors.js";

/** What a store keeps of each vector. */

/** How two vectors are compared. `cosine` normalises both first. Scores are always "higher is better". */
export type Metric = "cosine" | "ip" | "l2";

export const METRICS: readonly Metric[] = ["cosine", "ip", "l2"];

/**
 * What a store keeps of each vector to estimate scores with; fixed when it is made. Sizes at 384 dims, factors included.
 *
 * - `{ bytes }`: product quantisation with bits where the variance is, `bytes` + 3 (cosine) or + 5 bytes. 24 costs about
 *   five times the recomputes of 48, 96 half of them.
 * - `"lvq4"`, `"lvq8"`, `"lvq4x8"`: 4, 8, or 4 and then 8 bits a number (arXiv 2304.04759); about 208, 400 and 592 bytes.
 * - `{ leanvec }`: vectors projected to `dims` numbers, at most 1,024, and those in LVQ (arXiv 2312.16335); 96 and 176 bytes
 *   for 160. `training: "ood"` fits the projection to `sampleQueries` besides the passages.
 * - `"none"`: nothing but a graph of 24 bytes a passage, as LEANN ships it: needs the index `"vamana"` (its default then) or
 *   `"hnsw"`. Every passage that a walk meets is embedded, a thousand and more a question, and each `compact` embeds all
 *   linked ones again. Until then vectors wait in the file, 772 bytes each at 384 dims.
 */
export type Codes =
  | { bytes: 24 | 32 | 48 | 64 | 96 | 128 | 192 }
  | "lvq4"
  | "lvq8"
  | "lvq4x8"
  | "none"
  | { leanvec: { dims: number; primary: "lvq4" | "lvq8"; training: "pca" | "ood" } };

/**
 * Where exact vectors come from. `recompute`: from the text, by the model, and nothing is stored. The others store every
 * vector beside its code (1,536, 772 and 392 bytes at 384 dims) and need no model to rank; `lvq8` ranks as its 8 bits do.
 */
export type VectorKeeping = "recompute" | "float32" | "float16" | "lvq8";

/** Most dims of a vector. */
export const MAX_DIMS = 8_192;

/** Codes of a new store for which none are asked. */
export const DEFAULT_CODES: Codes = { bytes: 48 };

/** All that the option `vectors` may be. */
export const VECTOR_KEEPINGS: readonly VectorKeeping[] = ["recompute", "float32", "float16", "lvq8"];

const CODE_BYTES: readonly number[] = [24, 32, 48, 64, 96, 128, 192];

const CODE_NAMES = ["lvq4", "lvq8", "lvq4x8", "none"] as const;

/**
 * `value` as codes, with its keys in one order so that equal codes are equal as JSON.
 *
 * @throws `INVALID_ARGUMENT` naming the part that is wrong
 */
export function checkCodes(value: unknown): Codes {
  if (typeof value === "string") return oneOf("codes", value, CODE_NAMES);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw wrongType("codes", `{ bytes }, ${CODE_NAMES.map(show).join(", ")} or { leanvec }`, value);
  }
  checkKeys("codes", value, { bytes: 1, leanvec: 1 });
  const { bytes, leanvec } = value as { bytes?: unknown; leanvec?: unknown };
  if ((bytes === undefined) === (leanvec === undefined)) {
    throw wrongType("codes", "an object with either bytes or leanvec", value);
  }
  return leanvec === undefined ? { bytes: checkCodeBytes(bytes) } : { leanvec: checkLeanvec(leanvec) };
}

function checkCodeBytes(value: unknown): Extract<Codes, { bytes: unknown }>["bytes"] {
  const expected = `one of ${CODE_BYTES.join(", ")}`;
  if (typeof value !== "number") throw wrongType("codes.bytes", expected, value);
  if (!CODE_BYTES.includes(value)) throw outOfRange("codes.bytes", expected, value);
  return value as Extract<Codes, { bytes: unknown }>["bytes"];
}

function checkLeanvec(value: unknown): Extract<Codes, { leanvec: unknown }>["leanvec"] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw wrongType("codes.leanvec", "an object { dims, primary, training }", value);
  }
  checkKeys("codes.leanvec", value, { dims: 1, primary: 1, training: 1 });
  const { dims, primary, training } = value as Record<string, unknown>;
  return {
    dims: wholeNumberWithin("codes.leanvec.dims", dims, 1, MAX_DIMS),
    primary: oneOf("codes.leanvec.primary", primary, ["lvq4", "lvq8"] as const),
    training: oneOf("codes.leanvec.training", training, ["pca", "ood"] as const),
  };
}
