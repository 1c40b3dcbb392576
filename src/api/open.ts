import { boolean, checkKeys, numberWithin, oneOf } from "../base/checks.js";
import { outOfRange, wrongType } from "../base/errors.js";
import { type Codes, checkCodes, METRICS, type Metric, VECTOR_KEEPINGS, type VectorKeeping } from "./codes.js";
import type { Embedder } from "./embedder.js";
import { checkIndex, type IndexChoice } from "./graph.js";
import { cleanText, cleanVector } from "./input.js";

/** Options of `VectorStore.open`. */
export interface OpenOptions {
  /**
   * Embeds passages and questions. Default: the embedder that created the store, or the bundled model for a new store.
   */
  embedder?: Embedder;
  /**
   * Used without `embedder`: whether to contact the address that the store's file names, a server (`httpEmbedder`) or
   * another hub (`transformersEmbedder({ host })`). It receives questions and passages, but never a key. Servers on
   * this machine (`localhost`, 127.0.0.0/8, `::1`) and the default hub need no confirmation. Default `false`: the first
   * operation that embeds fails with `MODEL_MISMATCH`, because anybody can write any address into a file.
   */
  trustStoredAddress?: boolean;
  /**
   * Whether to start the model while the store opens. The first answer then comes up to half a second sooner. Default
   * `false`, so a process that only reads or lists loads no model.
   */
  preload?: boolean;
  /** Whether to create the file if it is missing. Default `true`. */
  create?: boolean;
  /** Whether to open the file for reading only. A file that cannot be written is always opened so. Default `false`. */
  readOnly?: boolean;
  /** How vectors are compared. Fixed when the store is created. Default `"cosine"`. */
  metric?: Metric;
  /** What is kept of each vector to estimate scores. Fixed when the store is created. Default `{ bytes: 48 }`. */
  codes?: Codes;
  /** Where exact vectors come from. Fixed when the store is created. Default `"recompute"`. */
  vectors?: VectorKeeping;
  /** How codes are searched. Fixed when the store is created. Default `"flat"`, or `"vamana"` with `codes: "none"`. */
  index?: IndexChoice;
  /**
   * Where kept vectors are read from: from the `"file"` at every search, or from `"memory"`, which holds all of them
   * and is faster. Default `"file"`.
   */
  vectorsIn?: "file" | "memory";
  /**
   * Questions like those that will be asked, as texts or vectors, at least 16. They are needed once, when `leanvec`
   * codes of a new store are trained with `"ood"`.
   */
  sampleQueries?: readonly (string | ArrayLike<number>)[];
  /**
   * Metadata paths that get an index each, at most 32: `["source", "author.name"]`. Filters for values or ranges at
   * these paths then read fewer passages. The store remembers the paths. A path that is named later is indexed when the
   * store is opened, which takes seconds per million passages. A store that is opened for reading only creates no
   * index.
   */
  filterable?: readonly string[];
  /**
   * `true` creates a table of the words of all passages, for the modes `"keyword"` and `"hybrid"`. It takes 90 to 140
   * bytes per passage of 750 bytes, or 87 to 120 after `compact` has merged it. In a store that has passages already,
   * creating it takes a minute per million passages. The store remembers the table. Default `false`.
   */
  keywords?: boolean;
  /**
   * `"live"` multiplies the errors that codes claim by 0.5 to 2, depending on the errors that the first round of each
   * query meets. Answers then depend on the queries before them. Default `"fixed"`.
   */
  calibration?: "fixed" | "live";
  /**
   * `"full"`: what was acknowledged survives a power cut. `"normal"`: it survives a crash of the process, but not
   * always a power cut. Default `"full"`.
   */
  durability?: "full" | "normal";
  /** How long a write waits for another writer before it fails with `LOCKED`, in milliseconds. Default 5,000. */
  lockTimeoutMs?: number;
  /**
   * Bytes of memory for exact vectors of earlier searches, so that the same passages are not embedded again. 16 MB hold
   * about 10,000 vectors of 384 dims. Default 16 MB.
   */
  cacheBytes?: number;
  /**
   * How long one call of the embedder may take before it fails with `EMBEDDER_TIMEOUT`, in milliseconds. Default
   * 120,000.
   */
  embedTimeoutMs?: number;
  /**
   * The lowest allowed cosine between a canary's stored vector and its fresh one. Below it, operations fail with
   * `MODEL_MISMATCH`. Default 0.999.
   */
  minCanaryCosine?: number;
}

export type OpenSettings = ReturnType<typeof resolveOpenOptions>;

/** A question like those that will be asked. */
export interface SampleQuery {
  /** The question's name in an error. */
  readonly label: string;
  readonly query: string | Float32Array;
}

/** Fewest sample queries. Fewer would not represent the questions to come. */
const LEAST_SAMPLE_QUERIES = 16;

/** Most sample queries that are used: as many as the passages that train a codebook. */
const MOST_SAMPLE_QUERIES = 4096;

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

/**
 * Checks sample queries. If there are too many, it copies evenly spread ones.
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

export function checkEmbedder(value: unknown): void {
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
