import type { Embedder } from "../api/embedder.js";
import { Slots } from "../base/concurrency.js";
import { EmbedlessError } from "../base/errors.js";
import type { Canary } from "../storage/model_rows.js";
import { agreement, CANARY_TEXTS, MOST_LONGER } from "./fingerprint.js";
import { embedPassages, type GuardOptions, limitsOf } from "./guard.js";

/** What a new store learns about its embedder. */
export interface Introduction {
  /**
   * The canaries that the embedder can embed: mostly all eight, none for an embedder that knows only a fixed set of
   * texts.
   */
  readonly canaries: readonly Canary[];
  /** Length of its vectors. */
  readonly dims: number;
  /**
   * Lowest cosine of a text's vector alone and in a batch, if it is so low that texts must be embedded one at a time;
   * `undefined`: batches are safe.
   */
  readonly batchCosine: number | undefined;
}

/** Options of the first contact with an embedder. */
export interface IntroductionOptions extends Omit<GuardOptions, "dims" | "oneByOne"> {
  /** Lowest cosine that a canary may later have. Default 0.999. */
  minCosine?: number;
  /** Whether scores depend on the lengths of vectors (inner product, l2). Default `false`. */
  lengths?: boolean;
}

/** Failures that may be caused by one text. Other failures would come with any text. */
const OF_A_TEXT = new Set(["EMBEDDER_FAILED", "EMBEDDER_OUTPUT", "LIMIT"]);
/** The share of a canary's tolerance that batches may use. The rest is for other machines and longer texts. */
const SHARE_OF_BATCHES = 0.5;
/** Texts that are embedded alone and in a batch. */
const COMPARED = 8;

/**
 * Embeds the canaries, and tests whether a text's vector depends on the others of its batch. It does for int8 models
 * that scale the numbers of a whole batch together.
 *
 * @param passages The store's first texts, which the embedder certainly knows. Used only if it cannot embed canaries.
 * @throws EmbedlessError `EMBEDDER_OUTPUT` if the same text alone has another vector each time; errors of
 *   `embedPassages`
 */
export async function introduceEmbedder(
  embedder: Embedder,
  passages: readonly string[],
  options: IntroductionOptions = {},
): Promise<Introduction> {
  const { minCosine = 0.999, lengths = false, ...guard } = options;
  const canaries = await embeddable(embedder, passages, guard);
  const probes = canaries.length > 0 ? canaries : await probesOf(embedder, passages, guard);
  const dims = probes[0]!.vector.length;
  if (embedder.batchInvariant === true || limitsOf(embedder).batch === 1) {
    return { canaries, dims, batchCosine: undefined };
  }
  const alone = await embedAlone(embedder, probes, guard);
  const batches = lowest(probes, alone);
  const [least, longest] = [1 - SHARE_OF_BATCHES * (1 - minCosine), SHARE_OF_BATCHES * MOST_LONGER];
  if (batches.cosine >= least && !(lengths && batches.longer > longest)) {
    return { canaries, dims, batchCosine: undefined };
  }
  const again = lowest(alone, await embedAlone(embedder, alone, guard));
  if (again.cosine < minCosine || (lengths && again.longer > MOST_LONGER)) throw unsteady(embedder, again);
  return { canaries: canaries.length > 0 ? alone : [], dims, batchCosine: batches.cosine };
}

/** The canaries that the embedder can embed, in one batch. */
async function embeddable(
  embedder: Embedder,
  passages: readonly string[],
  guard: GuardOptions,
): Promise<readonly Canary[]> {
  try {
    return pairs(CANARY_TEXTS, await embedPassages(embedder, CANARY_TEXTS, guard));
  } catch (error) {
    if (!isOfAText(error) || passages.length === 0) throw error;
    // If the store's own texts fail too, the embedder simply fails.
    await embedPassages(embedder, passages.slice(0, 1), guard);
  }
  const known: string[] = [];
  for (const text of CANARY_TEXTS) {
    try {
      await embedPassages(embedder, [text], guard);
      known.push(text);
    } catch (error) {
      if (!isOfAText(error)) throw error;
    }
  }
  return pairs(known, await embedPassages(embedder, known, guard));
}

/** The first passages instead of canaries. They are not stored, because nothing of a deleted passage may remain. */
async function probesOf(embedder: Embedder, passages: readonly string[], guard: GuardOptions): Promise<Canary[]> {
  const texts = [...new Set(passages)].slice(0, COMPARED);
  const vectors = await embedPassages(embedder, texts, guard);
  return texts.map((text, i) => ({ text, vector: vectors[i]! }));
}

async function embedAlone(embedder: Embedder, probes: readonly Canary[], guard: GuardOptions): Promise<Canary[]> {
  const texts = probes.map(({ text }) => text);
  const vectors = await embedPassages(embedder, texts, { ...guard, oneByOne: new Slots(1) });
  return texts.map((text, i) => ({ text, vector: vectors[i]! }));
}

/** Texts with their vectors. A zero vector stands for a text that the embedder does not know. */
function pairs(texts: readonly string[], vectors: readonly Float32Array[]): Canary[] {
  const all = texts.map((text, i) => ({ text, vector: vectors[i]! }));
  return all.filter(({ vector }) => !isZero(vector));
}

function isZero(vector: Float32Array): boolean {
  return vector.every((value) => value === 0);
}

/** The lowest cosine of two vectors of a text, and the largest share by which their lengths differ. */
function lowest(a: readonly Canary[], b: readonly Canary[]): { cosine: number; longer: number } {
  let [cosine, longer] = [1, 0];
  for (const [i, { vector }] of a.entries()) {
    const other = b[i]!.vector;
    // Zero vectors have no direction. Adding them fails elsewhere.
    if (isZero(vector) && isZero(other)) continue;
    const found = agreement(vector, other);
    cosine = Math.min(cosine, found.cosine);
    longer = Math.max(longer, Math.abs(found.ratio - 1));
  }
  return { cosine, longer };
}

function isOfAText(error: unknown): boolean {
  return error instanceof EmbedlessError && OF_A_TEXT.has(error.code);
}

function unsteady({ id }: Embedder, { cosine }: { cosine: number }): EmbedlessError {
  return new EmbedlessError(
    "EMBEDDER_OUTPUT",
    `The embedder ${id} gives a text a different vector each time, even alone (cosine ${cosine.toFixed(4)}), ` +
      "so no search could rely on it.",
  );
}
