/** Measures a code on a data set: its size, its speed, and how well it ranks with and without exact scores. */

import type { Metric } from "../../api/codes.js";
import { planSearch } from "../../codes/plan.js";
import type { NativeAddon, NativeCoder, NativeCodes, NativeIndex } from "../../native/surface.js";
import { nameOfCode } from "../code_names.js";
import type { Working } from "../progress.js";
import { kRecallAt } from "./ground_truth.js";

/** The vectors to encode. Only parts of them are in memory. */
export interface VectorSource {
  readonly dims: number;
  readonly count: number;
  /** Vectors `[first, first + count)`, row-major. */
  readFloats(first: number, count: number): Promise<Float32Array>;
}

/** Queries with their true nearest vectors. */
export interface Judged {
  readonly vectors: readonly Float32Array[];
  /** The nearest vectors of each query, best first. */
  readonly nearest: readonly ArrayLike<number>[];
}

/** One row of the table. */
export interface CodeFigures {
  readonly code: string;
  /** Row and exceptions, without the live bit. */
  readonly bytesPerVector: number;
  readonly encodePerSecond: number;
  /** Mean share of the true `k` nearest that are among the best `k` estimates. */
  readonly recallByEstimate: number;
  /**
   * Number of best estimates that need exact scores to find 95 and 99 % of the true `k`; `undefined`: more than are
   * ranked.
   */
  readonly need95: number | undefined;
  readonly need99: number | undefined;
  /** For a bounded search at recall `TARGET`: exact vectors read per query, and the recall reached. */
  readonly exactLooks: number;
  readonly recall: number;
  /** Nanoseconds per code, with one thread. */
  readonly scanNs: number;
}

/** Recall target of the bounded search. */
export const TARGET = 0.95;
/** Vectors that a code is trained on, spread evenly. More hardly improve it. */
const TRAINING_VECTORS = 16_384;
/** Vectors encoded in one call. */
const ENCODED = 4_096;
/** Number of best estimates that are ranked for `need95` and `need99`. */
const RANKED = 2_000;
const TIMED_ROUNDS = 5;

/** Trains a code on a sample of the vectors, encodes all of them and measures. */
export async function measureCode(
  addon: NativeAddon,
  base: VectorSource,
  judged: Judged,
  options: { code: NativeCodes; metric: Metric; k: number; sampleQueries?: Float32Array },
  working: Working,
): Promise<CodeFigures> {
  const { code, metric, k, sampleQueries } = options;
  const name = nameOfCode(code);
  const training = { dims: base.dims, metric, code, ...(sampleQueries && { queries: sampleQueries }) };
  const coder = await working.at(`Training ${name}`, async () => addon.trainCodebook(await sampleOf(base), training));
  const encoded = await working.at(`Encoding ${name}`, (progress) => encodeAll(addon, coder, base, progress));
  const { index } = encoded;
  const ranked = await working.at(`Ranking by ${name}`, (progress) => rankAll(index, judged, k, progress));
  const searched = await working.at(`Searching ${name}`, (progress) => searchAll(index, base, judged, k, progress));
  const timing = await working.at(`Timing ${name}`, () =>
    addon.timeScan(index, judged.vectors[0]!, {
      pool: planSearch(k, TARGET, { code: coder }).pool,
      rounds: TIMED_ROUNDS,
    }),
  );
  const need = (share: number) => candidatesNeeded(judged.nearest, ranked, k, share);
  return {
    code: name,
    bytesPerVector: encoded.bytes / index.count,
    encodePerSecond: index.count / encoded.seconds,
    recallByEstimate: kRecallAt(judged.nearest, ranked, k),
    need95: need(0.95),
    need99: need(0.99),
    exactLooks: searched.looks / judged.vectors.length,
    recall: kRecallAt(judged.nearest, searched.found, k),
    scanNs: timing.scanNs,
  };
}

/**
 * How many best ranks hold the given share of all true nearest, over all queries together; `undefined` if the ranked
 * ones do not.
 */
export function candidatesNeeded(
  nearest: readonly ArrayLike<number>[],
  ranked: readonly ArrayLike<number>[],
  k: number,
  share: number,
): number | undefined {
  const hits: number[] = [];
  nearest.forEach((all, query) => {
    const wanted = new Set(Array.from(all).slice(0, k));
    Array.from(ranked[query]!).forEach((node, rank) => {
      if (wanted.has(node)) hits[rank] = (hits[rank] ?? 0) + 1;
    });
  });
  let missing = share * k * nearest.length - 1e-6;
  for (let rank = 0; rank < hits.length; rank++) {
    missing -= hits[rank] ?? 0;
    if (missing <= 0) return rank + 1;
  }
  return undefined;
}

async function sampleOf(base: VectorSource): Promise<Float32Array> {
  const wanted = Math.min(TRAINING_VECTORS, base.count);
  if (wanted === base.count) return await base.readFloats(0, wanted);
  const sample = new Float32Array(wanted * base.dims);
  for (let i = 0; i < wanted; i++) {
    sample.set(await base.readFloats(Math.floor((i * base.count) / wanted), 1), i * base.dims);
  }
  return sample;
}

async function encodeAll(
  addon: NativeAddon,
  coder: NativeCoder,
  base: VectorSource,
  progress: (share: number) => void,
): Promise<{ index: NativeIndex; bytes: number; seconds: number }> {
  const index = addon.createIndex(coder);
  let bytes = 0;
  let milliseconds = 0;
  for (let first = 0; first < base.count; first += ENCODED) {
    const vectors = await base.readFloats(first, Math.min(ENCODED, base.count - first));
    const before = performance.now();
    const rows = await coder.encode(vectors);
    milliseconds += performance.now() - before;
    index.publish({ rows });
    bytes += rows.rows.length + rows.exceptions.length;
    progress(index.count / base.count);
  }
  return { index, bytes, seconds: milliseconds / 1000 };
}

/** The best nodes of each query by their estimates. */
async function rankAll(
  index: NativeIndex,
  { vectors }: Judged,
  k: number,
  progress: (share: number) => void,
): Promise<Uint32Array[]> {
  const pool = Math.max(RANKED, k);
  const ranked: Uint32Array[] = [];
  for (const query of vectors) {
    ranked.push((await index.search(query, { k: pool, cap: 0, pool })).result().nodes);
    progress(ranked.length / vectors.length);
  }
  return ranked;
}

/** Searches as a store does, but with exact vectors from `base`. */
async function searchAll(
  index: NativeIndex,
  base: VectorSource,
  { vectors }: Judged,
  k: number,
  progress: (share: number) => void,
): Promise<{ found: Uint32Array[]; looks: number }> {
  const plan = planSearch(k, TARGET, { code: index.coder });
  const found: Uint32Array[] = [];
  let looks = 0;
  for (const query of vectors) {
    const session = await index.search(query, { k, ...plan });
    while (!session.done) {
      const wanted = session.wants();
      const exact = new Float32Array(wanted.length * base.dims);
      for (const [i, node] of wanted.entries()) exact.set(await base.readFloats(node, 1), i * base.dims);
      session.feed(wanted, exact, new Uint32Array());
    }
    const { nodes, recomputed } = session.result();
    found.push(nodes);
    looks += recomputed;
    progress(found.length / vectors.length);
  }
  return { found, looks };
}
