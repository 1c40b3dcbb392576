import { outOfRange } from "../errors.js";
import type { Codes, MachineSpeed, Metric, PlannedStore, StorePlan, VectorKeeping } from "../types.js";
import type { CodeTraits } from "./calibrated.js";
import { expectedRecomputes } from "./plan.js";

/** The goal of a store to come, its options checked. */
export interface Goal {
  passages: number;
  /** Bytes a passage that codes and kept vectors may take. */
  budget: number;
  recall: number;
  k: number;
}

/** Codes that questions are answered by. */
type SearchedCodes = PlannedStore["codes"];

/** A way to keep vectors. */
type Kind = Pick<PlannedStore, "codes" | "vectors">;

/** Dims of the model that recomputes were counted with. */
const COUNTED_DIMS = 384;
/** Reading a kept vector from the file, in milliseconds. */
const KEPT_READ_MS = 0.02;
/** Bytes of an LVQ row that are no numbers, and bits a number. */
const LVQ_LIMITS_BYTES = 16;
const LVQ_BITS = { lvq4: 4, lvq8: 8, lvq4x8: 12 } as const;

/**
 * Every way to keep `passages` vectors, with its bytes and what a query costs, and the quickest that fits.
 *
 * Recomputes are those counted on 50,000 passages with the bundled model; a code of other dims is taken to cost what one
 * with as many bits a dimension cost there, which overrates it when the model's variance lies in few dimensions. They
 * depend little on the number of passages; the scan grows with it.
 *
 * @param speed of this machine
 * @throws RangeError when nothing fits the budget
 */
export function forecast(goal: Goal, speed: MachineSpeed, dims: number): StorePlan {
  const { recall, k } = goal;
  const choices = kinds().map((kind) => price(kind, goal, speed, dims));
  choices.sort((a, b) => a.bytesPerPassage - b.bytesPerPassage || a.queryMs - b.queryMs);
  const fitting = choices.filter(({ fits }) => fits);
  if (fitting.length === 0) {
    const least = Math.ceil(choices[0]!.bytesPerPassage * 10) / 10;
    throw outOfRange("bytesPerPassage", `at least ${least}, what the smallest code takes`, goal.budget);
  }
  return { recall, k, best: fitting.reduce((a, b) => (b.queryMs < a.queryMs ? b : a)), choices, speed };
}

/** Recomputes and, if the machine was measured, milliseconds of a mean query. */
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

/** Bytes of a code's row. */
export function codeRowBytes(codes: SearchedCodes, dims: number, metric: Metric): number {
  // There are no more numbers to a code than dims.
  if (isPq(codes)) return Math.min(codes.bytes, dims) + (metric === "cosine" ? 3 : 5);
  return LVQ_LIMITS_BYTES + Math.ceil((numbersOf(codes, dims) * LVQ_BITS[levelsOf(codes)]) / 8);
}

/** Bytes of a kept vector. */
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

/** Numbers of a row: dims, or those that a projection leaves. */
function numbersOf(codes: Exclude<SearchedCodes, { bytes: number }>, dims: number): number {
  return typeof codes === "string" ? dims : Math.min(dims, codes.leanvec.dims);
}
