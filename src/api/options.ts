import { boolean, checkKeys, checkSignal, numberWithin, oneOf, wholeNumberWithin } from "../base/checks.js";
import { outOfRange, show, unknownOption, wrongType } from "../base/errors.js";
import { cleanText, cleanVector } from "./input.js";
import { checkCodes, checkIndex, checkWalk, VECTOR_KEEPINGS } from "./trait_options.js";
import type {
  AddOptions,
  BackupOptions,
  CompactOptions,
  Metric,
  OpenOptions,
  PlanOptions,
  RepairOptions,
  SearchOptions,
  StatsOptions,
} from "./types.js";

/** Most hits, and most recomputes, that a search may ask for: what the addon counts with. No store holds as many passages. */
export const MOST_HITS = 2 ** 31 - 1;
/** Most hits that a cost can be told for: those of more were not measured. */
const MOST_PLANNED_HITS = 10_000;

const METRICS: readonly Metric[] = ["cosine", "ip", "l2"];
/** Fewest sample queries: fewer say nothing of the questions to come. */
const LEAST_SAMPLE_QUERIES = 16;
/** Most sample queries that are used: as many as passages train a codebook. */
const MOST_SAMPLE_QUERIES = 4096;

/** A question like those to come. */
export interface SampleQuery {
  /** Where it stood, for errors. */
  readonly label: string;
  readonly query: string | Float32Array;
}

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
    keywords: 1,
    trustStoredAddress: 1,
    preload: 1,
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
    sampleQueries: options.sampleQueries === undefined ? undefined : cleanSampleQueries(options.sampleQueries),
    durability: oneOf("durability", options.durability ?? "full", ["full", "normal"] as const),
    lockTimeoutMs: numberWithin("lockTimeoutMs", options.lockTimeoutMs ?? 5_000, 0, 2 ** 31 - 1),
    cacheBytes: numberWithin("cacheBytes", options.cacheBytes ?? 16 * 2 ** 20, 0, 2 ** 40),
    embedTimeoutMs: numberWithin("embedTimeoutMs", options.embedTimeoutMs ?? 120_000, 1, 2 ** 31 - 1),
    minCanaryCosine: numberWithin("minCanaryCosine", options.minCanaryCosine ?? 0.999, -1, 1),
    keywords: boolean("keywords", options.keywords, false),
    preload: boolean("preload", options.preload, false),
    trustStoredAddress: boolean("trustStoredAddress", options.trustStoredAddress, false),
    calibration: oneOf("calibration", options.calibration ?? "fixed", ["fixed", "live"] as const),
  };
}

/** What `resolveOpenOptions` gives. */
export type OpenSettings = ReturnType<typeof resolveOpenOptions>;

/** Options of `search` with their defaults filled in. */
export function resolveSearchOptions(options: SearchOptions = {}) {
  checkKeys("search", options, {
    k: 1,
    mode: 1,
    recall: 1,
    recompute: 1,
    scores: 1,
    filter: 1,
    walk: 1,
    signal: 1,
    explain: 1,
    includeVectors: 1,
  });
  const limits = recomputeLimits(options.recompute);
  const walk = options.walk === undefined ? undefined : checkWalk(options.walk);
  if (limits.maxRecomputes === 0 && typeof walk === "object" && (walk.mode ?? "guided") !== "guided") {
    throw outOfRange(
      "recompute",
      `at least { max: 1 } with walk: { mode: ${show(walk.mode)} }, which embeds what it meets`,
      0,
    );
  }
  return {
    ...questionGoal(options, MOST_HITS),
    ...limits,
    mode: oneOf("mode", options.mode ?? "vector", ["vector", "keyword", "hybrid"] as const),
    scores: oneOf("scores", options.scores ?? "exact", ["exact", "approx"] as const),
    walk,
    signal: checkSignal(options.signal),
    explain: boolean("explain", options.explain, false),
    includeVectors: boolean("includeVectors", options.includeVectors, false),
  };
}

/** What `resolveSearchOptions` gives. */
export type SearchSettings = ReturnType<typeof resolveSearchOptions>;

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

/** How many hits are wanted, `most` at most, and how many of the true ones. */
function questionGoal({ k, recall }: { k?: number; recall?: number }, most = MOST_PLANNED_HITS) {
  return {
    k: wholeNumberWithin("k", k ?? 10, 1, most),
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

/** Options of `verify`, checked. */
export function resolveVerifyOptions(options: { signal?: AbortSignal } = {}) {
  checkKeys("verify", options, { signal: 1 });
  return { signal: checkSignal(options.signal) };
}

/** Options of `compact`, checked. */
export function resolveCompactOptions(options: CompactOptions = {}) {
  checkKeys("compact", options, { signal: 1, onProgress: 1 });
  return checkRun(options);
}

/** Options of `backup` with their defaults filled in. */
export function resolveBackupOptions(options: BackupOptions = {}) {
  checkKeys("backup", options, { overwrite: 1, signal: 1, onProgress: 1 });
  return { overwrite: boolean("overwrite", options.overwrite, false), ...checkRun(options) };
}

/** Options of `VectorStore.repair`, checked, with those of `open` by themselves. */
export function resolveRepairOptions(options: RepairOptions = {}) {
  if (typeof options !== "object" || options === null) throw wrongType("the options of repair", "an object", options);
  const { signal, onProgress, ...given } = options;
  for (const key of ["create", "readOnly"]) {
    if (key in given) throw unknownOption("repair", key, ["signal", "onProgress", "and those of open"]);
  }
  resolveOpenOptions(given);
  return { ...checkRun({ ...(signal && { signal }), ...(onProgress && { onProgress }) }), given };
}

/** Options of `add`, checked. */
export function resolveAddOptions(options: AddOptions = {}) {
  checkKeys("add", options, { signal: 1, onProgress: 1, blank: 1 });
  return { blank: oneOf("blank", options.blank ?? "refuse", ["refuse", "skip"] as const), ...checkRun(options) };
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
    throw outOfRange("recompute.max", `a whole number from 1 to ${MOST_HITS}, or recompute: 0 for estimates alone`, 0);
  }
  return {
    maxRecomputes: max === undefined ? undefined : wholeNumberWithin("recompute.max", max, 1, MOST_HITS),
    deadlineMs: deadlineMs === undefined ? undefined : numberWithin("recompute.deadlineMs", deadlineMs, 0, 2 ** 31 - 1),
  };
}

/**
 * Sample queries, checked. Of too many, evenly spread ones are copied.
 *
 * @throws `INVALID_TEXT` or `INVALID_VECTOR`, naming the query
 */
function cleanSampleQueries(value: unknown): SampleQuery[] {
  const expected = `an array of at least ${LEAST_SAMPLE_QUERIES} texts or vectors`;
  if (!Array.isArray(value)) throw wrongType("sampleQueries", expected, value);
  if (value.length < LEAST_SAMPLE_QUERIES) throw outOfRange("sampleQueries", expected, value);
  const used = Math.min(value.length, MOST_SAMPLE_QUERIES);
  return Array.from({ length: used }, (_, i) => {
    const at = Math.floor((i * value.length) / used);
    const label = `sampleQueries[${at}]`;
    const query: unknown = value[at];
    return { label, query: typeof query === "string" ? cleanText(query, label) : cleanVector(query, label) };
  });
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
