import { boolean, checkKeys, numberWithin, oneOf, wholeNumberWithin } from "../base/checks.js";
import { show, wrongType } from "../base/errors.js";

/** The options of graphs. */

/**
 * How codes (or kept vectors) are searched once `compact` has built the index.
 *
 * - `"flat"`: a search scans all of them, 4 to 8 ms per million on one core. There is nothing to build, and no recall
 *   is lost.
 * - `"vamana"`, `"hnsw"`: a search walks a graph and visits some thousand of them, however many there are. This suits
 *   stores of millions of passages, and vectors kept in memory. The graph takes 25 to 60 bytes more per passage and
 *   minutes per million to build, and misses half a percent of what a scan finds.
 * - `"auto"`: as `"flat"` until a walk is clearly faster: from 50,000 passages with vectors in memory, from 2 million
 *   without.
 */
export type IndexChoice = "flat" | "auto" | "vamana" | "hnsw" | { vamana: VamanaSettings } | { hnsw: HnswSettings };

/** How a Vamana graph is built (DiskANN, NeurIPS 2019). */
export interface VamanaSettings {
  /**
   * Slack of the pruning rule: the further from 1, the more edges are kept. Default 1.2. With the metric `"ip"` useful
   * values lie below 1, and the default is 0.95.
   */
  alpha?: number;
  /** Most neighbors of a node, up to 255. More take more bytes and give more recall. Default 32. */
  maxDegree?: number;
  /**
   * Window of the walks that look for neighbors. A larger one makes a better graph and takes longer to build. Default
   * 128.
   */
  buildWindow?: number;
  /** How many of the nearest candidates are considered as neighbors. Default: twice the window. */
  maxCandidates?: number;
  /** Number of neighbors that a list is cut to when it overflows. Fewer save build time. Default: `maxDegree`. */
  pruneTo?: number;
  /** Whether all nodes that a walk expanded are candidates, and not only those in its window. Default `true`. */
  fullSearchHistory?: boolean;
  /**
   * Most bytes of the graph per passage. Lists are pruned again until they fit. Default: what the degree takes, or 24
   * with codes `"none"`.
   */
  bytes?: number;
  /**
   * How lists are pruned to `bytes`: `"prune"` prunes all alike and is better, `"hubs"` spares hubs as LEANN does.
   * Default `"prune"`.
   */
  thinning?: "prune" | "hubs";
}

/** How an HNSW graph is built (arXiv 1603.09320). */
export interface HnswSettings {
  /** Neighbors that a node chooses, 2 to 127. The lowest layer has twice as many. Default 16. */
  M?: number;
  /**
   * Window of the walks that look for neighbors. A larger one makes a better graph and takes longer to build. Default
   * 200.
   */
  efConstruction?: number;
  /** As in `VamanaSettings`. */
  bytes?: number;
  thinning?: "prune" | "hubs";
}

/** How a search walks the graph. */
export interface WalkOptions {
  /**
   * - `"guided"` (default unless codes are `"none"`): the walk uses codes, or vectors in memory, and its finds are
   *   ranked like those of a scan.
   * - `"exact"`: every passage that the walk meets is embedded, as LEANN does. This is the only mode with codes
   *   `"none"`.
   * - `"two-level"`: only the share `ratio` of the passages met is embedded, chosen by their codes (LEANN's Algorithm
   *   2).
   */
  mode?: "guided" | "exact" | "two-level";
  /**
   * Number of nearest passages whose neighbors are all visited (ef). A larger window gives more recall and takes more
   * time. Default: chosen from `k` and `recall`.
   */
  window?: number;
  /** For `"two-level"`: the share that is embedded, above 0 and at most 1. Default 0.2. */
  ratio?: number;
  /**
   * For `"two-level"`: which passages are embedded: the best of all met (`"global"`), the best among each passage's
   * neighbors (`"local"`), or as many as `"local"` would, but the best of all that wait (`"proportional"`). Default
   * `"global"`.
   */
  strategy?: "global" | "local" | "proportional";
}

/**
 * Checks `value` as the choice of an index. The keys of the answer have one order.
 *
 * @throws `INVALID_ARGUMENT` naming the part that is wrong
 */
export function checkIndex(value: unknown): IndexChoice {
  const names = ["flat", "auto", "vamana", "hnsw"] as const;
  if (typeof value === "string") return oneOf("index", value, names);
  const expected = `${names.map(show).join(", ")}, { vamana } or { hnsw }`;
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw wrongType("index", expected, value);
  checkKeys("index", value, { vamana: 1, hnsw: 1 });
  const { vamana, hnsw } = value as { vamana?: unknown; hnsw?: unknown };
  if ((vamana === undefined) === (hnsw === undefined)) throw wrongType("index", expected, value);
  if (vamana !== undefined) return { vamana: checkSettings("index.vamana", vamana, VAMANA_SETTINGS) };
  return { hnsw: checkSettings("index.hnsw", hnsw, HNSW_SETTINGS) };
}

/** Checks `value` as the option `walk`. Throws `INVALID_ARGUMENT`. */
export function checkWalk(value: unknown): "scan" | WalkOptions {
  if (value === "scan") return value;
  return checkSettings("walk", value, {
    mode: (name, mode) => oneOf(name, mode as string, ["guided", "exact", "two-level"] as const),
    window: (name, window) => wholeNumberWithin(name, window, 1, 65_536),
    ratio: (name, ratio) => numberWithin(name, ratio, 0.001, 1),
    strategy: (name, strategy) => oneOf(name, strategy as string, ["global", "local", "proportional"] as const),
  }) as "scan" | WalkOptions;
}

type SettingCheck = (name: string, value: unknown) => unknown;

const GRAPH_SETTINGS: Record<string, SettingCheck> = {
  bytes: (name, value) => numberWithin(name, value, 1, 1024),
  thinning: (name, value) => oneOf(name, value as string, ["prune", "hubs"] as const),
};

const VAMANA_SETTINGS: Record<string, SettingCheck> = {
  alpha: (name, value) => numberWithin(name, value, 1 / 16, 16),
  maxDegree: (name, value) => wholeNumberWithin(name, value, 1, 255),
  buildWindow: (name, value) => wholeNumberWithin(name, value, 1, 65_536),
  maxCandidates: (name, value) => wholeNumberWithin(name, value, 1, 65_536),
  pruneTo: (name, value) => wholeNumberWithin(name, value, 1, 255),
  fullSearchHistory: (name, value) => boolean(name, value, true),
  ...GRAPH_SETTINGS,
};

const HNSW_SETTINGS: Record<string, SettingCheck> = {
  M: (name, value) => wholeNumberWithin(name, value, 2, 127),
  efConstruction: (name, value) => wholeNumberWithin(name, value, 1, 65_536),
  ...GRAPH_SETTINGS,
};

function checkSettings(name: string, value: unknown, checks: Record<string, SettingCheck>): object {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw wrongType(name, "an object", value);
  checkKeys(name, value, Object.fromEntries(Object.keys(checks).map((key) => [key, 1 as const])));
  const given = value as Record<string, unknown>;
  const known = Object.keys(checks).filter((key) => given[key] !== undefined);
  return Object.fromEntries(known.map((key) => [key, checks[key]!(`${name}.${key}`, given[key])]));
}
