import type { Codes, OpenOptions } from "../../../src/index.js";

/** What one episode is played with. */
export interface Traits {
  readonly dims: number;
  /** Passages that ids name: above 1,024 a codebook is trained, below passages wait as they are. */
  readonly ids: number;
  readonly options: OpenOptions;
}

const CODES: readonly (Codes | undefined)[] = [
  undefined,
  { bytes: 24 },
  { bytes: 96 },
  "lvq4",
  "lvq8",
  "lvq4x8",
  { leanvec: { dims: 12, primary: "lvq8", training: "pca" } },
  "none",
];

/** Kinds of stores in which one feature met another badly once. */
export const KINDS: readonly Traits[] = [
  { index: "vamana" },
  { index: "hnsw", metric: "l2" },
  { index: "vamana", codes: "none" },
  { index: "vamana", vectors: "float32", vectorsIn: "memory" },
  { index: "hnsw", vectors: "float16", vectorsIn: "memory", metric: "ip" },
  { index: "vamana", vectors: "float32", vectorsIn: "file", codes: "none" },
  { index: "vamana", vectors: "lvq8", vectorsIn: "memory", codes: "lvq8", metric: "l2" },
  { vectors: "float32", vectorsIn: "memory", metric: "ip" },
].map((options) => ({ dims: 8, ids: 150, options: options as OpenOptions }));

/** Any combination of options that a store takes, each as likely as the other. */
export function drawTraits(random: () => number): Traits {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
  const codes = pick(CODES);
  const vectors = pick(["recompute", "recompute", "float32", "float16", "lvq8"] as const);
  const index =
    codes === "none" ? pick(["vamana", "hnsw"] as const) : pick(["flat", "auto", "vamana", "hnsw"] as const);
  const options: OpenOptions = {
    metric: pick(["cosine", "ip", "l2"] as const),
    ...(codes !== undefined && { codes }),
    vectors,
    index,
    vectorsIn: vectors === "recompute" ? "file" : pick(["file", "memory"] as const),
    keywords: random() < 0.5,
    filterable: random() < 0.5 ? ["year", "tags"] : [],
    calibration: pick(["fixed", "live"] as const),
    cacheBytes: pick([0, 4096, 16e6]),
  };
  return { dims: pick([16, 24]), ids: pick([40, 150, 1500]), options };
}
