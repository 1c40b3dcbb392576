import { setMaxListeners } from "node:events";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Embedder } from "./embed/embedder.js";
import { EmbedlessError, wrongType } from "./errors.js";
import { Ingest } from "./ingest/ingest.js";
import { type LinkRun, linkNodes } from "./ingest/link.js";
import { checkCondemned, removePassages } from "./ingest/remove.js";
import { prepareSampleQueries, type SampleQuery } from "./ingest/sample_queries.js";
import { vectorsToLink } from "./ingest/vectors_to_link.js";
import { type NativeIndex, native } from "./native.js";
import {
  checkKeys,
  resolveAddOptions,
  resolveCompactOptions,
  resolveOpenOptions,
  resolveSearchOptions,
  resolveStatsOptions,
  wholeNumberWithin,
} from "./options.js";
import { type FilterTree, parseFilter } from "./passage/filter.js";
import { checkFilterable, ensureFilterable } from "./passage/filterable.js";
import { cleanId, cleanIds, type PassageRow, Passages } from "./passage/passages.js";
import { cleanText } from "./passage/text.js";
import { planStore } from "./plan_store.js";
import { CodeIndex } from "./search/code_index.js";
import { Coders } from "./search/coders.js";
import { FilterBitmaps, type Matching, matchingPage } from "./search/filter_bitmap.js";
import { KeptVectors } from "./search/kept_vectors.js";
import { ModelOfStore } from "./search/model_of_store.js";
import type { ExactVectors } from "./search/recompute.js";
import { Searcher } from "./search/searcher.js";
import { StoreGraph } from "./search/store_graph.js";
import { cleanVector } from "./search/vectors.js";
import { WaitingVectors } from "./search/waiting_vectors.js";
import { readStats } from "./stats.js";
import { Database } from "./storage/database.js";
import { readMeta } from "./storage/meta.js";
import { requireUseful, traitsOf } from "./storage/traits.js";
import type {
  AddItem,
  AddOptions,
  AddResult,
  CompactOptions,
  CompactResult,
  Filter,
  Metric,
  OpenOptions,
  Passage,
  PlanOptions,
  SearchOptions,
  SearchResult,
  Stats,
  StatsOptions,
  StorePlan,
  VerifyReport,
} from "./types.js";
import { verifyStore } from "./verify.js";

type Settings = ReturnType<typeof resolveOpenOptions>;

/** Passages read at once when listing. */
const PAGE = 256;

/**
 * A collection of passages in one file, searched by meaning. It keeps texts and short codes, no vectors: a search
 * estimates all scores from the codes and embeds only those passages anew that could still be among the best. With the
 * option `vectors` it keeps them after all, and then ranks by those.
 *
 * Any number of processes may use the same file at once. Every method but `close` throws `CLOSED` after `close`.
 *
 * ```ts
 * const store = await VectorStore.open("notes.db");
 * await store.add([{ text: "The ferry leaves at nine." }]);
 * const { hits } = await store.search("When does the boat go?");
 * await store.close();
 * ```
 */
export class VectorStore {
  readonly #database: Database;
  readonly #passages: Passages;
  readonly #index: CodeIndex;
  readonly #kept: KeptVectors;
  readonly #graph: StoreGraph;
  readonly #filters: FilterBitmaps;
  readonly #ingest: Ingest;
  readonly #searcher: Searcher;
  readonly #model: ModelOfStore;
  readonly #stop = new AbortController();
  readonly #running = new Set<Promise<unknown>>();
  readonly #settings: Settings;
  readonly #toLink: (run: LinkRun) => Promise<NativeIndex | undefined>;
  #metric: Metric | undefined;
  #closing: Promise<void> | undefined;

  private constructor(database: Database, settings: Settings, samples: SampleQuery[] | undefined) {
    const addon = native();
    const coders = new Coders(addon);
    // Every operation under way listens to it, and there may be any number of them.
    setMaxListeners(0, this.#stop.signal);
    this.#database = database;
    this.#settings = settings;
    this.#passages = new Passages(database);
    this.#index = new CodeIndex(addon, database, coders, settings.vectorsIn === "file");
    this.#graph = new StoreGraph(addon, database);
    this.#kept = new KeptVectors({ addon, database, coders }, settings.vectorsIn);
    this.#model = new ModelOfStore(database, settings);
    this.#filters = new FilterBitmaps(database);
    const model = () => this.#model.proven();
    const parts = { addon, database, passages: this.#passages, coders, model, asked: settings };
    this.#ingest = new Ingest({ ...parts, sampleQueries: samples });
    const kept = () => (this.#kept.coder ? this.#kept : undefined);
    const waiting = (others: ExactVectors) => new WaitingVectors(database, coders, others);
    const searched = { index: this.#index, graph: this.#graph, passages: this.#passages, filters: this.#filters };
    this.#searcher = new Searcher({ ...searched, model, kept, waiting }, settings);
    const nodes = async () => {
      await this.#index.refresh();
      return this.#index.current;
    };
    this.#toLink = (run) => vectorsToLink({ ...parts, nodes }, run);
  }

  /**
   * Opens the store at `path` and makes it if it may. Nothing is embedded and no model is loaded yet.
   *
   * @param path The file. Its folder must exist.
   * @throws EmbedlessError `NOT_FOUND` (with `create: false`), `NOT_A_STORE`, `FORMAT_VERSION`, `CORRUPT`, `LOCKED`, `IO`,
   *   `METRIC_MISMATCH`, `INVALID_ARGUMENT` for codes or vectors that are not the store's, `MODEL_MISMATCH` if `embedder` says that it is not the one that made the store, `NATIVE_LOAD`
   */
  static async open(path: string, options: OpenOptions = {}): Promise<VectorStore> {
    if (typeof path !== "string" || path === "") throw wrongType("path", "the name of a file", path);
    const settings = resolveOpenOptions(options);
    const samples = settings.sampleQueries && prepareSampleQueries(settings.sampleQueries);
    const filterable = checkFilterable(options.filterable);
    native();
    const database = await Database.open(path, settings);
    try {
      const meta = readMeta(database.reader);
      requireUseful(settings, traitsOf(meta, settings));
      const store = new VectorStore(database, settings, samples);
      store.#model.requireGiven(meta);
      await ensureFilterable(database, filterable);
      await store.#graph.refresh();
      await store.#index.refresh();
      await store.#kept.refresh();
      return store;
    } catch (error) {
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

  /** The file, as an absolute path. */
  get path(): string {
    return this.#database.path;
  }

  /** How passages and questions are compared. */
  get metric(): Metric {
    // Whoever adds the first passage settles it, another process too.
    if (this.#metric === undefined && !this.#closing) this.#metric = readMeta(this.#database.reader).metric;
    return this.#metric ?? this.#settings.metric ?? "cosine";
  }

  /** The embedder given to `open`, or the one that the store made for itself once it was needed. */
  get embedder(): Embedder | undefined {
    return this.#model.embedder;
  }

  /**
   * Adds passages. An id that exists is replaced; the same text under the same id is not embedded again, only its
   * metadata is set. An array is added all or nothing; an iterable is committed every 512 passages or 3 seconds, and an
   * error then carries how many are `committed`. When the promise resolves, all is on disk.
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
      const stop = this.#stoppable(checked.signal);
      const merged = { signal: stop, ...(checked.onProgress && { onProgress: checked.onProgress }) };
      if (Array.isArray(items)) return await this.#ingest.addArray(items, merged);
      return await this.#ingest.addStream(requireIterable(items), merged);
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
      const question = typeof query === "string" ? cleanText(query, "query") : cleanVector(query, "query");
      const filter = options?.filter === undefined ? undefined : parseFilter(options.filter);
      return await this.#searcher.search(question, settings, filter, this.#stoppable(settings.signal));
    });
  }

  /** The passages of these ids, in their order; `undefined` where there is none. Throws `INVALID_ID`, `CORRUPT`. */
  get(ids: readonly string[]): Promise<(Passage | undefined)[]> {
    return this.#run(async () => {
      const found = this.#passages.byIds(cleanIds(ids));
      return found.map((row) => row && toPassage(row));
    });
  }

  /** Of each id whether it is stored. Throws `INVALID_ID`. */
  has(ids: readonly string[]): Promise<boolean[]> {
    return this.#run(async () => cleanIds(ids).map((id) => this.#passages.nodeOf(id) !== undefined));
  }

  /**
   * How many passages there are, or how many match a filter: counted on one snapshot of the store.
   *
   * @throws `INVALID_FILTER`, `CORRUPT`
   */
  count(filter?: Filter): Promise<number> {
    return this.#run(async () => {
      if (filter === undefined) return this.#passages.count();
      return (await this.#matching(parseFilter(filter))).count;
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
  async *passages(options: { filter?: Filter; after?: string; limit?: number } = {}): AsyncGenerator<Passage> {
    checkKeys("passages", options, { filter: 1, after: 1, limit: 1 });
    const { after, limit, filter } = options;
    let left = limit === undefined ? Number.POSITIVE_INFINITY : wholeNumberWithin("limit", limit, 0, 2 ** 53 - 1);
    const tree = filter === undefined ? undefined : parseFilter(filter);
    const selected = tree && { tree, bits: (await this.#run(() => this.#matching(tree))).bits };
    let last = after === undefined ? -1 : await this.#run(async () => this.#requireNode(cleanId(after, "after")));
    while (left > 0) {
      const size = Math.min(PAGE, left);
      const page = await this.#run(async () =>
        selected ? matchingPage(this.#passages, selected, last, size) : this.#passages.page(last, size),
      );
      for (const row of page) yield toPassage(row);
      if (page.length === 0) return;
      left -= page.length;
      last = page.at(-1)!.node;
      await nextTurn();
    }
  }

  /**
   * Deletes passages, all that are meant or none of them. Unknown ids are passed over. A filter is decided inside the
   * same transaction; an empty one is refused, because `{ all: true }` says it better.
   *
   * @returns how many there were
   * @throws `INVALID_ARGUMENT`, `INVALID_ID`, `INVALID_FILTER`, `LOCKED`, `READONLY`, `NO_SPACE`, `IO`
   */
  delete(what: { ids: readonly string[] } | { filter: Filter } | { all: true }): Promise<number> {
    return this.#run(async () => {
      const condemned = checkCondemned(what);
      return await removePassages(this.#database, this.#passages, condemned, this.#stop.signal);
    });
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
      await this.#index.refresh();
      const parts = {
        database: this.#database,
        asked: this.#settings,
        codeRowBytes: this.#index.current?.coder.rowBytes ?? 0,
        keptRowBytes: this.#kept.coder?.rowBytes ?? 0,
        embedder: async () => (await this.#model.proven()).embedder,
      };
      return await readStats(parts, { ...settings, signal: this.#stoppable(settings.signal) });
    });
  }

  /**
   * Builds the graph that the option `index` asks for, or brings it up to date: until then passages are found by scan, and
   * found all the same. Takes minutes a million passages, off the main thread; others read and write meanwhile.
   *
   * @throws `INVALID_ARGUMENT`, `LOCKED`, `READONLY`, `NO_SPACE`, `IO`, `CORRUPT`, `ABORTED`
   */
  compact(options?: CompactOptions): Promise<CompactResult> {
    return this.#run(async () => {
      const { signal, onProgress } = resolveCompactOptions(options);
      await this.#graph.refresh();
      await this.#index.refresh();
      const traits = traitsOf(readMeta(this.#database.reader), this.#settings);
      const isAlone = traits.codes === "none" && this.#kept.coder === undefined;
      // Graphs of vectors are better than graphs of codes, whatever is walked on.
      const codes = async (run: LinkRun) => (isAlone ? await this.#toLink(run) : this.#index.current);
      const rows = async (run: LinkRun) => (await this.#kept.all()) ?? (await codes(run));
      const inMemory = this.#kept.inMemory !== undefined;
      const graph = isAlone ? undefined : this.#graph.current;
      const parts = { addon: native(), database: this.#database, rows, inMemory, graph };
      return await linkNodes(parts, traits, { signal: this.#stoppable(signal), onProgress });
    });
  }

  /**
   * Reads everything and compares it with its checksums and with each other. Other methods go on meanwhile.
   *
   * @param options.signal Stops it with `ABORTED`.
   */
  verify(options: { signal?: AbortSignal } = {}): Promise<VerifyReport> {
    return this.#run(() => verifyStore(this.#database, this.#passages, this.#stoppable(options.signal)));
  }

  /** Stops what is running (it rejects with `ABORTED`), and lets go of the file and of a model of the store's own. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#stop.abort(new EmbedlessError("CLOSED", "The store was closed."));
    await Promise.allSettled(this.#running);
    await this.#model.close();
    await this.#database.close();
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

  /** A signal that fires with the caller's or when the store closes. */
  #stoppable(signal: AbortSignal | undefined): AbortSignal {
    return signal ? AbortSignal.any([signal, this.#stop.signal]) : this.#stop.signal;
  }

  #matching(tree: FilterTree): Promise<Matching> {
    return this.#filters.matching(tree, this.#stop.signal);
  }

  #requireNode(id: string): number {
    const node = this.#passages.nodeOf(id);
    if (node === undefined)
      throw new EmbedlessError("NOT_FOUND", `There is no passage ${JSON.stringify(id)} to go on after.`);
    return node;
  }
}

function toPassage({ id, text, metadata }: PassageRow): Passage {
  return { id, text, metadata };
}

function requireIterable<T>(items: Iterable<T> | AsyncIterable<T>): Iterable<T> | AsyncIterable<T> {
  const given = items as unknown;
  if (typeof given === "object" && given !== null && (Symbol.iterator in given || Symbol.asyncIterator in given))
    return items;
  throw wrongType("items", "an array or an iterable of { text, id?, metadata?, vector? }", given);
}
