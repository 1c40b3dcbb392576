/** The options that say what a store is made of and walked by: codes, kept vectors, index. */

import { boolean, checkKeys, numberWithin, oneOf, wholeNumberWithin } from "../base/checks.js";
import { outOfRange, show, wrongType } from "../base/errors.js";
import type { Codes, IndexChoice, SearchOptions, VectorKeeping } from "./types.js";

const CODE_BYTES: readonly number[] = [24, 32, 48, 64, 96, 128, 192];

const CODE_NAMES = ["lvq4", "lvq8", "lvq4x8", "none"] as const;

/** Most dims of a vector. */
export const MAX_DIMS = 8_192;

/** Codes of a new store for which none are asked. */
export const DEFAULT_CODES: Codes = { bytes: 48 };

/** All that the option `vectors` may be. */
export const VECTOR_KEEPINGS: readonly VectorKeeping[] = ["recompute", "float32", "float16", "lvq8"];

/**
 * `value` as codes, with its keys in one order so that equal codes are equal as JSON.
 *
 * @throws `INVALID_ARGUMENT` naming the part that is wrong
 */
export function checkCodes(value: unknown): Codes {
  if (typeof value === "string") return oneOf("codes", value, CODE_NAMES);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw wrongType("codes", `{ bytes }, ${CODE_NAMES.map(show).join(", ")} or { leanvec }`, value);
  }
  checkKeys("codes", value, { bytes: 1, leanvec: 1 });
  const { bytes, leanvec } = value as { bytes?: unknown; leanvec?: unknown };
  if ((bytes === undefined) === (leanvec === undefined)) {
    throw wrongType("codes", "an object with either bytes or leanvec", value);
  }
  return leanvec === undefined ? { bytes: checkCodeBytes(bytes) } : { leanvec: checkLeanvec(leanvec) };
}

function checkCodeBytes(value: unknown): Extract<Codes, { bytes: unknown }>["bytes"] {
  const expected = `one of ${CODE_BYTES.join(", ")}`;
  if (typeof value !== "number") throw wrongType("codes.bytes", expected, value);
  if (!CODE_BYTES.includes(value)) throw outOfRange("codes.bytes", expected, value);
  return value as Extract<Codes, { bytes: unknown }>["bytes"];
}

function checkLeanvec(value: unknown): Extract<Codes, { leanvec: unknown }>["leanvec"] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw wrongType("codes.leanvec", "an object { dims, primary, training }", value);
  }
  checkKeys("codes.leanvec", value, { dims: 1, primary: 1, training: 1 });
  const { dims, primary, training } = value as Record<string, unknown>;
  return {
    dims: wholeNumberWithin("codes.leanvec.dims", dims, 1, MAX_DIMS),
    primary: oneOf("codes.leanvec.primary", primary, ["lvq4", "lvq8"] as const),
    training: oneOf("codes.leanvec.training", training, ["pca", "ood"] as const),
  };
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
export function checkWalk(value: unknown): SearchOptions["walk"] {
  if (value === "scan") return value;
  return checkSettings("walk", value, {
    mode: (name, mode) => oneOf(name, mode as string, ["guided", "exact", "two-level"] as const),
    window: (name, window) => wholeNumberWithin(name, window, 1, 65_536),
    ratio: (name, ratio) => numberWithin(name, ratio, 0.001, 1),
    strategy: (name, strategy) => oneOf(name, strategy as string, ["global", "local", "proportional"] as const),
  }) as SearchOptions["walk"];
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
