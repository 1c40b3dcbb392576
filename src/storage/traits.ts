import { type Codes, DEFAULT_CODES, type Metric, type VectorKeeping } from "../api/codes.js";
import type { IndexChoice } from "../api/graph.js";
import { EmbedlessError, outOfRange } from "../base/errors.js";
import { damagedRow } from "./integrity.js";
import type { Meta } from "./meta.js";

/** The properties that are fixed when a store gets its first passage. */
export interface Traits {
  readonly metric: Metric;
  readonly codes: Codes;
  readonly vectors: VectorKeeping;
  readonly index: IndexChoice;
}

/** The traits that the caller of `open` asks for; `undefined`: as the store has them. */
export type AskedTraits = { readonly [K in keyof Traits]?: Traits[K] | undefined };

/**
 * The traits of a store: its own. For a store without passages, those asked for, else the defaults.
 *
 * @throws EmbedlessError `METRIC_MISMATCH`, or `INVALID_ARGUMENT` for codes and vectors, if the store has others than
 *   those asked for; `CORRUPT` if a store with passages lacks one
 */
export function traitsOf(meta: Meta, asked: AskedTraits = {}): Traits {
  if (meta.dims === undefined) {
    const { metric = "cosine", codes = DEFAULT_CODES, vectors = "recompute" } = asked;
    return { metric, codes, vectors, index: asked.index ?? (codes === "none" ? "vamana" : "flat") };
  }
  return {
    metric: fixed("metric", meta.metric, asked.metric),
    codes: fixed("codes", meta.codes, asked.codes),
    vectors: fixed("vectors", meta.vectors, asked.vectors),
    // Stores made before there were graphs do not name an index.
    index: fixed("index", meta.index ?? "flat", asked.index),
  };
}

/**
 * Refuses options that would have no effect in a store with these traits, or that cannot work together.
 *
 * @throws `INVALID_ARGUMENT`
 */
export function requireUseful(
  { vectorsIn, sampleQueries }: { vectorsIn: "file" | "memory"; sampleQueries: unknown },
  { codes, vectors, index }: Traits,
): void {
  if (vectorsIn === "memory" && vectors === "recompute") {
    throw new EmbedlessError(
      "INVALID_ARGUMENT",
      'The option vectorsIn: "memory" is for stores that keep vectors, but this one keeps none. Create a store with the option vectors.',
    );
  }
  if (sampleQueries !== undefined && !needsSampleQueries(codes)) {
    throw new EmbedlessError(
      "INVALID_ARGUMENT",
      `The option sampleQueries is for codes with training: "ood", and this store has ${JSON.stringify(codes)}.`,
    );
  }
  if (codes === "none" && (index === "flat" || index === "auto")) {
    throw outOfRange("index", '"vamana" or "hnsw", which codes "none" need,', index);
  }
}

/** Whether two sets of traits are equal. */
export function sameTraits(a: Traits, b: Traits): boolean {
  const text = ({ metric, codes, vectors, index }: Traits) => JSON.stringify([metric, codes, vectors, index]);
  return text(a) === text(b);
}

/** Whether codes are fitted to questions as well as to passages. */
export function needsSampleQueries(codes: Codes): boolean {
  return typeof codes === "object" && "leanvec" in codes && codes.leanvec.training === "ood";
}

function fixed<T>(trait: keyof Traits, stored: T | undefined, asked: T | undefined): T {
  if (stored === undefined) throw damagedRow("meta", trait, "is missing");
  const [has, wants] = [JSON.stringify(stored), JSON.stringify(asked)];
  if (asked === undefined || has === wants) return stored;
  throw new EmbedlessError(
    trait === "metric" ? "METRIC_MISMATCH" : "INVALID_ARGUMENT",
    `The store has ${trait} ${has}, but ${wants} was given. It is fixed when a store is created.`,
  );
}

/** Whether a store has a graph, or will get one whatever its size. Its rows should then lie in the order for walks. */
export function wantsGraph({ index, graph }: Meta): boolean {
  return graph !== undefined || (index !== undefined && index !== "flat" && index !== "auto");
}
