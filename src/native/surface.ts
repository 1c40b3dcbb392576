/** What the C++ engine offers: the types of its Node-API surface. */

import type { Codes, Metric } from "../api/codes.js";
import type { HnswSettings, VamanaSettings } from "../api/graph.js";

/**
 * Encoded rows of `rowBytes` each, and the factors that no byte could hold: 8-byte entries { u16 row, u8 factor, u8 0,
 * f32 value }.
 */
export interface EncodedRows {
  rows: Uint8Array;
  exceptions: Uint8Array;
}

/** Forms of vectors that need no training: float32, float16, or one byte per number with limits for each vector. */
export type VectorForm = "float32" | "float16" | "lvq8" | "int8";

/** Encodes vectors as stored rows and decodes them: a trained code, or a plain form of the vector. Immutable. */
export interface NativeCoder {
  /** Trained: `pq`, `lvq`, `leanvec`. Plain: a `VectorForm`; `lvq8` is its plain form. `none`: rows without bytes. */
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

/** Rows to append. Their nodes continue from the index's count without a gap. */
export interface Publication {
  rows?: EncodedRows;
  /** Number of nodes to append. Only for a coder of kind `none`, whose rows have no bytes to count. At most 65,536. */
  nodes?: number;
  dead?: Uint32Array;
  /**
   * Frees the memory of `rows.rows`, which is empty afterwards, so that loading a large index need not wait for the
   * garbage collector.
   */
  release?: boolean;
}

export interface NativeSearchOptions {
  k: number;
  /**
   * The `expectedRecall` at which the search ends, above 0 and at most 1. A higher one needs more recomputes. Default
   * 0.95.
   */
  recall?: number;
  /**
   * A candidate with at least this probability to be among the k nearest is recomputed whatever `expectedRecall` is,
   * above 0 and at most 1. Default 1: only `recall` decides.
   */
  leastChance?: number;
  /** Fewest recomputes that `exact` and `two-level` ask for together. Default 8. */
  batch?: number;
  /** Most recomputes. Below `k` the other hits get estimated scores; 0: all scores are estimates. */
  cap: number;
  pool: number;
  /** With `approx`, candidates that certainly belong to the answer keep their estimates. Default `exact`. */
  scores?: "exact" | "approx";
  /** Multiplies every sigma. Default 1. */
  sigmaScale?: number;
  /** Bit i % 8 of byte i / 8, lowest first, says whether node i may be in the answer. Default: all. */
  filter?: Uint8Array;
  threads?: number;
  stop?: StopFlag;
  /**
   * How nodes are found. Default `scan`.
   * - `scan`: every code is estimated. It needs no graph, and with few allowed nodes it is by far the fastest.
   * - `guided`: a walk over the graph on estimates (or on kept vectors) gives up to `pool` candidates, which are
   *   reranked like those of a scan. All options of a scan have the same meaning.
   * - `exact`: as LEANN ships it. Every node that the walk meets is recomputed; without `graph` every allowed node is.
   *   It needs no codes. `recall`, `pool`, `scores` and `sigmaScale` are not used.
   * - `two-level`: LEANN's Algorithm 2. As `exact`, but only the share `ratio` of the nodes met is recomputed, chosen
   *   by estimate.
   *
   * Walks pass through nodes that are dead or filtered out, and continue until `searchWindow` allowed ones are found,
   * so rare ones take longer. A walk reads about 20 * searchWindow / (share of nodes allowed) codes, a scan only the
   * allowed ones. Walk if more than sqrt(20 * searchWindow * count) nodes are allowed, else scan.
   *
   * Nodes past the graph's end are scanned too and ranked with the others (`exact`, `two-level`: the best
   * `searchWindow` of them by estimate are recomputed first; without codes all of them).
   */
  mode?: "scan" | "guided" | "exact" | "two-level";
  /** The graph to walk, needed by `guided` and `two-level`. It has at most as many nodes as the index. */
  graph?: NativeGraph;
  /**
   * Number of nearest nodes whose neighbors are all visited (ef). A larger one gives more recall and takes more time or
   * recomputes. Default 100.
   */
  searchWindow?: number;
  /** For `two-level`: the share of the estimated nodes that is recomputed, above 0 and at most 1. Default 0.2. */
  ratio?: number;
  /**
   * For `two-level`: which nodes `ratio` takes. `global` (default): the best of all met; `local`: the best of the new
   * neighbors of each node; `proportional`: as many as `local`, but the best of all that wait.
   */
  strategy?: "global" | "local" | "proportional";
}

/** As in `NativeSearchOptions`. */
export interface NearestOptions {
  k: number;
  graph: NativeGraph;
  /** At least k. Default 100. */
  searchWindow?: number;
  filter?: Uint8Array;
}

/** How work on a graph runs. None of these options changes the result. */
export interface GraphRun {
  /** Number of threads that the work starts. Default: one per core. */
  threads?: number;
  progress?: Progress;
  stop?: StopFlag;
}

/**
 * How a graph is built (names as in SVS and in the paper of HNSW). The settings stay with the graph and are used when
 * it grows.
 */
export type GraphOptions = GraphRun & { seed?: number } & (
    | ({
        /** One layer (DiskANN, NeurIPS 2019). */
        kind: "vamana";
        /** Rounds over all nodes, up to 16. Default 1. */
        passes?: number;
      } & Omit<VamanaSettings, keyof GraphSize>)
    | ({
        /** Smaller and smaller layers above the lowest (arXiv 1603.09320). */
        kind: "hnsw";
      } & Omit<HnswSettings, keyof GraphSize>)
  );

/** Settings that thin a graph once it is built. */
type GraphSize = Pick<VamanaSettings, "bytes" | "thinning">;

/** How far a graph is thinned: either to `degree` or to `bytes`. */
export interface ThinOptions extends GraphRun {
  /** Most neighbors of a node, hubs excepted. */
  degree?: number;
  /** Most bytes per node of the saved lists. The degree follows from it, by plain re-pruning. */
  bytes?: number;
  /**
   * `prune` (default, the best measured at equal bytes): every list is pruned again. `hubs`: LEANN's Algorithm 3, where
   * the nodes with most edges keep theirs. `random`: edges are dropped at random, for comparison.
   */
  method?: "prune" | "hubs" | "random";
  /** Share of nodes that are hubs. Default 0.02. */
  hubShare?: number;
  seed?: number;
}

/** A graph as bytes. Blocks hold at most 4,096 nodes. The caller adds checksums. */
export interface SavedGraph {
  header: Uint8Array;
  blocks: Uint8Array[];
}

/**
 * A graph over nodes 0 to count - 1. It holds only numbers, so it serves every index of the same nodes: a graph built
 * on full vectors can be walked on codes. Immutable: changing a graph gives a new one, and running searches keep the
 * old one.
 *
 * Work on a graph takes distances from the rows of the given index as they are at that moment: kept vectors as they
 * are, codes decoded, which takes 2 * dims + 4 bytes per node while it runs. A rejected promise has changed nothing.
 */
export interface NativeGraph {
  readonly kind: "vamana" | "hnsw";
  readonly count: number;
  /** Layers above the lowest; vamana has none. */
  readonly layers: number;
  /** Edges of the lowest layer. */
  readonly edges: number;
  /** Most neighbors that a list of the lowest layer may hold. */
  readonly maxDegree: number;
  readonly memoryBytes: number;
  /** The neighbors of a node in the lowest layer. */
  neighbors(node: number): Uint32Array;
  /**
   * Lists packed to about log2(count / degree) + 2 bits per edge. Runs off the main thread, except for the copy of the
   * bytes.
   */
  save(): Promise<SavedGraph>;
  /**
   * Links the live nodes that the index has and the graph lacks, in the way the graph was built. Call `repair` first.
   */
  extend(index: NativeIndex, options?: GraphRun): Promise<NativeGraph>;
  /** Removes nodes that are dead in the index. They keep their numbers. At least one node of the graph must live. */
  repair(index: NativeIndex, options?: GraphRun): Promise<NativeGraph>;
  /**
   * Renumbers nodes after `repair`: node i becomes numbers[i]. These rise without a gap; 0xffffffff stands for removed
   * nodes.
   */
  renumber(numbers: Uint32Array): Promise<NativeGraph>;
  /**
   * Drops edges of the lowest layer. Vamana then grows with lists of that length; hnsw and hubs must be thinned again.
   */
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
  /** Appends rows and marks nodes dead in one step. No search sees one without the other. */
  publish(change: Publication): void;
  search(query: Float32Array, options: NativeSearchOptions): Promise<NativeSearch>;
  /**
   * The nearest nodes by a guided walk, only by estimates, on the calling thread. It is for kept vectors, whose
   * estimates are exact except for the rounding of their form, and takes a tenth of a millisecond. The first call on
   * new rows measures their norms; for many rows at once use a `search`.
   */
  nearest(query: Float32Array, options: NearestOptions): Pick<NativeResult, "nodes" | "scores">;
  /**
   * The vectors of nodes decoded from their rows, row-major, also of dead nodes. At most 65,536 at once. Throws for a
   * node that never existed.
   */
  vectors(nodes: Uint32Array): Float32Array;
  /** Live bits as a bitmap of ceil(count / 8) bytes. */
  liveBits(): Uint8Array;
}

/** One search: asks for exact vectors until the answer is expected to hold its recall. */
export interface NativeSearch {
  readonly done: boolean;
  /** Codes whose scores were estimated, by a scan or a guided walk. */
  readonly scanned: number;
  /** Nodes whose vectors it needs next, in order of estimate. Empty when it is done. */
  wants(): Uint32Array;
  /**
   * Passes vectors (row-major, as embedded) of some wanted nodes. Those in `missing` are gone. The last one ends a
   * round.
   */
  feed(nodes: Uint32Array, vectors: Float32Array, missing: Uint32Array): void;
  /** Raises `recall`, above 0 and at most 1. A search that was done may then continue. */
  raise(recall: number): void;
  /** The best k so far: by exact scores if there are enough, the others by estimates. */
  result(): NativeResult;
}

export interface NativeResult {
  nodes: Uint32Array;
  /** The exact score if `exact[i]` is 1, else the estimate. Cosine, inner product or negative squared distance. */
  scores: Float64Array;
  exact: Uint8Array;
  estimates: Float32Array;
  sigmas: Float32Array;
  /**
   * The probability of each hit to be one of the true k nearest. NaN for `exact` and `two-level`, where it is unknown.
   */
  chances: Float64Array;
  recomputed: number;
  dismissed: number;
  /** Whether the cap ended the search while candidates were left. */
  capped: boolean;
  /**
   * Mean of the chances, before calibration. It does not include what a guided walk never met. NaN if it is unknown.
   */
  expectedRecall: number;
  /** The number of candidates in the first round, and their sum of ((exact - estimate) / sigma)^2. */
  firstRound: { count: number; sumSquares: number };
}

export interface TrainOptions {
  dims: number;
  metric: Metric;
  /** The code to train. Default `{ bytes: 48 }`. Here bytes do not include factors, and 1 to 255 are allowed. */
  code?: NativeCodes;
  /** Row-major sample of queries. Only `leanvec` with `ood` training takes and needs them. */
  queries?: Float32Array;
  seed?: number;
  threads?: number;
  stop?: StopFlag;
}

/** As `Codes`, with any number of bytes. */
export type NativeCodes = { bytes: number } | Exclude<Codes, { bytes: number } | "none">;

/** Progress of a build: nodes linked, and nodes to link (0 before it begins). A node counts once per layer and pass. */
export interface Progress {
  readonly done: number;
  readonly total: number;
}

/**
 * How the rows of an index lie in memory. `scan` (default): in the fastest order for scans. `walk`: row by row, for
 * walks over a graph, which become several times as fast, while scans of pq codes become a few times slower. Then
 * float32 rows lie in two halves, so that a walk moves half the bytes. Answers do not change except for rounding.
 */
export interface IndexOptions {
  order?: "scan" | "walk";
}

/** Tells running native work to stop. It then rejects with `ABORTED`. */
export interface StopFlag {
  stop(): void;
}

export interface IsaInfo {
  name: string;
  supported: boolean;
}

export interface ScanTiming {
  /** Nanoseconds per vector in the best round: sums, factors and top candidates together. */
  scanNs: number;
  /** Nanoseconds per vector in the best round for reading the same bytes with as many threads. */
  readNs: number;
  /** Nanoseconds in the best round for preparing the query, with one thread. */
  prepareNs: number;
}

/**
 * Everything that the addon offers.
 *
 * Failures carry a `code`: argument mistakes are `TypeError` or `RangeError` with `INVALID_ARGUMENT`, the others are
 * `EmbedlessError`. Functions that return a promise reject and never throw. Arguments are copied before they return, so
 * arrays may be changed right after a call. Only `StopFlag` and `Progress` are created with `new`.
 */
export interface NativeAddon {
  StopFlag: new () => StopFlag;
  Progress: new () => Progress;
  trainCodebook(vectors: Float32Array, options: TrainOptions): Promise<NativeCoder>;
  loadCodebook(bytes: Uint8Array): NativeCoder;
  /**
   * Creates the coder of a form that needs no training. It can also be searched; its estimates are exact or nearly
   * exact.
   */
  createVectorCoder(form: VectorForm, dims: number, metric: Metric): NativeCoder;
  /**
   * Creates a coder that keeps nothing. Its index knows only which nodes live, and only `exact` walks can search it.
   */
  createEmptyCoder(dims: number, metric: Metric): NativeCoder;
  createIndex(coder: NativeCoder, options?: IndexOptions): NativeIndex;
  /**
   * Builds a graph of the live nodes of an index (dead ones keep their numbers and have no edges), on the vectors of
   * its rows: the codes of a store, its kept vectors, or vectors added to an index only for the build. It runs off the
   * main thread with its own threads. Their number does not change the graph. It stops within 5 ms. An index without
   * live nodes rejects.
   */
  buildGraph(index: NativeIndex, options: GraphOptions): Promise<NativeGraph>;
  /**
   * Reads a saved graph and checks all of it. `lists`: `flat` (default) walks fastest, `packed` takes less than half
   * the memory. Rejects with `CORRUPT` for bytes that `save` cannot have made, and `FORMAT_VERSION` for a newer form.
   */
  loadGraph(saved: SavedGraph, options?: { lists?: "flat" | "packed" }): Promise<NativeGraph>;
  /** Exact scores in double precision, as `feed` computes them. */
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
   * @param options `rounds`: at most 10,000. `threads`: most threads, default 1; 0 means one per core. An index below
   *   100,000 codes is scanned by one thread.
   */
  timeScan(
    index: NativeIndex,
    query: Float32Array,
    options: { pool: number; rounds: number; threads?: number },
  ): Promise<ScanTiming>;
}
