import { wholeNumberWithin } from "../checks.js";
import type { Embedder } from "./embedder.js";

/** For an embedder that does not say how many texts suit it. */
const DEFAULT_BATCH = 64;
/** More texts than this are never under way at once, whatever an embedder could take. */
const MOST_TEXTS = 65_536;

/** What an embedder takes at once. */
export interface EmbedderLimits {
  /** Texts per call. */
  readonly batch: number;
  /** Texts worth having under way at once. */
  readonly concurrency: number;
}

/**
 * The numbers that an embedder says of itself: the one place that reads them, for an embedder is anybody's object.
 *
 * @throws TypeError, RangeError (`INVALID_ARGUMENT`) unless each is a whole number from 1, or left out
 */
export function limitsOf({ batch, concurrency, dims }: Partial<Embedder>): EmbedderLimits {
  const count = (name: string, value: unknown) => wholeNumberWithin(`embedder.${name}`, value, 1, 2 ** 53 - 1);
  if (dims !== undefined) count("dims", dims);
  const texts = batch === undefined ? DEFAULT_BATCH : Math.min(MOST_TEXTS, count("batch", batch));
  const most = concurrency === undefined ? texts : Math.min(MOST_TEXTS, count("concurrency", concurrency));
  return { batch: texts, concurrency: most };
}
