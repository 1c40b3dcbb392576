import type { Codes, Metric, VectorKeeping } from "../api/codes.js";
import type { Embedder } from "../api/embedder.js";
import type { MachineSpeed, PlannedStore, StorePlan } from "../api/stats.js";
import { outOfRange, throwIfAborted } from "../base/errors.js";
import { embedPassages, embedQuestion, type GuardOptions, limitsOf } from "../embed/guard.js";
import type { NativeAddon } from "../native/surface.js";
import type { CodeTraits } from "./calibration.js";
import { expectedRecomputes } from "./plan.js";

/** The goal of a planned store, with checked options. */
export interface Goal {
  passages: number;
  /** Most bytes per passage for codes and kept vectors. */
  budget: number;
  recall: number;
  k: number;
}

/** Codes that questions can be answered with. */
type SearchedCodes = PlannedStore["codes"];

/** A choice of codes and kept vectors. */
type Kind = Pick<PlannedStore, "codes" | "vectors">;

/** Dims of the model with which recomputes were counted. */
const COUNTED_DIMS = 384;
/** Milliseconds to read a kept vector from the file. */
const KEPT_READ_MS = 0.02;
/** Header bytes of an LVQ row, and bits per number. */
const LVQ_LIMITS_BYTES = 16;
const LVQ_BITS = { lvq4: 4, lvq8: 8, lvq4x8: 12 } as const;

/**
 * Every choice for `passages` vectors, with its bytes and the cost of a query, and the fastest choice that fits.
 *
 * Recomputes were counted on 50,000 passages with the bundled model. A code of other dims is assumed to need as many as
 * one with the same bits per dimension did there. This is too high if the model's variance lies in few dimensions.
 * Recomputes depend little on the number of passages; the time of the scan grows with it.
 *
 * @param speed The speed of this machine.
 * @throws RangeError when nothing fits the budget
 */
export function forecast(goal: Goal, speed: MachineSpeed, dims: number): StorePlan {
  const { recall, k } = goal;
  const choices = kinds().map((kind) => price(kind, goal, speed, dims));
  choices.sort((a, b) => a.bytesPerPassage - b.bytesPerPassage || a.queryMs - b.queryMs);
  const fitting = choices.filter(({ fits }) => fits);
  if (fitting.length === 0) {
    const least = Math.ceil(choices[0]!.bytesPerPassage * 10) / 10;
    throw outOfRange("bytesPerPassage", `at least ${least}, the size of the smallest code,`, goal.budget);
  }
  return { recall, k, best: fitting.reduce((a, b) => (b.queryMs < a.queryMs ? b : a)), choices, speed };
}

/** Mean recomputes of a query and, if the machine was measured, its mean milliseconds. */
export function queryCost(
  store: Kind & { passages: number; dims: number },
  { k, recall }: { k: number; recall: number },
): { recomputes: number; queryMs(speed: MachineSpeed): number } {
  const { codes, vectors, passages, dims } = store;
  const recomputes = Math.min(passages, expectedRecomputes(k, recall, { code: traitsAtCountedDims(codes, dims) }));
  return {
    recomputes,
    queryMs(speed) {
      const look = vectors === "recompute" ? speed.passageMs : KEPT_READ_MS;
      const scanNs = isPq(codes) ? speed.scanNsPerByte * (codes.bytes + 2) : speed.rowNsPerDim * numbersOf(codes, dims);
      return speed.questionMs + (passages * scanNs) / 1e6 + recomputes * look;
    },
  };
}

/** All product-quantised codes and LVQ without vectors, and the default code with vectors of each form. */
function kinds(): Kind[] {
  const sizes = [24, 32, 48, 64, 96, 128, 192] as const;
  const names = ["lvq4", "lvq8", "lvq4x8"] as const;
  const keepings = ["lvq8", "float16", "float32"] as const;
  return [
    ...sizes.map((bytes): Kind => ({ codes: { bytes }, vectors: "recompute" })),
    ...names.map((codes): Kind => ({ codes, vectors: "recompute" })),
    ...keepings.map((vectors): Kind => ({ codes: { bytes: 48 }, vectors })),
  ];
}

function price(kind: Kind, goal: Goal, speed: MachineSpeed, dims: number): PlannedStore {
  const { recomputes, queryMs } = queryCost({ ...kind, passages: goal.passages, dims }, goal);
  const live = 1 / 8;
  const bytesPerPassage = codeRowBytes(kind.codes, dims, "cosine") + keptRowBytes(kind.vectors, dims) + live;
  return {
    ...kind,
    bytesPerPassage,
    totalBytes: Math.round(bytesPerPassage * goal.passages),
    fits: bytesPerPassage <= goal.budget,
    recomputes,
    queryMs: queryMs(speed),
  };
}

/** Bytes per row of a code. */
export function codeRowBytes(codes: SearchedCodes, dims: number, metric: Metric): number {
  // A code has at most as many bytes as there are dims.
  if (isPq(codes)) return Math.min(codes.bytes, dims) + (metric === "cosine" ? 3 : 5);
  return LVQ_LIMITS_BYTES + Math.ceil((numbersOf(codes, dims) * LVQ_BITS[levelsOf(codes)]) / 8);
}

/** Bytes per kept vector. */
export function keptRowBytes(vectors: VectorKeeping, dims: number): number {
  return { recompute: 0, float32: 4 * dims, float16: 2 * dims + 4, lvq8: dims + 8 }[vectors];
}

function traitsAtCountedDims(codes: SearchedCodes, dims: number): CodeTraits {
  const kind = isPq(codes) ? "pq" : typeof codes === "string" ? "lvq" : "leanvec";
  const rowBytes = codeRowBytes(codes, dims, "cosine");
  const scaled = kind === "lvq" || dims <= COUNTED_DIMS ? rowBytes : (rowBytes * COUNTED_DIMS) / dims;
  return { kind, dims, rowBytes: scaled };
}

function isPq(codes: SearchedCodes): codes is Extract<Codes, { bytes: number }> {
  return typeof codes === "object" && "bytes" in codes;
}

function levelsOf(codes: Exclude<SearchedCodes, { bytes: number }>): keyof typeof LVQ_BITS {
  return typeof codes === "string" ? codes : codes.leanvec.primary;
}

/** Numbers per row: dims, or the dims of the projection. */
function numbersOf(codes: Exclude<SearchedCodes, { bytes: number }>, dims: number): number {
  return typeof codes === "string" ? dims : Math.min(dims, codes.leanvec.dims);
}

/** Codes scanned to measure the speed: 13 MB, enough for all cores to take part. */
const SCANNED = 262_144;
const CODE_BYTES = 48;
/** Dims of the codebook for the measurement. The speed of a scan depends only on the bytes of a code. */
const PROBE_DIMS = 64;
const PROBE_VECTORS = 512;
const SCAN_ROUNDS = 5;
/** Rows of a plain vector form scanned to measure the speed of codes that lie row by row. */
const ROWS_SCANNED = 16_384;
/** Fewest passages embedded for the measurement. Each process of the embedder gets as many again. */
const EMBEDDED = 4;

/** About 750 characters, the length at which recomputes were counted. */
const SENTENCE = "A store that keeps no vectors embeds a passage again whenever its exact score decides. ";
const PASSAGE = SENTENCE.repeat(9);

/**
 * Measures the parts of a search on this machine: embedding a question and passages of 750 characters, and scanning
 * codes with all cores. Takes a second or two, most of it for starting the model.
 *
 * @param given.oneByOne For an embedder that gets one text at a time.
 * @throws what the embedder throws, and `ABORTED`
 */
export async function measureMachine(
  addon: NativeAddon,
  embedder: Embedder,
  given: Pick<GuardOptions, "signal" | "oneByOne"> = {},
): Promise<MachineSpeed & { dims: number }> {
  const { signal } = given;
  const first = await embedQuestion(embedder, "How fast is this?", given);
  const questionMs = await timed(() => embedQuestion(embedder, "How fast is it now?", given));
  const passageMs = await measurePassages(embedder, given);
  throwIfAborted(signal);
  const scanNsPerByte = await measureScan(addon);
  throwIfAborted(signal);
  const rowNsPerDim = await measureRows(addon, first.length);
  return { questionMs, passageMs, scanNsPerByte, rowNsPerDim, dims: first.length };
}

/** Milliseconds per passage while the embedder is fully busy. */
async function measurePassages(embedder: Embedder, options: GuardOptions): Promise<number> {
  const saysLimits = embedder.concurrency !== undefined || embedder.batch !== undefined;
  const isTold = options.oneByOne === undefined && saysLimits;
  const count = isTold ? Math.max(EMBEDDED, limitsOf(embedder).concurrency) : EMBEDDED;
  // The texts differ. Otherwise an embedder that caches its answers would look too fast.
  const texts = (round: string, count: number) => Array.from({ length: count }, (_, i) => `${round} ${i}. ${PASSAGE}`);
  await embedPassages(embedder, texts("First", EMBEDDED), options);
  return (await timed(() => embedPassages(embedder, texts("Second", count), options))) / count;
}

/** Nanoseconds per code byte, with all cores. */
async function measureScan(addon: NativeAddon): Promise<number> {
  const sample = pseudoRandom(PROBE_VECTORS * PROBE_DIMS);
  const coder = await addon.trainCodebook(sample, { dims: PROBE_DIMS, metric: "cosine", code: { bytes: CODE_BYTES } });
  const encoded = await coder.encode(sample);
  const index = addon.createIndex(coder);
  const copies = new Uint8Array(65_536 * coder.rowBytes);
  for (let at = 0; at < copies.length; at += encoded.rows.length) {
    copies.set(encoded.rows.subarray(0, Math.min(encoded.rows.length, copies.length - at)), at);
  }
  while (index.count < SCANNED) index.publish({ rows: { rows: copies, exceptions: new Uint8Array() } });
  const best = await bestScan(index, sample.subarray(0, PROBE_DIMS));
  return (best * 1e6) / index.count / (coder.rowBytes - 1);
}

/** Nanoseconds per dimension of codes that lie row by row, such as LVQ's. */
async function measureRows(addon: NativeAddon, dims: number): Promise<number> {
  const coder = addon.createVectorCoder("lvq8", dims, "cosine");
  const few = await coder.encode(pseudoRandom(64 * dims));
  const index = addon.createIndex(coder);
  while (index.count < ROWS_SCANNED) index.publish({ rows: few });
  return ((await bestScan(index, pseudoRandom(dims))) * 1e6) / index.count / dims;
}

async function bestScan(index: ReturnType<NativeAddon["createIndex"]>, query: Float32Array): Promise<number> {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < SCAN_ROUNDS; round++) {
    best = Math.min(best, await timed(() => index.search(query, { k: 10, cap: 0, pool: 512 })));
  }
  return best;
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const before = performance.now();
  await work();
  return performance.now() - before;
}

/** Numbers between -1 and 1 that are the same every time (a linear congruential generator). */
function pseudoRandom(count: number): Float32Array {
  const numbers = new Float32Array(count);
  let state = 1;
  for (let i = 0; i < count; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    numbers[i] = state / 2 ** 31 - 1;
  }
  return numbers;
}
