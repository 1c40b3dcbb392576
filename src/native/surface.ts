/** What the C++ engine offers: the types of its Node-API surface. */

import type { Codes, Metric } from "../api/codes.js";
import type { HnswSettings, VamanaSettings } from "../api/graph.js";

/** Encoded rows of `rowBytes` each, and the factors that no byte could hold: 8-byte entries { u16 row, u8 factor, u8 0, f32 value }. */
export interface EncodedRows {
  rows: Uint8Array;
  exceptions: Uint8Array;
}

/** Forms of vectors that need no training: whole, halved, or one byte a number with limits of each vector's own. */
export type VectorForm = "float32" | "float16" | "lvq8" | "int8";

/** Turns vectors into stored rows and back: a trained code, or a plain form of the vector. Immutable. */
export interface NativeCoder {
  /** Trained: `pq`, `lvq`, `leanvec`. Plain: a `VectorForm`, spelt `lvq8` there. `none`: rows of no bytes, nothing kept. */
  readonly kind: "pq" | "lvq" | "leanvec" | VectorForm | "none";
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
  /** How many nodes to append; only for a coder of kind `none`, whose rows have no bytes to tell it. At most 65,536. */
  nodes?: number;
  dead?: Uint32Array;
  /** Frees the memory of `rows.rows`, which is empty afterwards: loading a large index must not wait for the garbage collector. */
  release?: boolean;
}

export interface NativeSearchOptions {
  k: number;
  /** The search ends when `expectedRecall` is so high, above 0 to 1. Higher: more recomputes. Default 0.95. */
  recall?: number;
  /** A candidate that is so likely among the k nearest is recomputed whatever `expectedRecall` is, above 0 to 1. Default 1: only as `recall` demands. */
  leastChance?: number;
  /** Recomputes that `exact` and `two-level` ask for together at least. Default 8. */
  batch?: number;
  /** Most recomputes. Below `k` the answer is filled up with estimates; 0: estimates alone. */
  cap: number;
  pool: number;
  /** `approx` also answers candidates by their estimate, where that tells them from the rest. Default `exact`. */
  scores?: "exact" | "approx";
  /** Multiplies every sigma. Default 1. */
  sigmaScale?: number;
  /** Bit i of byte i/8 (lowest first): node may be answered. Left out: all. */
  filter?: Uint8Array;
  threads?: number;
  stop?: StopFlag;
  /**
   * How nodes are found. Default `scan`.
   * - `scan`: every code is estimated. Needs no graph, and of few allowed nodes it is the fastest by far.
   * - `guided`: a walk over the graph on estimates (on kept vectors: distances) yields up to `pool` candidates, which the
   *   rerank takes like those of a scan. All options of a scan mean the same.
   * - `exact`: LEANN as it ships. Every node that the walk meets is recomputed; without `graph` every allowed node. Needs no
   *   codes. `recall`, `pool`, `scores` and `sigmaScale` are not used.
   * - `two-level`: LEANN's Algorithm 2. As `exact`, but of the nodes met only the share `ratio`, chosen by estimate, is
   *   recomputed.
   *
   * Walks pass through nodes that are dead or filtered out, and go on until `searchWindow` allowed ones are found: the
   * rarer these are, the longer it takes. A walk looks at about 20 * searchWindow / (share of nodes allowed) codes, a scan
   * at the allowed ones alone: walk when more than sqrt(20 * searchWindow * count) nodes are allowed, else scan.
   *
   * Nodes past the graph's end are scanned as well and ranked along (`exact`, `two-level`: the best `searchWindow` of them
   * by estimate are recomputed first; without codes all of them).
   */
  mode?: "scan" | "guided" | "exact" | "two-level";
  /** The graph to walk over, needed by `guided` and `two-level`: of at most as many nodes as the index has. */
  graph?: NativeGraph;
  /** Nearest nodes whose neighbors are all looked at (ef). Larger: more recall, more time or recomputes. Default 100. */
  searchWindow?: number;
  /** Of `two-level`: share of the estimated nodes that is recomputed, above 0 to 1. Default 0.2. */
  ratio?: number;
  /**
   * Of `two-level`: which nodes `ratio` takes. `global` (default): the best of all ever met; `local`: the best of the new
   * neighbors of each node; `proportional`: as many as `local`, but the best of all that wait.
   */
  strategy?: "global" | "local" | "proportional";
}

/** As in `NativeSearchOptions`. */
export interface NearestOptions {
  k: number;
  graph: NativeGraph;
  /** Raised to k. Default 100. */
  searchWindow?: number;
  filter?: Uint8Array;
}

/** How work on a graph runs; none of it changes the result. */
export interface GraphRun {
  /** Threads of its own that the work uses. Default one a core. */
  threads?: number;
  progress?: Progress;
  stop?: StopFlag;
}

/** How a graph is built (names as in SVS and in the paper of HNSW). It stays with the graph and guides its growth. */
export type GraphOptions = GraphRun & { seed?: number } & (
    | ({
        /** One layer (DiskANN, NeurIPS 2019). */
        kind: "vamana";
        /** Rounds over all nodes, to 16. Default 1. */
        passes?: number;
      } & Omit<VamanaSettings, keyof GraphSize>)
    | ({
        /** Ever smaller layers above the lowest (arXiv 1603.09320). */
        kind: "hnsw";
      } & Omit<HnswSettings, keyof GraphSize>)
  );

/** Settings that thin a graph once it is built. */
type GraphSize = Pick<VamanaSettings, "bytes" | "thinning">;

/** To what a graph is thinned, by either `degree` or `bytes`. */
export interface ThinOptions extends GraphRun {
  /** Neighbors of a node at most, hubs apart. */
  degree?: number;
  /** Bytes a node that the saved lists may take; gives the degree, by plain re-pruning. */
  bytes?: number;
  /**
   * `prune` (default, the best measured at equal bytes): every list is pruned again. `hubs`: LEANN's Algorithm 3, the nodes
   * with most edges keep theirs. `random`: edges are dropped by chance, to compare with.
   */
  method?: "prune" | "hubs" | "random";
  /** Share of nodes that are hubs. Default 0.02. */
  hubShare?: number;
  seed?: number;
}

/** A graph as bytes. Blocks hold 4,096 nodes at most; checksums are the caller's. */
export interface SavedGraph {
  header: Uint8Array;
  blocks: Uint8Array[];
}

/**
 * A graph over nodes 0 to count - 1. It knows numbers alone, so it serves every index of the same nodes: built on full
 * vectors it can be walked on codes. Immutable: what changes a graph resolves to another one, and searches go on with theirs.
 *
 * Work on a graph takes distances from the rows of the given index (the snapshot of that moment): kept vectors as they are,
 * codes decoded, which takes 2 * dims + 4 bytes a node while it runs. A rejected promise has changed nothing.
 */
export interface NativeGraph {
  readonly kind: "vamana" | "hnsw";
  readonly count: number;
  /** Layers above the lowest; vamana has none. */
  readonly layers: number;
  /** Edges of the lowest layer. */
  readonly edges: number;
  /** The longest list of the lowest layer may have so many neighbors. */
  readonly maxDegree: number;
  readonly memoryBytes: number;
  /** The neighbors of a node in the lowest layer. */
  neighbors(node: number): Uint32Array;
  /** Lists packed to about log2(count / degree) + 2 bits an edge. Off the main thread, but for the copy of the bytes. */
  save(): Promise<SavedGraph>;
  /** Links the live nodes that the index has more than the graph, the way it was built; `repair` first. */
  extend(index: NativeIndex, options?: GraphRun): Promise<NativeGraph>;
  /** Takes out nodes that are dead in the index; they keep their numbers. At least one node of the graph must live. */
  repair(index: NativeIndex, options?: GraphRun): Promise<NativeGraph>;
  /** Other numbers, after `repair`: node i becomes numbers[i], which count up without a gap; 0xffffffff for nodes gone. */
  renumber(numbers: Uint32Array): Promise<NativeGraph>;
  /** Drops edges of the lowest layer. Vamana then grows by lists of that length; hnsw and hubs are to be thinned again. */
  thin(index: NativeIndex, options: ThinOptions): Promise<NativeGraph>;
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
  /**
   * The nearest by a guided walk, by estimate alone, on the calling thread: for kept vectors, whose estimates are exact but
   * for their form's rounding, and which it finds in a tenth of a millisecond. The first call on new rows measures their
   * norms; of many rows at once, let a `search` do that.
   */
  nearest(query: Float32Array, options: NearestOptions): Pick<NativeResult, "nodes" | "scores">;
  /** The vectors of nodes as far as their rows tell, row-major; those of dead nodes too. At most 65,536 at once. Throws for a node that never was. */
  vectors(nodes: Uint32Array): Float32Array;
  /** Live bits as a bitmap of ceil(count / 8) bytes. */
  liveBits(): Uint8Array;
}

/** One search: asks for exact vectors until the answer is expected to hold its recall. */
export interface NativeSearch {
  readonly done: boolean;
  /** Codes that were estimated, by scan or guided walk. */
  readonly scanned: number;
  /** Nodes whose vectors it needs next, in order of estimate; empty when done. */
  wants(): Uint32Array;
  /** Vectors (row-major, as embedded) of some wanted nodes; those in `missing` are gone. With the last one a round ends. */
  feed(nodes: Uint32Array, vectors: Float32Array, missing: Uint32Array): void;
  /** Asks for a higher `recall` than before, above 0 to 1: a search that was done may go on. */
  raise(recall: number): void;
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
  /** How likely each is one of the true k nearest. NaN by `exact` and `two-level`, where nothing tells it. */
  chances: Float64Array;
  recomputed: number;
  dismissed: number;
  /** Whether the cap ended the search while candidates were left. */
  capped: boolean;
  /** Mean of the chances; not yet calibrated, and blind for what a guided walk never met. NaN where nothing tells it. */
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
export type NativeCodes = { bytes: number } | Exclude<Codes, { bytes: number } | "none">;

/** How far a build is: nodes linked and to be linked (0 before it begins); a node counts once for each layer and pass. */
export interface Progress {
  readonly done: number;
  readonly total: number;
}

/**
 * How the rows of an index lie in memory. `scan` (default): as a scan reads fastest. `walk`: row after row, for walks over a
 * graph, which get several times as fast, and scans of pq codes a few times slower; float32 rows lie in two halves, so that
 * a walk moves half the bytes. Changes no answer but for rounding.
 */
export interface IndexOptions {
  order?: "scan" | "walk";
}

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
 * arrays may be changed right after a call. Only `StopFlag` and `Progress` are made with `new`.
 */
export interface NativeAddon {
  StopFlag: new () => StopFlag;
  Progress: new () => Progress;
  trainCodebook(vectors: Float32Array, options: TrainOptions): Promise<NativeCoder>;
  loadCodebook(bytes: Uint8Array): NativeCoder;
  /** A form that needs no training. Such a coder also searches: its estimates are nearly or wholly exact. */
  createVectorCoder(form: VectorForm, dims: number, metric: Metric): NativeCoder;
  /** A coder that keeps nothing: an index of it knows which nodes live, and is searched by `exact` walks alone. */
  createEmptyCoder(dims: number, metric: Metric): NativeCoder;
  createIndex(coder: NativeCoder, options?: IndexOptions): NativeIndex;
  /**
   * Builds a graph of the live nodes of an index (dead ones keep their numbers and have no edges), on the vectors that its
   * rows tell: the codes of a store, its kept vectors, or vectors put into an index for the build alone. Off the main thread,
   * by threads of its own; the same graph for any number of them. Stops within 5 ms. An index without live nodes rejects.
   */
  buildGraph(index: NativeIndex, options: GraphOptions): Promise<NativeGraph>;
  /**
   * Reads a saved graph and checks all of it. `lists`: `flat` (default) walks fastest, `packed` takes less than half the
   * memory. Rejects with `CORRUPT` for what `save` cannot have made, `FORMAT_VERSION` for a newer form.
   */
  loadGraph(saved: SavedGraph, options?: { lists?: "flat" | "packed" }): Promise<NativeGraph>;
  /** Exact scores in double precision, the way `feed` computes them. */
  score(metric: Metric, a: Float32Array, b: Float32Array): number;
  instructionSets(): IsaInfo[];
  activeInstructionSet(): string;
  /** Whether the processor multiplies and sums bytes exactly: x86-64 with AVX-512 VNNI or AVX-VNNI. */
  hasByteProducts(): boolean;
  /** Forces one instruction set, or the best with `undefined`. For tests and benchmarks. */
  forceInstructionSet(name: string | undefined): void;
  /**
   * Times the scan of an index, alternating with a plain read of the same bytes.
   *
   * @param options `rounds` up to 10,000; `threads` at most, 1 unless said, 0: one a core; an index below 100,000 codes is
   *   scanned by one.
   */
  timeScan(
    index: NativeIndex,
    query: Float32Array,
    options: { pool: number; rounds: number; threads?: number },
  ): Promise<ScanTiming>;
}
