import { boolean, checkKeys, numberWithin, oneOf, wholeNumberWithin } from "../base/checks.js";
import { show, wrongType } from "../base/errors.js";

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

/**
 * `value` as the choice of an index, its keys in one order.
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

/** `value` as the way to walk. Throws `INVALID_ARGUMENT`. */
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
