import type { Metric } from "../api/codes.js";
import type { Embedder } from "../api/embedder.js";
import { cleanId, cleanIds, cleanText, cleanVector } from "../api/input.js";
import { type OpenOptions, resolveOpenOptions } from "../api/open.js";
import {
  type AddItem,
  type AddOptions,
  type AddResult,
  type Filter,
  type Passage,
  type PassageTest,
  resolveAddOptions,
} from "../api/passage.js";
import { resolveSearchOptions, type SearchOptions, type SearchResult } from "../api/search.js";
import { type PlanOptions, resolveStatsOptions, type Stats, type StatsOptions, type StorePlan } from "../api/stats.js";
import type { ListOptions, Records, Store } from "../api/store.js";
import {
  type BackupOptions,
  type CompactOptions,
  type CompactResult,
  type RepairOptions,
  type RepairResult,
  resolveBackupOptions,
  resolveCompactOptions,
  resolveVerifyOptions,
  type VerifyReport,
} from "../api/upkeep.js";
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
import { StoredRecords } from "../passage/records.js";
import { Search } from "../search/modes.js";
import { Database } from "../storage/database.js";
import { readSoundCounters } from "../storage/live_bits.js";
import { readMeta } from "../storage/meta.js";
import { requireUseful, traitsOf } from "../storage/traits.js";
import { copyDatabase } from "../upkeep/backup.js";
import { compactStore } from "../upkeep/compact.js";
import { repairStore } from "../upkeep/repair.js";
import { planStore, readStats } from "../upkeep/stats.js";
import { verifyStore } from "../upkeep/verify.js";
import { Listing } from "./listing.js";

/**
 * A collection of passages in one file, searched by meaning. It keeps texts and short codes instead of vectors: a
 * search estimates all scores from the codes, and embeds again only those passages that could be among the best. With
 * the option `vectors` it keeps the vectors too, and ranks by those.
 *
 * Any number of processes and `worker_threads` may use the same file at once, each with a store of its own. A thread
 * must close its store, or call `process.exit()` itself: SQLite's driver aborts the process if `worker.terminate()`, or
 * the end of the main thread, hits it in the middle of a statement. As after any crash, acknowledged passages are safe.
 *
 * ```ts
 * const store = await VectorStore.open("notes.db");
 * await store.add([{ text: "The ferry leaves at nine." }]);
 * const { hits } = await store.search("When does the boat go?");
 * await store.close();
 * ```
 */
export class VectorStore implements Store {
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
   * Opens the store at `path`, and creates it if it is missing. This embeds nothing, and without `preload` it loads no
   * model.
   *
   * @param path The file. Its folder must exist.
   * @throws EmbedlessError `NOT_FOUND` (with `create: false`), `NOT_A_STORE`, `FORMAT_VERSION`, `CORRUPT`, `LOCKED`,
   *   `IO`, `METRIC_MISMATCH`, `INVALID_ARGUMENT` for codes or vectors other than the store's, `MODEL_MISMATCH` if
   *   `embedder` has another id than the one that made the store, `NATIVE_LOAD`
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
   * Plans a store before anything is built: which codes and kept vectors fit a budget of bytes, and what a question
   * then costs in recomputes and milliseconds. The model and the scan are measured here for a second or two.
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
   * Repairs a damaged store. Sound passages go into a new file; codes, graph, words and counts are made from their
   * texts again. The new file then replaces the old one, which is kept under another name. Passages without kept
   * vectors are embedded again. No other process may have the store open. A repair that was stopped continues where it
   * stopped.
   *
   * @throws `NOT_FOUND`, `NOT_A_STORE`, `LOCKED` if another process has it open, `MODEL_MISMATCH`, `EMBEDDER_*`,
   *   `ABORTED`, `NO_SPACE`, `IO`
   */
  static async repair(path: string, options: RepairOptions = {}): Promise<RepairResult> {
    return await repairStore(path, options, (file, traits) => VectorStore.open(file, traits));
  }

  get path(): string {
    return this.#store.database.path;
  }

  get metric(): Metric {
    // The first passage fixes the metric, and another process may add it.
    if (this.#metric === undefined && !this.#closing) this.#metric = readMeta(this.#store.database.reader).metric;
    return this.#metric ?? this.#store.settings.metric ?? "cosine";
  }

  get embedder(): Embedder | undefined {
    return this.#store.model.embedder;
  }

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

  get(ids: readonly string[]): Promise<(Passage | undefined)[]> {
    return this.#run(async () => {
      const { passages } = this.#store;
      return await inPages(cleanIds(ids), (page) => passages.byIds(page).map((row) => row && toPassage(row)));
    });
  }

  has(ids: readonly string[]): Promise<boolean[]> {
    return this.#run(async () => {
      const { passages } = this.#store;
      return await inPages(cleanIds(ids), (page) => passages.nodesOf(page).map((node) => node !== undefined));
    });
  }

  count(filter?: Filter | PassageTest): Promise<number> {
    return this.#run(async () => {
      if (filter === undefined) return this.#store.passages.count();
      return (await this.#matching(conditionOf(filter))).count;
    });
  }

  async *passages(options: ListOptions = {}): AsyncGenerator<Passage> {
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

  delete(what: { ids: readonly string[] } | { filter: Filter } | { all: true }): Promise<number> {
    return this.#run(async () => {
      const target = deleteTarget(what);
      return await removePassages(this.#store.database, this.#store.passages, target, this.#stop.signal);
    });
  }

  records(namespace: string): Records {
    return new StoredRecords(namespace, this.#store.database, (work) => this.#run(work));
  }

  stats(options?: StatsOptions): Promise<Stats> {
    return this.#run(async () => {
      const settings = resolveStatsOptions(options);
      return await this.#stoppable(settings.signal, (signal) => readStats(this.#store, { ...settings, signal }));
    });
  }

  compact(options?: CompactOptions): Promise<CompactResult> {
    return this.#run(async () => {
      const { signal: given, onProgress } = resolveCompactOptions(options);
      return await this.#stoppable(given, (signal) => compactStore(this.#store, { signal, onProgress }));
    });
  }

  verify(options?: { signal?: AbortSignal }): Promise<VerifyReport> {
    return this.#run(async () => {
      const { database, passages } = this.#store;
      const { signal: given } = resolveVerifyOptions(options);
      return await this.#stoppable(given, (signal) => verifyStore(database, passages, signal));
    });
  }

  backup(path: string, options?: BackupOptions): Promise<void> {
    return this.#run(async () => {
      const settings = resolveBackupOptions(options);
      await this.#stoppable(settings.signal, (signal) =>
        copyDatabase(this.#store.database, path, { ...settings, signal }),
      );
    });
  }

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

  /** Runs `work` with a signal that fires when the caller's signal fires or the store closes. */
  #stoppable<T>(signal: AbortSignal | undefined, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    return withAnyOf([signal, this.#stop.signal], work);
  }

  #matching(condition: Condition): Promise<Matching> {
    return this.#store.filters.matching(condition, this.#stop.signal);
  }
}

/** Ids looked up at once. */
const PAGE = 64;

/** Looks up ids page by page, with turns for others in between. */
async function inPages<T>(ids: readonly string[], look: (page: readonly string[]) => T[]): Promise<T[]> {
  const turns = new Turns();
  const found: T[] = [];
  for (let at = 0; at < ids.length; at += PAGE) {
    await turns.give();
    for (const one of look(ids.slice(at, at + PAGE))) found.push(one);
  }
  return found;
}

function toPassage({ id, text, metadata }: PassageRow): Passage {
  return { id, text, metadata };
}
