import { boolean, checkKeys, numberWithin, oneOf } from "../base/checks.js";
import { outOfRange, wrongType } from "../base/errors.js";
import { type Codes, checkCodes, METRICS, type Metric, VECTOR_KEEPINGS, type VectorKeeping } from "./codes.js";
import type { Embedder } from "./embedder.js";
import { checkIndex, type IndexChoice } from "./graph.js";
import { cleanText, cleanVector } from "./input.js";

/** Options of `VectorStore.open`. */
export interface OpenOptions {
  /** What embeds passages and questions. Left out: the embedder that made the store, or the bundled model for a new one. */
  embedder?: Embedder;
  /**
   * Without `embedder`: contact the address that the store's file names, a server (`httpEmbedder`) or a hub of its own
   * (`transformersEmbedder({ host })`). It is sent questions and passages, and never a key. Servers of this machine
   * (`localhost`, 127.0.0.0/8, `::1`) and the default hub need no such confirmation. Default `false`: then the first
   * operation that embeds fails with `MODEL_MISMATCH`, because anybody can write any address into a file.
   */
  trustStoredAddress?: boolean;
  /**
   * Start the model while the store opens, for a process that asks at once: the first answer comes up to half a second
   * sooner. Default `false`: a process that only reads or lists loads no model.
   */
  preload?: boolean;
  /** Make the file when it is missing. Default `true`. */
  create?: boolean;
  /** Open for reading only; implied for a file that cannot be written. Default `false`. */
  readOnly?: boolean;
  /** Fixed when the store is made. Default `"cosine"`. */
  metric?: Metric;
  /** Fixed when the store is made. Default `{ bytes: 48 }`. */
  codes?: Codes;
  /** Fixed when the store is made. Default `"recompute"`. */
  vectors?: VectorKeeping;
  /** Fixed when the store is made. Default `"flat"`, with `codes: "none"` `"vamana"`. */
  index?: IndexChoice;
  /** Where kept vectors are read from: `"file"` at every search, or held in `"memory"`. Default `"file"`. */
  vectorsIn?: "file" | "memory";
  /** Questions like those to come, texts or vectors: needed once, when a new store's `leanvec` codes train with `"ood"`. */
  sampleQueries?: readonly (string | ArrayLike<number>)[];
  /**
   * Metadata paths that get an index of their own, so that filters for values or ranges there need not read every
   * passage: `["source", "author.name"]`, 32 at most. The store remembers them; paths named later are indexed when it is
   * opened, which takes seconds a million passages. A store that is open for reading only makes none.
   */
  filterable?: readonly string[];
  /**
   * `true` makes a table of the words of all passages, for the modes `"keyword"` and `"hybrid"`: 90 to 140 bytes a passage
   * of 750, 87 to 120 once `compact` merged it, and a minute a million passages when a store that has some gets it. The
   * store remembers it. Default `false`.
   */
  keywords?: boolean;
  /**
   * `"live"` lets the errors seen by the first round of each query widen or narrow those taken for granted, 0.5 to 2 times:
   * answers then depend on the queries before. Default `"fixed"`.
   */
  calibration?: "fixed" | "live";
  /** `"full"`: what was acknowledged survives a power cut; `"normal"`: a crash of the process, not always a power cut. Default `"full"`. */
  durability?: "full" | "normal";
  /** How long a write waits for another writer before `LOCKED`. Default 5,000 ms. */
  lockTimeoutMs?: number;
  /** Memory for exact vectors kept from earlier searches. 16 MB hold about 10,000 vectors of 384 dims. Default 16 MB. */
  cacheBytes?: number;
  /** How long one call of the embedder may take before `EMBEDDER_TIMEOUT`. Default 120,000 ms. */
  embedTimeoutMs?: number;
  /** Lowest cosine between a canary's stored and fresh vector before `MODEL_MISMATCH`. Default 0.999. */
  minCanaryCosine?: number;
}

/** What `resolveOpenOptions` gives. */
export type OpenSettings = ReturnType<typeof resolveOpenOptions>;

/** A question like those to come. */
export interface SampleQuery {
  /** Where it stood, for errors. */
  readonly label: string;
  readonly query: string | Float32Array;
}

/** Fewest sample queries: fewer say nothing of the questions to come. */
const LEAST_SAMPLE_QUERIES = 16;

/** Most sample queries that are used: as many as passages train a codebook. */
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
