import type { Embedder } from "../api/embedder.js";
import { EmbedlessError, show } from "../base/errors.js";
import type { Canary } from "../storage/model_rows.js";
import { embedPassages, type GuardOptions } from "./guard.js";

/** The texts of canaries, short and unlike each other: prose, code, numbers, a question, other scripts, a list, a name, one word. */
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
  /** Also ask that both have one length, up to 1 %: needed where scores depend on it (inner product, l2). Default `false`. */
  lengths?: boolean;
  /** The first canary to check; the next ones follow, round and round. Default: a random one, so that all get their turn. */
  first?: number;
  /** Id of the embedder that made the store, for the error. Default: that of `embedder`. */
  expected?: string | undefined;
}

/**
 * Embeds some canaries anew and compares them with their stored vectors.
 *
 * @throws EmbedlessError `MODEL_MISMATCH` if a vector points elsewhere or has other dims; else errors of `embedPassages`
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
      `The store was made with the embedder ${expected}, and ${embedder.id} does not give its vectors: for ${show(text)} ${difference}.`,
    );
  }
}

/** How two vectors differ more than they may, in words; `undefined` if they do not. */
function compare(stored: Float32Array, fresh: Float32Array, minCosine: number, lengths: boolean): string | undefined {
  if (stored.length !== fresh.length) return `it has ${fresh.length} dims instead of ${stored.length}`;
  const { cosine, ratio } = agreement(stored, fresh);
  if (!(cosine >= minCosine)) {
    const difference = `the cosine is ${cosine.toFixed(4)}, where ${minCosine} is the least`;
    return cosine < NEAR ? difference : `${difference}. ${NEAR_MISS}`;
  }
  if (lengths && !(Math.abs(ratio - 1) <= MOST_LONGER)) return `the vector is ${ratio.toFixed(3)} times as long`;
  return undefined;
}

/** From this cosine on it is seldom another model. */
const NEAR = 0.95;
const NEAR_MISS =
  "It may be the same model in another batch or on another kind of processor: minCanaryCosine sets what is tolerated, and " +
  "a new store gives an embedder one text at a time if batches change its vectors";

/** How far the length of a vector may be from that of the stored one, where scores depend on it. */
export const MOST_LONGER = 0.01;

/** The cosine of two vectors of one text, and how many times as long as the first the second is. */
export function agreement(a: Float32Array, b: Float32Array): { cosine: number; ratio: number } {
  let [product, ofA, ofB] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    product += a[i]! * b[i]!;
    ofA += a[i]! ** 2;
    ofB += b[i]! ** 2;
  }
  return { cosine: product / (Math.sqrt(ofA * ofB) || 1), ratio: Math.sqrt(ofB / ofA) };
}
