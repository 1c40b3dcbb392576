import type { Embedder } from "../api/embedder.js";
import { Slots } from "../base/concurrency.js";
import { EmbedlessError } from "../base/errors.js";
import type { Canary } from "../storage/model_rows.js";
import { agreement, CANARY_TEXTS, MOST_LONGER } from "./fingerprint.js";
import { embedPassages, type GuardOptions, limitsOf } from "./guard.js";

/** What a new store learns of its embedder. */
export interface Introduction {
  /** Those that the embedder can embed: mostly all eight, none for one that knows only a fixed set of texts. */
  readonly canaries: readonly Canary[];
  /** Length of its vectors. */
  readonly dims: number;
  /**
   * Lowest cosine of a text's vector alone and in a batch, if it is so low that texts have to be embedded one at a time;
   * `undefined`: batches do no harm.
   */
  readonly batchCosine: number | undefined;
}

/** How an embedder is made known to a new store. */
export interface IntroductionOptions extends Omit<GuardOptions, "dims" | "oneByOne"> {
  /** Lowest cosine that a canary may later have. Default 0.999. */
  minCosine?: number;
  /** Scores depend on the lengths of vectors (inner product, l2). Default `false`. */
  lengths?: boolean;
}

/** Failures that may be the fault of one text. Others would come with any text. */
const OF_A_TEXT = new Set(["EMBEDDER_FAILED", "EMBEDDER_OUTPUT", "LIMIT"]);
/** A batch may use up this share of what a canary may differ by: the rest is for other machines and longer texts. */
const SHARE_OF_BATCHES = 0.5;
/** Texts that are embedded alone and in a batch. */
const COMPARED = 8;

/**
 * Embeds the canaries, and finds out whether a text's vector depends on the others of its batch, as it does with int8 models
 * that scale the numbers of a whole batch alike.
 *
 * @param passages The store's first texts, which the embedder knows for certain. Only asked for if it cannot embed canaries.
 * @throws EmbedlessError `EMBEDDER_OUTPUT` if the same text alone has another vector each time; errors of `embedPassages`
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
    // One that fails with the store's own texts too just fails.
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

/** First passages in place of canaries. They are not stored: a passage that is deleted must be gone. */
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

/** Texts with their vectors; a zero vector stands for a text that the embedder does not know. */
function pairs(texts: readonly string[], vectors: readonly Float32Array[]): Canary[] {
  const all = texts.map((text, i) => ({ text, vector: vectors[i]! }));
  return all.filter(({ vector }) => !isZero(vector));
}

function isZero(vector: Float32Array): boolean {
  return vector.every((value) => value === 0);
}

/** The lowest cosine of the two vectors of a text, and by which share of the first the second is longer or shorter at most. */
function lowest(a: readonly Canary[], b: readonly Canary[]): { cosine: number; longer: number } {
  let [cosine, longer] = [1, 0];
  for (const [i, { vector }] of a.entries()) {
    const other = b[i]!.vector;
    // Zero vectors of passages have no direction; who adds them is told elsewhere.
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
    `The embedder ${id} gives a text another vector each time, even alone (cosine ${cosine.toFixed(4)}): no search would ` +
      "believe it.",
  );
}
