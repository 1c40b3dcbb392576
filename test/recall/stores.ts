import type { OpenOptions, SearchOptions } from "../../src/index.js";

/** One way of asking a store. */
export interface Way {
  readonly name: string;
  readonly walk?: NonNullable<SearchOptions["walk"]>;
  readonly scores?: "approx";
  /** Of the queries, every so many-th is asked: ways that embed hundreds of passages take their time. */
  readonly every?: number;
}

/** A store that is measured. */
export interface MeasuredStore {
  readonly name: string;
  readonly options: OpenOptions;
  /** Whether its codebook is the one that comes with the bundled model; else it trains its own. */
  readonly hasShippedCodebook?: boolean;
  readonly ways: readonly Way[];
}

const SCAN: Way = { name: "scan", walk: "scan" };
const APPROX: Way = { ...SCAN, name: "approximate", scores: "approx" };
const GUIDED: Way = { name: "guided", walk: { mode: "guided" } };
const EXACT: Way = { name: "exact", walk: { mode: "exact" }, every: 8 };
const TWO_LEVEL: Way = { name: "two-level", walk: { mode: "two-level" }, every: 8 };
const half = (way: Way): Way => ({ ...way, every: 2 });

const leanvec = (primary: "lvq4" | "lvq8", training: "pca" | "ood"): OpenOptions => ({
  codes: { leanvec: { dims: 160, primary, training } },
});

/** Every code, scanned. The default code and its neighbours are asked everything, the others every second question. */
export const CODED_STORES: readonly MeasuredStore[] = [
  { name: "24 bytes", options: { codes: { bytes: 24 } }, ways: [half(SCAN)] },
  { name: "32 bytes", options: { codes: { bytes: 32 } }, ways: [SCAN] },
  { name: "48 bytes", options: { codes: { bytes: 48 } }, ways: [SCAN, half(APPROX)] },
  { name: "48 bytes, shipped codebook", options: {}, hasShippedCodebook: true, ways: [SCAN] },
  { name: "64 bytes", options: { codes: { bytes: 64 } }, ways: [SCAN] },
  ...([96, 128, 192] as const).map((bytes) => ({
    name: `${bytes} bytes`,
    options: { codes: { bytes } },
    ways: [half(SCAN)],
  })),
  ...(["lvq4", "lvq8", "lvq4x8"] as const).map((codes) => ({ name: codes, options: { codes }, ways: [half(SCAN)] })),
  { name: "leanvec160-lvq4-pca", options: leanvec("lvq4", "pca"), ways: [half(SCAN)] },
  { name: "leanvec160-lvq8-pca", options: leanvec("lvq8", "pca"), ways: [half(SCAN)] },
  { name: "leanvec160-lvq8-ood", options: leanvec("lvq8", "ood"), ways: [half(SCAN)] },
];

/** Every kind of walk, and kept vectors. */
export const WALKED_STORES: readonly MeasuredStore[] = [
  ...(["vamana", "hnsw"] as const).flatMap((index): MeasuredStore[] => [
    { name: `${index}, 48 bytes`, options: { codes: { bytes: 48 }, index }, ways: [half(GUIDED), EXACT, TWO_LEVEL] },
    { name: `${index}, no codes`, options: { codes: "none", index }, ways: [EXACT] },
    {
      name: `${index}, float16 in memory`,
      options: { codes: { bytes: 48 }, vectors: "float16", vectorsIn: "memory", index },
      ways: [half(GUIDED)],
    },
  ]),
  {
    name: "lvq8 in memory",
    options: { codes: { bytes: 48 }, vectors: "lvq8", vectorsIn: "memory" },
    ways: [half(SCAN)],
  },
  ...(["float16", "lvq8"] as const).map((vectors) => ({
    name: `${vectors} in the file`,
    options: { codes: { bytes: 48 as const }, vectors },
    ways: [half(SCAN)],
  })),
];
