import type { Embedder } from "../api/embedder.js";
import { cleanId, cleanIds, cleanText, cleanVector } from "../api/input.js";
import {
  resolveAddOptions,
  resolveBackupOptions,
  resolveCompactOptions,
  resolveOpenOptions,
  resolveSearchOptions,
  resolveStatsOptions,
  resolveVerifyOptions,
} from "../api/options.js";
import type {
  AddItem,
  AddOptions,
  AddResult,
  BackupOptions,
  CompactOptions,
  CompactResult,
  Filter,
  Metric,
  OpenOptions,
  Passage,
  PassageTest,
  PlanOptions,
  RepairOptions,
  RepairResult,
  SearchOptions,
  SearchResult,
  Stats,
  StatsOptions,
  StorePlan,
  VerifyReport,
} from "../api/types.js";
import { abortController, withAnyOf } from "../base/abort.js";
import { checkKeys, requireIterable, wholeNumberWithin } from "../base/checks.js";
import { EmbedlessError, wrongType } from "../base/errors.js";
import { Turns } from "../base/turns.js";
import { limitsOf } from "../embed/guard.js";
import { checkFilterable, ensureFilterable } from "../filter/indexes.js";
import { type Condition, conditionOf } from "../filter/match.js";
import type { Matching } from "../filter/matching.js";
import { Ingest } from "../ingest/ingest.js";
import { deleteTarget, removePassages } from "../ingest/remove.js";
import { OpenStore } from "../memory/open_store.js";
import { native } from "../native/native.js";
import { ensureKeywords } from "../passage/keywords.js";
import type { PassageRow } from "../passage/passages.js";
import { Records } from "../passage/records.js";
import { Search } from "../search/modes.js";
import { Database } from "../storage/database.js";
import { readMeta } from "../storage/meta.js";
import { readSoundCounters } from "../storage/sound_counters.js";
import { requireUseful, traitsOf } from "../storage/traits.js";
import { copyDatabase } from "../upkeep/backup.js";
import { compactStore } from "../upkeep/compact.js";
import { repairStore } from "../upkeep/repair.js";
import { planStore, readStats } from "../upkeep/stats.js";
import { verifyStore } from "../upkeep/verify.js";
import { Listing } from "./listing.js";

/**
 * A collection of passages in one file, searched by meaning. It keeps texts and short codes, no vectors: a search
 * estimates all scores from the codes and embeds only those passages anew that could still be among the best. With the
 * option `vectors` it keeps them after all, and then ranks by those.
 *
 * Any number of processes and `worker_threads` may use the same file at once, each with a store of its own. Let a thread
 * close its store or call `process.exit()` itself: `worker.terminate()`, or the end of the main thread, in the middle of a
 * statement makes the driver of SQLite abort the process. As after any crash, what was acknowledged stays.
 * Every method but `close` throws `CLOSED` after `close`.
 *
 * ```ts
 * const store = await VectorStore.open("notes.db");
 * await store.add([{ text: "The ferry leaves at nine." }]);
 * const { hits } = await store.search("When does the boat go?");
 * await store.close();
 * ```
 */
export class VectorStore {
  readonly #store: OpenStore;
  readonly #search: Search;
  readonly #ingest: Ingest;
  readonly #stop = abortController();
  readonly #running = new Set<Promise<unknown>>();
  #metric: Metric | undefined;
  #closing: Promise<void> | undefined;

  private constructor(store: OpenStore) {
    this.#store = store;
    this.#search = new Search(store);
    this.#ingest = new Ingest(store);
  }

  /**
   * Opens the store at `path` and makes it if it may. Nothing is embedded and, without `preload`, no model is loaded yet.
   *
   * @param path The file. Its folder must exist.
   * @throws EmbedlessError `NOT_FOUND` (with `create: false`), `NOT_A_STORE`, `FORMAT_VERSION`, `CORRUPT`, `LOCKED`, `IO`,
   *   `METRIC_MISMATCH`, `INVALID_ARGUMENT` for codes or vectors that are not the store's, `MODEL_MISMATCH` if `embedder` says that it is not the one that made the store, `NATIVE_LOAD`
   */
  static async open(path: string, options: OpenOptions = {}): Promise<VectorStore> {
    if (typeof path !== "string" || path === "") throw wrongType("path", "the name of a file", path);
    const settings = resolveOpenOptions(options);
    if (settings.embedder) limitsOf(settings.embedder);
    const filterable = checkFilterable(options.filterable);
    native();
    const database = await Database.open(path, settings);
    let store: OpenStore | undefined;
    try {
      const meta = database.readTransaction(readSoundCounters);
      requireUseful(settings, traitsOf(meta, settings));
      store = new OpenStore(database, settings);
      store.model.requireGiven(meta);
      if (settings.preload) store.model.preload();
      await ensureFilterable(database, filterable);
      if (settings.keywords) await ensureKeywords(database, store.passages);
      await store.graph.refresh();
      await store.codes.refresh();
      await store.vectors.refresh();
      return new VectorStore(store);
    } catch (error) {
      await store?.model.close();
      await database.close();
      throw error;
    }
  }

  /**
   * Says before anything is built which codes and kept vectors fit a budget of bytes, and what a question will then cost
   * in recomputes and milliseconds: the model and the scan are run here for a second or two.
   *
   * ```ts
   * const { best } = await VectorStore.plan({ passages: 1_000_000, bytesPerPassage: 64 });
   * const store = await VectorStore.open("notes.db", { codes: best.codes, vectors: best.vectors });
   * ```
   *
   * @throws `INVALID_ARGUMENT` (also for a budget below the smallest code), `EMBEDDER_*`, `NATIVE_LOAD`, `ABORTED`
   */
  static async plan(options: PlanOptions): Promise<StorePlan> {
    return await planStore(options);
  }

  /**
   * Makes a damaged store whole: what is sound goes into a new file, all else (codes, graph, words, counts) is made anew
   * from the texts, and the new file takes the place of the old one, which is kept. Passages without kept vectors are
   * embedded again. Nobody may have the store open. A repair that was stopped goes on where it was.
   *
   * @throws `NOT_FOUND`, `NOT_A_STORE`, `LOCKED` if somebody has it open, `MODEL_MISMATCH`, `EMBEDDER_*`, `ABORTED`, `NO_SPACE`, `IO`
   */
  static async repair(path: string, options: RepairOptions = {}): Promise<RepairResult> {
    return await repairStore(path, options, (file, traits) => VectorStore.open(file, traits));
  }

  /** The file, as an absolute path. */
  get path(): string {
    return this.#store.database.path;
  }

  /** How passages and questions are compared. */
  get metric(): Metric {
    // Whoever adds the first passage settles it, another process too.
    if (this.#metric === undefined && !this.#closing) this.#metric = readMeta(this.#store.database.reader).metric;
    return this.#metric ?? this.#store.settings.metric ?? "cosine";
  }

  /** The embedder given to `open`, or the one that the store made for itself once it was needed. */
  get embedder(): Embedder | undefined {
    return this.#store.model.embedder;
  }

  /**
   * Adds passages. An id that exists is replaced; the same text under the same id is not embedded again, only its
   * metadata is set. An array is added all or nothing; an iterable is committed every 512 passages or 3 seconds, and an
   * error then carries how many are `committed`. When the promise resolves, all is on disk. Where enough passages wait
   * for a codebook (`stats().trainsAt`) it is trained before that.
   *
   * @throws `INVALID_ARGUMENT`, `INVALID_TEXT`, `INVALID_ID`, `INVALID_VECTOR`, `DIMENSION_MISMATCH`, `LIMIT`, all naming
   *   the item; `MODEL_MISMATCH`, `EMBEDDER_*`, `LOCKED`, `READONLY`, `NO_SPACE`, `IO`, `ABORTED`
   */
  add(
    items: readonly AddItem[] | Iterable<AddItem> | AsyncIterable<AddItem>,
    options?: AddOptions,
  ): Promise<AddResult> {
    return this.#run(async () => {
      const checked = resolveAddOptions(options);
      return await this.#stoppable(checked.signal, async (signal) => {
        const { blank, onProgress } = checked;
        const merged = { signal, blank, ...(onProgress && { onProgress }) };
        if (Array.isArray(items)) return await this.#ingest.addArray(items, merged);
        return await this.#ingest.addStream(requireIterable(items), merged);
      });
    });
  }

  /**
   * The passages nearest to a question. With `filter`, the nearest among those whose metadata match: however few there
   * are, the scan passes over all others, and no more than they is embedded.
   *
   * @param query A text, or a vector of the store's embedder.
   * @returns the best `k` (fewer if the store or the filter leave fewer), best first, equal scores in the order of adding
   * @throws `INVALID_ARGUMENT`, `INVALID_FILTER`, `INVALID_TEXT`, `INVALID_VECTOR`, `DIMENSION_MISMATCH`, `MODEL_MISMATCH`, `EMBEDDER_*`,
   *   `CORRUPT`, `ABORTED`
   */
  search(query: string | ArrayLike<number>, options?: SearchOptions): Promise<SearchResult> {
    return this.#run(async () => {
      const settings = resolveSearchOptions(options);
      const cleaned = typeof query === "string" ? cleanText(query, "query") : cleanVector(query, "query");
      const filter = options?.filter === undefined ? undefined : conditionOf(options.filter);
      return await this.#stoppable(settings.signal, (signal) =>
        this.#search.answer({ query: cleaned, settings, filter, signal }),
      );
    });
  }

  /**
   * The passages of these ids (100,000 at most), in their order; `undefined` where there is none. Throws `INVALID_ID`,
   * `LIMIT`, `CORRUPT`.
   */
  get(ids: readonly string[]): Promise<(Passage | undefined)[]> {
    return this.#run(async () => {
      const found = this.#store.passages.byIds(cleanIds(ids));
      return found.map((row) => row && toPassage(row));
    });
  }

  /** Of each id (100,000 at most) whether it is stored. Throws `INVALID_ID`, `LIMIT`. */
  has(ids: readonly string[]): Promise<boolean[]> {
    return this.#run(async () => this.#store.passages.nodesOf(cleanIds(ids)).map((node) => node !== undefined));
  }

  /**
   * How many passages there are, or how many match a filter: counted on one snapshot of the store.
   *
   * @throws `INVALID_FILTER`, `CORRUPT`
   */
  count(filter?: Filter | PassageTest): Promise<number> {
    return this.#run(async () => {
      if (filter === undefined) return this.#store.passages.count();
      return (await this.#matching(conditionOf(filter))).count;
    });
  }

  /**
   * All passages in the order they were added, read page by page; what is added meanwhile may or may not be seen.
   *
   * @param options.filter Only passages that match when the listing begins and still do when they are reached.
   * @param options.after Start behind the passage of this id, which need not match.
   * @param options.limit Most passages to give.
   * @throws `NOT_FOUND` for an unknown `after`, `INVALID_ARGUMENT`, `INVALID_FILTER`, `CORRUPT`
   */
  async *passages(
    options: { filter?: Filter | PassageTest; after?: string; limit?: number } = {},
  ): AsyncGenerator<Passage> {
    checkKeys("passages", options, { filter: 1, after: 1, limit: 1 });
    const { after, limit, filter } = options;
    const listing = new Listing(this.#store, {
      condition: filter === undefined ? undefined : conditionOf(filter),
      after: after === undefined ? undefined : cleanId(after, "after"),
      limit: limit === undefined ? Number.POSITIVE_INFINITY : wholeNumberWithin("limit", limit, 0, 2 ** 53 - 1),
      signal: this.#stop.signal,
    });
    const turns = new Turns();
    for (;;) {
      await turns.give();
      const page = await this.#run(() => listing.next());
      if (page.length === 0) return;
      for (const row of page) yield toPassage(row);
    }
  }

  /**
   * Deletes passages, all that are meant or none of them; 100,000 ids at most, unknown ones are passed over. A filter is decided inside the
   * same transaction; an empty one is refused, because `{ all: true }` says it better.
   *
   * @returns how many there were
   * @throws `INVALID_ARGUMENT`, `INVALID_ID`, `INVALID_FILTER`, `LOCKED`, `READONLY`, `NO_SPACE`, `IO`
   */
  delete(what: { ids: readonly string[] } | { filter: Filter } | { all: true }): Promise<number> {
    return this.#run(async () => {
      const target = deleteTarget(what);
      return await removePassages(this.#store.database, this.#store.passages, target, this.#stop.signal);
    });
  }

  /**
   * The book of an indexing pipeline: what it put into this store, from where, and when.
   *
   * @param namespace Which pipeline's; books of different names know nothing of each other.
   * @throws `INVALID_ID` for an empty or malformed name
   */
  records(namespace: string): Records {
    return new Records(namespace, this.#store.database, (work) => this.#run(work));
  }

  /**
   * Sizes, settings and what a question costs in recomputes; with `measure` in milliseconds on this machine too.
   * `fileBytes` includes the write-ahead log, which `close` folds into the file.
   *
   * @throws `INVALID_ARGUMENT`; with `measure` also `MODEL_MISMATCH`, `EMBEDDER_*`, `ABORTED`
   */
  stats(options?: StatsOptions): Promise<Stats> {
    return this.#run(async () => {
      const settings = resolveStatsOptions(options);
      return await this.#stoppable(settings.signal, (signal) => readStats(this.#store, { ...settings, signal }));
    });
  }

  /**
   * Trains the codebook that passages wait for, if they are enough (`stats().trainsAt`). Then builds the graph that the option `index` asks for, or brings it up to date: until then passages are found by scan, and
   * found all the same. Takes minutes a million passages, off the main thread; others read and write meanwhile. Then drops
   * the codes of deleted passages once a tenth of all are such: one write, during which others read on and writers wait.
   * Then it merges the table of words, which adding leaves in pieces. Last it gives the space of deleted passages back to the file system.
   *
   * @throws `INVALID_ARGUMENT`, `LOCKED`, `READONLY`, `NO_SPACE`, `IO`, `CORRUPT`, `ABORTED`
   */
  compact(options?: CompactOptions): Promise<CompactResult> {
    return this.#run(async () => {
      const { signal: given, onProgress } = resolveCompactOptions(options);
      return await this.#stoppable(given, (signal) => compactStore(this.#store, { signal, onProgress }));
    });
  }

  /**
   * Reads everything and compares it with its checksums and with each other. Other methods go on meanwhile.
   *
   * @param options.signal Stops it with `ABORTED`.
   */
  verify(options?: { signal?: AbortSignal }): Promise<VerifyReport> {
    return this.#run(async () => {
      const { database, passages } = this.#store;
      const { signal: given } = resolveVerifyOptions(options);
      return await this.#stoppable(given, (signal) => verifyStore(database, passages, signal));
    });
  }

  /**
   * Copies the store as it is now into another file, itself a whole store, while everybody goes on using this one. The
   * copy appears whole or not at all; a process killed meanwhile leaves at most a `.partial` file beside it.
   *
   * @param path The file. Its folder must exist.
   * @throws `INVALID_ARGUMENT`, `IO` (also for a file that is there, without `overwrite`), `LOCKED` if that file is a store in
   *   use, `NOT_FOUND`, `NO_SPACE`, `ABORTED`
   */
  backup(path: string, options?: BackupOptions): Promise<void> {
    return this.#run(async () => {
      const settings = resolveBackupOptions(options);
      await this.#stoppable(settings.signal, (signal) =>
        copyDatabase(this.#store.database, path, { ...settings, signal }),
      );
    });
  }

  /** Stops what is running (it rejects with `ABORTED`), and lets go of the file and of a model of the store's own. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#stop.abort(new EmbedlessError("CLOSED", "The store was closed."));
    await Promise.allSettled(this.#running);
    await this.#store.model.close().finally(() => this.#store.database.close());
  }

  /** Runs an operation that `close` waits for. */
  #run<T>(operation: () => Promise<T>): Promise<T> {
    if (this.#closing) return Promise.reject(new EmbedlessError("CLOSED", `The store ${this.path} is closed.`));
    const running = operation();
    const settled = running.then(
      () => undefined,
      () => undefined,
    );
    this.#running.add(settled);
    settled.then(() => this.#running.delete(settled));
    return running;
  }

  /** Runs `work` with a signal that fires with the caller's or when the store closes. */
  #stoppable<T>(signal: AbortSignal | undefined, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    return withAnyOf([signal, this.#stop.signal], work);
  }

  #matching(condition: Condition): Promise<Matching> {
    return this.#store.filters.matching(condition, this.#stop.signal);
  }
}

function toPassage({ id, text, metadata }: PassageRow): Passage {
  return { id, text, metadata };
}
