import type { Metric } from "./codes.js";
import type { Embedder } from "./embedder.js";
import type { AddItem, AddOptions, AddResult, Filter, Passage, PassageTest } from "./passage.js";
import type { SearchOptions, SearchResult } from "./search.js";
import type { Stats, StatsOptions } from "./stats.js";
import type { BackupOptions, CompactOptions, CompactResult, VerifyReport } from "./upkeep.js";

/**
 * An open store of passages. `VectorStore` is a store in a file. The adapters for LangChain and LlamaIndex accept any
 * `Store`, for example a proxy of a store in another process.
 *
 * Every method except `close` throws `CLOSED` after `close`.
 */
export interface Store {
  /** The place of the store: an absolute path, or another name. */
  readonly path: string;

  /** How passages and questions are compared. */
  readonly metric: Metric;

  /** The embedder of the store's passages and questions; `undefined` until it is known. */
  readonly embedder: Embedder | undefined;

  /**
   * Adds passages. An id that exists is replaced. The same text under the same id is not embedded again; only its
   * metadata is set. An array is added all or nothing. An iterable is committed every 512 passages or 3 seconds, and an
   * error then says how many were `committed`. When the promise resolves, everything is on disk. If enough passages are
   * pending for a codebook (`stats().trainsAt`), it is trained first.
   *
   * @throws `INVALID_ARGUMENT`, `INVALID_TEXT`, `INVALID_ID`, `INVALID_VECTOR`, `DIMENSION_MISMATCH`, `LIMIT`, all
   *   naming the item; `MODEL_MISMATCH`, `EMBEDDER_*`, `LOCKED`, `READONLY`, `NO_SPACE`, `IO`, `ABORTED`
   */
  add(items: readonly AddItem[] | Iterable<AddItem> | AsyncIterable<AddItem>, options?: AddOptions): Promise<AddResult>;

  /**
   * The passages nearest to a question. With `filter`, the nearest among those whose metadata match. Only matching
   * passages are scored or embedded, however few they are.
   *
   * @param query A text, or a vector of the store's embedder.
   * @returns the best `k` (fewer if the store or the filter leave fewer), best first, equal scores in the order of
   *   adding
   * @throws `INVALID_ARGUMENT`, `INVALID_FILTER`, `INVALID_TEXT`, `INVALID_VECTOR`, `DIMENSION_MISMATCH`,
   *   `MODEL_MISMATCH`, `EMBEDDER_*`, `CORRUPT`, `ABORTED`
   */
  search(query: string | ArrayLike<number>, options?: SearchOptions): Promise<SearchResult>;

  /**
   * The passages of these ids (at most 100,000), in their order; `undefined` for an unknown id.
   *
   * @throws `INVALID_ID`, `LIMIT`, `CORRUPT`
   */
  get(ids: readonly string[]): Promise<(Passage | undefined)[]>;

  /** Whether each id is stored, at most 100,000 ids. Throws `INVALID_ID`, `LIMIT`. */
  has(ids: readonly string[]): Promise<boolean[]>;

  /**
   * How many passages there are, or how many match a filter, counted on one snapshot.
   *
   * @throws `INVALID_FILTER`, `CORRUPT`
   */
  count(filter?: Filter | PassageTest): Promise<number>;

  /**
   * All passages in the order they were added, read page by page. Passages that are added during the listing may or may
   * not be listed.
   *
   * @param options.filter Only passages that match when the listing begins, and still do when they are reached.
   * @param options.after Start behind the passage of this id. That passage need not match.
   * @param options.limit Most passages to give.
   * @throws `NOT_FOUND` for an unknown `after`, `INVALID_ARGUMENT`, `INVALID_FILTER`, `CORRUPT`
   */
  passages(options?: ListOptions): AsyncGenerator<Passage>;

  /**
   * Deletes passages, all of them or none. At most 100,000 ids; unknown ids are ignored. A filter is evaluated inside
   * the same transaction. An empty filter is refused, because `{ all: true }` says it more clearly.
   *
   * @returns how many passages were deleted
   * @throws `INVALID_ARGUMENT`, `INVALID_ID`, `INVALID_FILTER`, `LOCKED`, `READONLY`, `NO_SPACE`, `IO`
   */
  delete(what: { ids: readonly string[] } | { filter: Filter } | { all: true }): Promise<number>;

  /**
   * The records of an indexing pipeline: which passages it stored, from where, and when.
   *
   * @param namespace The pipeline's name. Records of different names are independent.
   * @throws `INVALID_ID` for an empty or malformed name
   */
  records(namespace: string): Records;

  /**
   * Sizes, settings, and what a question costs in recomputes; with `measure` also in milliseconds on this machine.
   * `fileBytes` includes the write-ahead log, which `close` moves into the file.
   *
   * @throws `INVALID_ARGUMENT`; with `measure` also `MODEL_MISMATCH`, `EMBEDDER_*`, `ABORTED`
   */
  stats(options?: StatsOptions): Promise<Stats>;

  /**
   * Brings the store into its best shape, step by step:
   *
   * 1. Trains the codebook if enough passages are pending (`stats().trainsAt`).
   * 2. Builds the graph that the option `index` asks for, or updates it. Until then new passages are found by scan.
   *   This takes minutes per million passages, off the main thread; others read and write at the same time.
   * 3. Removes the codes of deleted passages once they exceed 10 % of all codes. This is one write: others go on
   *   reading, and writers wait.
   * 4. Merges the table of words, which adding leaves in pieces.
   * 5. Gives the space of deleted passages back to the file system.
   *
   * @throws `INVALID_ARGUMENT`, `LOCKED`, `READONLY`, `NO_SPACE`, `IO`, `CORRUPT`, `ABORTED`
   */
  compact(options?: CompactOptions): Promise<CompactResult>;

  /**
   * Reads everything and compares it with its checksums and with each other. Other methods go on at the same time.
   *
   * @param options.signal Stops it with `ABORTED`.
   */
  verify(options?: { signal?: AbortSignal }): Promise<VerifyReport>;

  /**
   * Copies the store as it is now into another file, which is a complete store. This store can be used at the same
   * time. The copy appears whole or not at all. A process that is killed leaves at most a `.partial` file beside it.
   *
   * @param path The file. Its folder must exist.
   * @throws `INVALID_ARGUMENT`, `IO` (also for an existing file, without `overwrite`), `LOCKED` if that file is a store
   *   in use, `NOT_FOUND`, `NO_SPACE`, `ABORTED`
   */
  backup(path: string, options?: BackupOptions): Promise<void>;

  /**
   * Stops running operations, which reject with `ABORTED`. Then closes the file, and the model if the store opened it.
   */
  close(): Promise<void>;
}

/** Options of `Store.passages`. */
export interface ListOptions {
  filter?: Filter | PassageTest;
  after?: string;
  limit?: number;
}

/** Which records to list. Both times are exclusive. */
export interface RecordRange {
  before?: number | undefined;
  after?: number | undefined;
  /** `null` stands for records without a group. */
  groups?: readonly (string | null)[] | undefined;
}

/**
 * The records of an indexing pipeline, kept in the store's file: which passages it stored, from where, and when it last
 * saw their sources. A pipeline that indexes the same sources again uses them to find what is unchanged and what is
 * gone. LangChain calls this a record manager.
 *
 * Times are in milliseconds. No two are equal, however fast calls follow each other, so what a run records is never
 * older than the start of the run. Deleting a passage deletes the records of its id too, so the next run repairs what
 * an interrupted run left unfinished.
 */
export interface Records {
  /** The name of the pipeline that these records belong to. */
  readonly namespace: string;
  /** Answers a time that is later than every time recorded or answered before. */
  time(): Promise<number>;
  /**
   * Records keys, or updates their records, in one transaction.
   *
   * @param options.groups The source of each key, one per key.
   * @param options.timeAtLeast The call throws if the clock has not reached this time.
   * @param options.time When the keys were seen, by the caller's clock, in milliseconds. Fractions are rounded.
   *   Default: a time later than all others.
   * @throws `INVALID_ARGUMENT`, `INVALID_ID`, `LIMIT` above 100,000 keys, `LOCKED`, `READONLY`, `NO_SPACE`, `IO`
   */
  update(
    keys: readonly string[],
    options?: { groups?: readonly (string | null)[]; timeAtLeast?: number; time?: number },
  ): Promise<void>;
  /** Whether each key is recorded. Throws `INVALID_ID`. */
  exists(keys: readonly string[]): Promise<boolean[]>;
  /**
   * Recorded keys, in order.
   *
   * @param range `before` and `after`, both exclusive, and `groups`.
   * @param limit Most keys. Default: all.
   */
  list(range?: RecordRange, limit?: number): Promise<string[]>;
  /** Deletes the records of keys in one transaction. Unknown keys are ignored. The passages stay. */
  delete(keys: readonly string[]): Promise<void>;
}
