import { EmbedlessError } from "../errors.js";
import { DEFAULT_CODES } from "../options.js";
import type { Codes, IndexChoice, Metric, VectorKeeping } from "../types.js";
import { damagedRow } from "./checksum.js";
import type { Meta } from "./meta.js";

/** What is fixed for good when a store gets its first passage. */
export interface Traits {
  readonly metric: Metric;
  readonly codes: Codes;
  readonly vectors: VectorKeeping;
  readonly index: IndexChoice;
}

/** What the caller of `open` wants them to be; `undefined`: whatever the store has. */
export type AskedTraits = { readonly [K in keyof Traits]?: Traits[K] | undefined };

/**
 * The traits of a store: its own, and for one without passages those asked for, else the defaults.
 *
 * @throws EmbedlessError `METRIC_MISMATCH`, or `INVALID_ARGUMENT` for codes and vectors, if the store has others than
 *   those asked for; `CORRUPT` if a store with passages lacks one
 */
export function traitsOf(meta: Meta, asked: AskedTraits = {}): Traits {
  if (meta.dims === undefined) {
    const { metric = "cosine", codes = DEFAULT_CODES, vectors = "recompute", index = "flat" } = asked;
    return { metric, codes, vectors, index };
  }
  return {
    metric: fixed("metric", meta.metric, asked.metric),
    codes: fixed("codes", meta.codes, asked.codes),
    vectors: fixed("vectors", meta.vectors, asked.vectors),
    // Stores made before there were graphs do not name it.
    index: fixed("index", meta.index ?? "flat", asked.index),
  };
}

/** Whether two stores would be of one kind. */
export function sameTraits(a: Traits, b: Traits): boolean {
  const text = ({ metric, codes, vectors, index }: Traits) => JSON.stringify([metric, codes, vectors, index]);
  return text(a) === text(b);
}

/** Whether codes are fitted to the questions to come as well as to the passages. */
export function needsSampleQueries(codes: Codes): boolean {
  return typeof codes === "object" && "leanvec" in codes && codes.leanvec.training === "ood";
}

function fixed<T>(trait: keyof Traits, stored: T | undefined, asked: T | undefined): T {
  if (stored === undefined) throw damagedRow("meta", trait, "is missing");
  const [has, wants] = [JSON.stringify(stored), JSON.stringify(asked)];
  if (asked === undefined || has === wants) return stored;
  throw new EmbedlessError(
    trait === "metric" ? "METRIC_MISMATCH" : "INVALID_ARGUMENT",
    `The store has ${trait} ${has}, but ${wants} was asked for, and that is fixed when a store is made.`,
  );
}
