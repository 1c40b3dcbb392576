import { checkKeys, oneOf, wholeNumberWithin } from "../base/checks.js";
import { outOfRange, show, wrongType } from "../base/errors.js";

/** What a store keeps of each vector. */

/** How two vectors are compared. `cosine` normalises both first. Scores are always "higher is better". */
export type Metric = "cosine" | "ip" | "l2";

export const METRICS: readonly Metric[] = ["cosine", "ip", "l2"];

/**
 * What a store keeps of each vector to estimate scores. It is fixed when the store is created. Sizes are for 384 dims
 * and include the factors stored with each code. Larger codes take more disk and memory, and fewer passages are
 * embedded per question.
 *
 * - `{ bytes }`: product quantisation that gives more bits to directions with more variance. It takes `bytes` + 3 bytes
 *   per passage (cosine) or + 5 (ip, l2). 24 needs about five times the recomputes of 48, 96 half of them.
 * - `"lvq4"`, `"lvq8"`, `"lvq4x8"`: scalar codes of 4 bits, 8 bits, or 4 and then 8 bits per number (arXiv 2304.04759).
 *   They take about 208, 400 and 592 bytes.
 * - `{ leanvec }`: vectors are projected to `dims` numbers, at most 1,024, and stored in LVQ (arXiv 2312.16335): 96
 *   (`lvq4`) and 176 bytes (`lvq8`) for 160 numbers. `training: "ood"` fits the projection to `sampleQueries` and to
 *   the passages.
 * - `"none"`: only a graph of 24 bytes per passage, as LEANN ships it. It needs the index `"vamana"` (its default) or
 *   `"hnsw"`. A search embeds every passage that its walk meets, a thousand and more per question, and each `compact`
 *   embeds all linked passages again. Vectors of new passages stay in the file until the next `compact`, 772 bytes each
 *   at 384 dims.
 */
export type Codes =
  | { bytes: 24 | 32 | 48 | 64 | 96 | 128 | 192 }
  | "lvq4"
  | "lvq8"
  | "lvq4x8"
  | "none"
  | { leanvec: { dims: number; primary: "lvq4" | "lvq8"; training: "pca" | "ood" } };

/**
 * Where exact vectors come from. `"recompute"` stores none: the model makes them from the text again. The others store
 * every vector beside its code and need no model to rank: 1,536 bytes per passage (`"float32"`), 772 (`"float16"`) or
 * 392 (`"lvq8"`) at 384 dims. `"lvq8"` ranks by vectors of 8 bits per number.
 */
export type VectorKeeping = "recompute" | "float32" | "float16" | "lvq8";

/** Most dims of a vector. */
export const MAX_DIMS = 8_192;

/** The codes of a new store if the option `codes` is not given. */
export const DEFAULT_CODES: Codes = { bytes: 48 };

/** All values of the option `vectors`. */
export const VECTOR_KEEPINGS: readonly VectorKeeping[] = ["recompute", "float32", "float16", "lvq8"];

const CODE_BYTES: readonly number[] = [24, 32, 48, 64, 96, 128, 192];

const CODE_NAMES = ["lvq4", "lvq8", "lvq4x8", "none"] as const;

/**
 * Checks `value` as codes. The keys of the answer have one order, so equal codes are equal as JSON.
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
