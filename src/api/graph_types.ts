/** What users say and hear of graphs. */

/**
 * How codes (or kept vectors) are searched, once `compact` has built it.
 *
 * - `"flat"`: all of them are scanned, 4 to 8 ms a million and core. Nothing to build, nothing missed.
 * - `"vamana"`, `"hnsw"`: a walk over a graph meets some thousand of them, whatever their number: for stores of millions,
 *   and for kept vectors in memory. It takes 25 to 60 bytes a passage besides, minutes a million to build, and misses half a
 *   percent of what a scan finds.
 * - `"auto"`: as flat until a walk is clearly faster: from 50,000 passages with vectors in memory, from 2 million without.
 */
export type IndexChoice = "flat" | "auto" | "vamana" | "hnsw" | { vamana: VamanaSettings } | { hnsw: HnswSettings };

/** How a Vamana graph is built (DiskANN, NeurIPS 2019). */
export interface VamanaSettings {
  /** Slack of the prune: more edges the further from 1. Default 1.2; with metric ip, where it lies below 1, 0.95. */
  alpha?: number;
  /** Neighbors of a node at most, to 255. Default 32. */
  maxDegree?: number;
  /** Window of the walks that look for neighbors. More: a better graph, a longer build. Default 128. */
  buildWindow?: number;
  /** Nearest candidates that a choice of neighbors considers. Default twice the window. */
  maxCandidates?: number;
  /** To how many neighbors an overflowing list is cut; fewer save time. Default `maxDegree`. */
  pruneTo?: number;
  /** Whether all nodes that a walk expanded are candidates, not only its window. Default `true`. */
  fullSearchHistory?: boolean;
  /** Bytes a passage that the graph may take; lists are pruned again to fit. Default: what the degree takes; without codes 24. */
  bytes?: number;
  /** How lists are pruned to `bytes`: all alike (`"prune"`, the better one), or keeping hubs as LEANN does. Default `"prune"`. */
  thinning?: "prune" | "hubs";
}

/** How an HNSW graph is built (arXiv 1603.09320). */
export interface HnswSettings {
  /** Neighbors that a node chooses, 2 to 127; twice as many in the lowest layer. Default 16. */
  M?: number;
  /** Window of the walks that look for neighbors. Default 200. */
  efConstruction?: number;
  /** As in `VamanaSettings`. */
  bytes?: number;
  thinning?: "prune" | "hubs";
}

/** Options of `compact`. */
export interface CompactOptions {
  signal?: AbortSignal;
  onProgress?: (progress: CompactProgress) => void;
}

/** How far `compact` has come. */
export interface CompactProgress {
  /**
   * Passages that wait for a codebook train it; without codes and kept vectors the passages linked before are embedded
   * again; all are linked; codes of deleted passages are dropped, which gives the others new numbers; and the table of
   * words is merged.
   */
  phase: "train" | "embed" | "link" | "renumber" | "merge";
  /**
   * Passages embedded or renumbered, nodes linked (those of upper layers once for each) or pages of words written so far.
   * Stays 0 while a codebook is trained.
   */
  done: number;
  /** How many it will be in this phase; 0 before that is known. */
  total: number;
}

/** What `compact` did. */
export interface CompactResult {
  /** Nodes that the graph links; 0 without a graph. */
  linked: number;
  /** Bytes of the graph on disk. */
  graphBytes: number;
  /** Passages that waited for a codebook, and trained it: they have codes now. 0 while fewer than `stats().trainsAt` wait. */
  trained: number;
  /** Deleted passages whose codes were dropped; 0 while they are less than a tenth of all, and with codes `"none"`. */
  dropped: number;
  /** Bytes of the table of words; 0 without one. */
  keywordBytes: number;
  /** Bytes that it took before its pieces were merged. */
  keywordBytesBefore: number;
  /** Bytes that the file is smaller by: what deleted and replaced passages had taken. */
  freedBytes: number;
}

/** How a search walks over the graph. */
export interface WalkOptions {
  /**
   * - `"guided"` (default, but without codes): the walk runs on codes or on vectors in memory, and what it finds is ranked as a scan's finds are.
   * - `"exact"`: every passage that the walk meets is embedded, as LEANN does; the only mode without codes.
   * - `"two-level"`: of the passages met only the share `ratio`, chosen by their codes, is embedded (LEANN's Algorithm 2).
   */
  mode?: "guided" | "exact" | "two-level";
  /** Nearest passages whose neighbors are all looked at (ef). Larger: more recall, more time. Default by `k` and `recall`. */
  window?: number;
  /** Of `"two-level"`: share that is embedded, above 0 to 1. Default 0.2. */
  ratio?: number;
  /** Of `"two-level"`: the best of all that were met, of each passage's neighbors, or of all that wait. Default `"global"`. */
  strategy?: "global" | "local" | "proportional";
}
