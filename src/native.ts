import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { EmbedlessError } from "./errors.js";
import type { Codes, Metric } from "./types.js";

/** Encoded rows of `rowBytes` each, and the factors that no byte could hold: 8-byte entries { u16 row, u8 factor, u8 0, f32 value }. */
export interface EncodedRows {
  rows: Uint8Array;
  exceptions: Uint8Array;
}

/** Forms of vectors that need no training: whole, halved, or one byte a number with limits of each vector's own. */
export type VectorForm = "float32" | "float16" | "lvq8" | "int8";

/** Turns vectors into stored rows and back: a trained code, or a plain form of the vector. Immutable. */
export interface NativeCoder {
  /** Trained: `pq`, `lvq`, `leanvec`. Plain: a `VectorForm`, spelt `lvq8` there. */
  readonly kind: "pq" | "lvq" | "leanvec" | VectorForm;
  readonly dims: number;
  readonly metric: Metric;
  readonly rowBytes: number;
  /** Standard error of an estimate in units of residual norm times query norm; measured when the code was trained. */
  readonly rho: number;
  /** The coder as bytes, for `loadCodebook`; a plain form throws. */
  save(): Uint8Array;
  /** At most 65,535 vectors, row-major. Off the main thread. Cosine normalises; a zero or non-finite vector rejects. */
  encode(vectors: Float32Array): Promise<EncodedRows>;
  /** Approximate vectors of stored rows. */
  decode(rows: Uint8Array, exceptions: Uint8Array): Float32Array;
}

/** Rows to append: node numbers run on from the index's count without a gap. */
export interface Publication {
  rows?: EncodedRows;
  dead?: Uint32Array;
  /** Frees the memory of `rows.rows`, which is empty afterwards: loading a large index must not wait for the garbage collector. */
  release?: boolean;
}

export interface NativeSearchOptions {
  k: number;
  eps: number;
  batch: number;
  /** Most recomputes. Below `k` the answer is filled up with estimates; 0: estimates alone. */
  cap: number;
  pool: number;
  /** `approx` also takes a candidate unseen when its lower bound says that it belongs to the answer. Default `exact`. */
  scores?: "exact" | "approx";
  /** Multiplies every sigma. Default 1. */
  sigmaScale?: number;
  /** Bit i of byte i/8 (lowest first): node may be answered. Left out: all. */
  filter?: Uint8Array;
  threads?: number;
  stop?: StopFlag;
}

/** The codes of a store in memory. Searches work on the snapshot they started with. */
export interface NativeIndex {
  readonly coder: NativeCoder;
  /** Nodes published, dead ones included. */
  readonly count: number;
  readonly live: number;
  /** Bytes held for codes and live bits. */
  readonly memoryBytes: number;
  /** Appends rows and kills nodes in one step: no search sees the one without the other. */
  publish(change: Publication): void;
  search(query: Float32Array, options: NativeSearchOptions): Promise<NativeSearch>;
  /** The vectors of nodes as far as their rows tell, row-major; those of dead nodes too. Throws for a node that never was. */
  vectors(nodes: Uint32Array): Float32Array;
  /** Live bits as a bitmap of ceil(count / 8) bytes. */
  liveBits(): Uint8Array;
}

/** One search: asks for exact vectors until the bound says that no other passage can matter. */
export interface NativeSearch {
  readonly done: boolean;
  /** Codes that were estimated. */
  readonly scanned: number;
  /** Nodes whose vectors it needs next, in order of estimate; empty when done. */
  wants(): Uint32Array;
  /**
   * Vectors (row-major, as the embedder gave them) of wanted nodes, all or some of them; those in `missing` are gone and
   * get no row. The next round begins when the last wanted node has come.
   */
  feed(nodes: Uint32Array, vectors: Float32Array, missing: Uint32Array): void;
  /** The best k so far, by exact scores where there are enough of them, filled up with estimates. */
  result(): NativeResult;
}

export interface NativeResult {
  nodes: Uint32Array;
  /** Exact where `exact[i]` is 1, else the estimate. Cosine, inner product or minus squared distance. */
  scores: Float64Array;
  exact: Uint8Array;
  estimates: Float32Array;
  sigmas: Float32Array;
  recomputed: number;
  dismissed: number;
  /** Whether the cap ended the search while candidates were left. */
  capped: boolean;
  /** Share of the true k nearest that the answer holds, by the estimates' errors taken as normal; not yet calibrated. */
  expectedRecall: number;
  /** Of the first round's candidates: how many came, and the sum of ((exact - estimate) / sigma)^2. */
  firstRound: { count: number; sumSquares: number };
}

export interface TrainOptions {
  dims: number;
  metric: Metric;
  /** Which code to train. Default `{ bytes: 48 }`. Bytes count the code alone, without factors; 1 to 255 are allowed here. */
  code?: NativeCodes;
  /** Row-major sample of queries; only `leanvec` with `ood` training takes them, and needs them. */
  queries?: Float32Array;
  seed?: number;
  threads?: number;
  stop?: StopFlag;
}

/** As `Codes`, with any number of bytes. */
export type NativeCodes = { bytes: number } | Exclude<Codes, { bytes: number }>;

/** Tells running native work to give up; it then rejects with `ABORTED`. */
export interface StopFlag {
  stop(): void;
}

export interface IsaInfo {
  name: string;
  supported: boolean;
}

export interface ScanTiming {
  /** Nanoseconds a vector: sums, factors and top candidates together; best round. */
  scanNs: number;
  /** Nanoseconds a vector for reading the same bytes by as many threads; best round. */
  readNs: number;
  /** Nanoseconds for preparing the query, by one thread; best round. */
  prepareNs: number;
}

/**
 * All that the addon offers.
 *
 * Failures carry a `code`: argument mistakes are `TypeError` or `RangeError` with `INVALID_ARGUMENT`, the others
 * `EmbedlessError`. Functions that return a promise reject and never throw. Arguments are copied before they return, so
 * arrays may be changed right after a call. Only `StopFlag` is made with `new`.
 */
export interface NativeAddon {
  StopFlag: new () => StopFlag;
  trainCodebook(vectors: Float32Array, options: TrainOptions): Promise<NativeCoder>;
  loadCodebook(bytes: Uint8Array): NativeCoder;
  /** A form that needs no training. Such a coder also searches: its estimates are nearly or wholly exact. */
  createVectorCoder(form: VectorForm, dims: number, metric: Metric): NativeCoder;
  createIndex(coder: NativeCoder): NativeIndex;
  /** Exact scores in double precision, the way `feed` computes them. */
  score(metric: Metric, a: Float32Array, b: Float32Array): number;
  instructionSets(): IsaInfo[];
  activeInstructionSet(): string;
  /** Forces one instruction set, or the best with `undefined`. For tests and benchmarks. */
  forceInstructionSet(name: string | undefined): void;
  /**
   * Times the scan of an index, alternating with a plain read of the same bytes.
   *
   * @param options `threads` at most, 1 unless said, 0: one a core; an index below 100,000 codes is scanned by one.
   */
  timeScan(
    index: NativeIndex,
    query: Float32Array,
    options: { pool: number; rounds: number; threads?: number },
  ): Promise<ScanTiming>;
}

/** What the file itself exports beside `NativeAddon`. */
interface AddonFile extends NativeAddon {
  /** The class of all failures that are no argument mistakes. */
  useErrorClass(errorClass: new (code: never, message: string) => Error): void;
}

let loaded: NativeAddon | undefined;

/**
 * The addon, loaded at the first call. Tried are `build/Release` (compiled here) and then `prebuilds/<platform>-<arch>`
 * of the package.
 *
 * @throws {EmbedlessError} `NATIVE_LOAD` if no file can be loaded; the message names each with its reason.
 */
export function native(): NativeAddon {
  loaded ??= load(addonPaths());
  return loaded;
}

/** Where the addon may lie, best first. The package finds itself by name, so this holds for sources and for `dist`. */
function addonPaths(): string[] {
  const root = dirname(createRequire(import.meta.url).resolve("embedless/package.json"));
  const platform = `${process.platform}-${process.arch}`;
  return [join(root, "build", "Release", "embedless.node"), join(root, "prebuilds", platform, "embedless.node")];
}

/** Loads the first file of `paths` that can be loaded. Exported for its test. */
export function load(paths: readonly string[]): NativeAddon {
  const require = createRequire(import.meta.url);
  const failures: unknown[] = [];
  for (const path of paths) {
    try {
      const addon = require(path) as AddonFile;
      addon.useErrorClass(EmbedlessError);
      return addon;
    } catch (error) {
      failures.push(error);
    }
  }
  const tried = paths.map((path, i) => `${path}: ${reason(failures[i])}.`);
  throw new EmbedlessError(
    "NATIVE_LOAD",
    `The native addon could not be loaded. ${tried.join(" ")} Run "npx embedless compile" to build it for ` +
      `${process.platform}-${process.arch}; that takes cmake and a C++20 compiler.`,
    { cause: failures.length > 1 ? new AggregateError(failures) : failures[0] },
  );
}

/** The first line of why a file was not loaded, as the part of a sentence. */
function reason(failure: unknown): string {
  if (!(failure instanceof Error)) return "it threw no error";
  if ((failure as NodeJS.ErrnoException).code === "MODULE_NOT_FOUND") return "there is no such file";
  return (failure.message.split("\n")[0] ?? "").replace(/\.$/, "");
}
