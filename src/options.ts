import { outOfRange, show, unknownOption, wrongType } from "./errors.js";
import type {
  AddOptions,
  Codes,
  CompactOptions,
  IndexChoice,
  Metric,
  OpenOptions,
  PlanOptions,
  SearchOptions,
  StatsOptions,
  VectorKeeping,
} from "./types.js";

/** Most hits one search may ask for: beyond it, list the passages instead. */
export const MAX_K = 10_000;

/** Most passages one search may recompute. */
const MAX_RECOMPUTES = 8 * MAX_K;

const METRICS: readonly Metric[] = ["cosine", "ip", "l2"];
const CODE_BYTES: readonly number[] = [24, 32, 48, 64, 96, 128, 192];
const CODE_NAMES = ["lvq4", "lvq8", "lvq4x8", "none"] as const;
/** Most dims of a vector. */
const MAX_DIMS = 8_192;
/** Fewest sample queries: fewer say nothing of the questions to come. */
const MIN_SAMPLE_QUERIES = 16;

/** Codes of a new store for which none are asked. */
export const DEFAULT_CODES: Codes = { bytes: 48 };

/** All that the option `vectors` may be. */
export const VECTOR_KEEPINGS: readonly VectorKeeping[] = ["recompute", "float32", "float16", "lvq8"];

/** Options of `VectorStore.open` with their defaults filled in. */
export function resolveOpenOptions(options: OpenOptions = {}) {
  checkKeys("open", options, {
    embedder: 1,
    create: 1,
    readOnly: 1,
    metric: 1,
    codes: 1,
    vectors: 1,
    index: 1,
    vectorsIn: 1,
    sampleQueries: 1,
    durability: 1,
    lockTimeoutMs: 1,
    cacheBytes: 1,
    embedTimeoutMs: 1,
    minCanaryCosine: 1,
    calibration: 1,
    filterable: 1,
  });
  if (options.embedder !== undefined) checkEmbedder(options.embedder);
  return {
    embedder: options.embedder,
    create: boolean("create", options.create, true),
    readOnly: boolean("readOnly", options.readOnly, false),
    metric: options.metric === undefined ? undefined : oneOf("metric", options.metric, METRICS),
    codes: options.codes === undefined ? undefined : checkCodes(options.codes),
    vectors: options.vectors === undefined ? undefined : oneOf("vectors", options.vectors, VECTOR_KEEPINGS),
    index: options.index === undefined ? undefined : checkIndex(options.index),
    vectorsIn: oneOf("vectorsIn", options.vectorsIn ?? "file", ["file", "memory"] as const),
    sampleQueries: options.sampleQueries === undefined ? undefined : checkSampleQueries(options.sampleQueries),
    durability: oneOf("durability", options.durability ?? "full", ["full", "normal"] as const),
    lockTimeoutMs: numberWithin("lockTimeoutMs", options.lockTimeoutMs ?? 5_000, 0, 2 ** 31 - 1),
    cacheBytes: numberWithin("cacheBytes", options.cacheBytes ?? 16 * 2 ** 20, 0, 2 ** 40),
    embedTimeoutMs: numberWithin("embedTimeoutMs", options.embedTimeoutMs ?? 120_000, 1, 2 ** 31 - 1),
    minCanaryCosine: numberWithin("minCanaryCosine", options.minCanaryCosine ?? 0.999, -1, 1),
    calibration: oneOf("calibration", options.calibration ?? "fixed", ["fixed", "live"] as const),
  };
}

/** Options of `search` with their defaults filled in. */
export function resolveSearchOptions(options: SearchOptions = {}) {
  checkKeys("search", options, {
    k: 1,
    recall: 1,
    recompute: 1,
    scores: 1,
    filter: 1,
    walk: 1,
    signal: 1,
    explain: 1,
    includeVectors: 1,
  });
  return {
    ...questionGoal(options),
    ...recomputeLimits(options.recompute),
    scores: oneOf("scores", options.scores ?? "exact", ["exact", "approx"] as const),
    walk: options.walk === undefined ? undefined : checkWalk(options.walk),
    signal: checkSignal(options.signal),
    explain: boolean("explain", options.explain, false),
    includeVectors: boolean("includeVectors", options.includeVectors, false),
  };
}

/** Options of `VectorStore.plan` with their defaults filled in, and the budget as bytes a passage. */
export function resolvePlanOptions(options: PlanOptions) {
  checkKeys("plan", options, {
    passages: 1,
    bytesPerPassage: 1,
    totalBytes: 1,
    recall: 1,
    k: 1,
    embedder: 1,
    signal: 1,
  });
  const { bytesPerPassage, totalBytes, embedder } = options;
  const passages = wholeNumberWithin("passages", options.passages, 1, 2 ** 32);
  if ((bytesPerPassage === undefined) === (totalBytes === undefined)) {
    const error = new TypeError(
      `Expected either bytesPerPassage or totalBytes for plan, but received ${bytesPerPassage === undefined ? "neither" : "both"}.`,
    );
    throw Object.assign(error, { code: "INVALID_ARGUMENT" as const });
  }
  if (embedder !== undefined) checkEmbedder(embedder);
  const budget =
    bytesPerPassage === undefined
      ? numberWithin("totalBytes", totalBytes, 1, Number.MAX_VALUE) / passages
      : numberWithin("bytesPerPassage", bytesPerPassage, 1, Number.MAX_VALUE);
  return { passages, budget, ...questionGoal(options), embedder, signal: checkSignal(options.signal) };
}

/** Options of `stats` with their defaults filled in. */
export function resolveStatsOptions(options: StatsOptions = {}) {
  checkKeys("stats", options, { measure: 1, recall: 1, k: 1, signal: 1 });
  return {
    measure: boolean("measure", options.measure, false),
    ...questionGoal(options),
    signal: checkSignal(options.signal),
  };
}

/** How many hits are wanted, and how many of the true ones. */
function questionGoal({ k, recall }: { k?: number; recall?: number }) {
  return {
    k: wholeNumberWithin("k", k ?? 10, 1, MAX_K),
    recall: numberWithin("recall", recall ?? 0.95, 0.5, 0.999),
  };
}

/** How work that takes long is stopped and watched. */
function checkRun<T>({ signal, onProgress }: { signal?: AbortSignal; onProgress?: (progress: T) => void }) {
  if (onProgress !== undefined && typeof onProgress !== "function") {
    throw wrongType("onProgress", "a function", onProgress);
  }
  return { signal: checkSignal(signal), onProgress };
}

/** Options of `compact`, checked. */
export function resolveCompactOptions(options: CompactOptions = {}) {
  checkKeys("compact", options, { signal: 1, onProgress: 1 });
  return checkRun(options);
}

/** Options of `add`, checked. */
export function resolveAddOptions(options: AddOptions = {}) {
  checkKeys("add", options, { signal: 1, onProgress: 1 });
  return checkRun(options);
}

/** Throws on the first key that `known` does not have, naming the one that was probably meant. */
export function checkKeys(method: string, options: unknown, known: Readonly<Record<string, 1>>): void {
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw wrongType(`the options of ${method}`, "an object", options);
  }
  for (const key of Object.keys(options)) {
    if (Object.hasOwn(known, key)) continue;
    throw unknownOption(method, key, Object.keys(known), nearest(key, Object.keys(known)));
  }
}

/** `value` as a whole number from `low` to `high`. */
export function wholeNumberWithin(name: string, value: unknown, low: number, high: number): number {
  const number = numberWithin(name, value, low, high, "a whole number");
  if (!Number.isInteger(number)) throw outOfRange(name, `a whole number from ${low} to ${high}`, value);
  return number;
}

/** `value` as a number from `low` to `high`. */
export function numberWithin(name: string, value: unknown, low: number, high: number, kind = "a number"): number {
  if (typeof value !== "number") throw wrongType(name, `${kind} from ${low} to ${high}`, value);
  if (!(value >= low && value <= high)) throw outOfRange(name, `${kind} from ${low} to ${high}`, value);
  return value;
}

/** `value` if it is an AbortSignal or absent. */
export function checkSignal(value: unknown): AbortSignal | undefined {
  if (value === undefined) return undefined;
  if (typeof value === "object" && value !== null && "aborted" in value && "addEventListener" in value) {
    return value as AbortSignal;
  }
  throw wrongType("signal", "an AbortSignal", value);
}

/** Most recomputes of a search, and the milliseconds it may take; `undefined` where there is no limit of the caller's. */
function recomputeLimits(value: unknown): { maxRecomputes: number | undefined; deadlineMs: number | undefined } {
  if (value === undefined) return { maxRecomputes: undefined, deadlineMs: undefined };
  if (value === 0) return { maxRecomputes: 0, deadlineMs: undefined };
  const expected = "0 or { max, deadlineMs }";
  if (typeof value === "number") throw outOfRange("recompute", expected, value);
  if (typeof value !== "object" || value === null) throw wrongType("recompute", expected, value);
  checkKeys("recompute", value, { max: 1, deadlineMs: 1 });
  const { max, deadlineMs } = value as { max?: unknown; deadlineMs?: unknown };
  if (max === 0) {
    throw outOfRange(
      "recompute.max",
      `a whole number from 1 to ${MAX_RECOMPUTES}, or recompute: 0 for estimates alone`,
      0,
    );
  }
  return {
    maxRecomputes: max === undefined ? undefined : wholeNumberWithin("recompute.max", max, 1, MAX_RECOMPUTES),
    deadlineMs: deadlineMs === undefined ? undefined : numberWithin("recompute.deadlineMs", deadlineMs, 0, 2 ** 31 - 1),
  };
}

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

function checkWalk(value: unknown): SearchOptions["walk"] {
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

function checkSampleQueries(value: unknown): NonNullable<OpenOptions["sampleQueries"]> {
  const expected = `an array of at least ${MIN_SAMPLE_QUERIES} texts or vectors`;
  if (!Array.isArray(value)) throw wrongType("sampleQueries", expected, value);
  if (value.length < MIN_SAMPLE_QUERIES) throw outOfRange("sampleQueries", expected, value);
  return value;
}

export function boolean(name: string, value: unknown, fallback: boolean): boolean {
  if (value === undefined) return fallback;
  if (typeof value !== "boolean") throw wrongType(name, "true or false", value);
  return value;
}

export function oneOf<T extends string>(name: string, value: unknown, allowed: readonly T[]): T {
  if (typeof value === "string" && (allowed as readonly string[]).includes(value)) return value as T;
  const expected = `one of ${allowed.map(show).join(", ")}`;
  throw typeof value === "string" ? outOfRange(name, expected, value) : wrongType(name, expected, value);
}

function checkEmbedder(value: unknown): void {
  const parts = value as Record<string, unknown> | null;
  const whole =
    typeof value === "object" &&
    parts !== null &&
    typeof parts["id"] === "string" &&
    parts["id"] !== "" &&
    typeof parts["embedDocuments"] === "function" &&
    typeof parts["embedQuery"] === "function";
  if (!whole) throw wrongType("embedder", "an object with id, embedDocuments and embedQuery", value);
}

/** The candidate at most two edits away, for misspelt names. */
function nearest(word: string, candidates: readonly string[]): string | undefined {
  const ranked = candidates.map((name) => ({ name, edits: editDistance(word.toLowerCase(), name.toLowerCase()) }));
  ranked.sort((a, b) => a.edits - b.edits);
  const best = ranked[0];
  return best && best.edits <= 2 ? best.name : undefined;
}

/** Levenshtein's distance by the two-row recurrence. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replace = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(replace, previous[j]! + 1, row[j - 1]! + 1));
    }
    previous = row;
  }
  return previous[b.length]!;
}
