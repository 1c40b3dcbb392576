import type { Embedder } from "../api/embedder.js";
import { EmbedlessError, show } from "../base/errors.js";
import type { Canary } from "../storage/model_rows.js";
import { embedPassages, type GuardOptions } from "./guard.js";

/**
 * The texts of canaries, short and different from each other: prose, code, numbers, a question, other scripts, a list,
 * a name, one word.
 */
export const CANARY_TEXTS: readonly string[] = [
  "The harbour froze over in the second week of January, and the ferries stayed tied up until March.",
  "for (const [key, value] of Object.entries(settings)) if (value === undefined) delete settings[key];",
  "Invoice 2019-0417: 12 units at 8.75 each, 19 % tax, total 124.95, due within 30 days.",
  "Why does bread dough have to rest before it is baked?",
  "Die Brücke über den Fluß wurde 1911 gebaut; 東京は日本の首都です。",
  "- mix the dry parts\n- add milk, two eggs, a pinch of salt\n- let it stand for an hour",
  "Emmy Noether, born in Erlangen, proved that every symmetry has a conserved quantity.",
  "photosynthesis",
];

export interface CanaryCheck extends Omit<GuardOptions, "dims"> {
  /** How many of the stored canaries are embedded again. Default 2. */
  count?: number;
  /** Lowest cosine of stored and fresh vector that passes. Default 0.999. */
  minCosine?: number;
  /**
   * Whether lengths must also agree, up to 1 %. This is needed if scores depend on them (inner product, l2). Default
   * `false`.
   */
  lengths?: boolean;
  /**
   * The first canary to check; the next ones follow in a circle. Default: a random one, so that all get checked in
   * time.
   */
  first?: number;
  /** Id of the embedder that created the store, for the error. Default: that of `embedder`. */
  expected?: string | undefined;
}

/**
 * Embeds some canaries again and compares them with their stored vectors.
 *
 * @throws EmbedlessError `MODEL_MISMATCH` if a vector has another direction or other dims; else errors of
 *   `embedPassages`
 */
export async function checkCanaries(
  embedder: Embedder,
  stored: readonly Canary[],
  options: CanaryCheck = {},
): Promise<void> {
  const { count = 2, minCosine = 0.999, lengths = false, expected = embedder.id, ...guard } = options;
  const first = options.first ?? Math.floor(Math.random() * stored.length);
  const picked = Array.from({ length: Math.min(count, stored.length) }, (_, i) => stored[(first + i) % stored.length]!);
  const vectors = await embedPassages(
    embedder,
    picked.map(({ text }) => text),
    guard,
  );
  for (const [i, { text, vector }] of picked.entries()) {
    const difference = compare(vector, vectors[i]!, minCosine, lengths);
    if (difference === undefined) continue;
    throw new EmbedlessError(
      "MODEL_MISMATCH",
      `The store was created with the embedder ${expected}, but ${embedder.id} gives other vectors: for ${show(text)} ${difference}.`,
    );
  }
}

/** Says how two vectors differ too much; `undefined` if they do not. */
function compare(stored: Float32Array, fresh: Float32Array, minCosine: number, lengths: boolean): string | undefined {
  if (stored.length !== fresh.length) return `it has ${fresh.length} dims instead of ${stored.length}`;
  const { cosine, ratio } = agreement(stored, fresh);
  if (!(cosine >= minCosine)) {
    const difference = `the cosine is ${cosine.toFixed(4)}, but at least ${minCosine} is expected`;
    return cosine < NEAR ? difference : `${difference}. ${NEAR_MISS}`;
  }
  if (lengths && !(Math.abs(ratio - 1) <= MOST_LONGER)) return `the vector is ${ratio.toFixed(3)} times as long`;
  return undefined;
}

/** From this cosine on, another model is unlikely. */
const NEAR = 0.95;
const NEAR_MISS =
  "It may be the same model in another batch or on another kind of processor. minCanaryCosine sets the lowest allowed " +
  "cosine, and a new store embeds one text at a time if batches change the vectors";

/** How far the length of a vector may differ from the stored one, if scores depend on it. */
export const MOST_LONGER = 0.01;

/** The cosine of two vectors of one text, and the length of the second divided by that of the first. */
export function agreement(a: Float32Array, b: Float32Array): { cosine: number; ratio: number } {
  let [product, ofA, ofB] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    product += a[i]! * b[i]!;
    ofA += a[i]! ** 2;
    ofB += b[i]! ** 2;
  }
  return { cosine: product / (Math.sqrt(ofA * ofB) || 1), ratio: Math.sqrt(ofB / ofA) };
}
