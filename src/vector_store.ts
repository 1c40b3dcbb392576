import { setMaxListeners } from "node:events";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Embedder } from "./embed/embedder.js";
import { EmbedlessError, wrongType } from "./errors.js";
import { Ingest } from "./ingest/ingest.js";
import { removePassages } from "./ingest/remove.js";
import { native } from "./native.js";
import {
  checkKeys,
  resolveAddOptions,
  resolveOpenOptions,
  resolveSearchOptions,
  wholeNumberWithin,
} from "./options.js";
import { cleanId, type PassageRow, Passages } from "./passage/passages.js";
import { cleanText } from "./passage/text.js";
import { CodeIndex } from "./search/code_index.js";
import { Coders } from "./search/coders.js";
import { ModelOfStore } from "./search/model_of_store.js";
import { Searcher } from "./search/searcher.js";
import { cleanVector } from "./search/vectors.js";
import { codeBytes } from "./storage/codes.js";
import { Database } from "./storage/database.js";
import { type Meta, readMeta } from "./storage/meta.js";
import { countPending } from "./storage/pending.js";
import type {
  AddItem,
  AddOptions,
  AddResult,
  Metric,
  OpenOptions,
  Passage,
  SearchOptions,
  SearchResult,
  Stats,
  VerifyReport,
} from "./types.js";
import { verifyStore } from "./verify.js";

type Settings = ReturnType<typeof resolveOpenOptions>;

/** Passages read at once when listing. */
const PAGE = 256;

/**
 * A collection of passages in one file, searched by meaning. It keeps texts and short codes, no vectors: a search
 * estimates all scores from the codes and embeds only those passages anew that could still be among the best.
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
  readonly #ingest: Ingest;
  readonly #searcher: Searcher;
  readonly #model: ModelOfStore;
  readonly #stop = new AbortController();
  readonly #running = new Set<Promise<unknown>>();
  readonly #metric: Metric;
  #closing: Promise<void> | undefined;

  private constructor(database: Database, settings: Settings, meta: Meta) {
    const addon = native();
    const coders = new Coders(addon);
    // Every operation under way listens to it, and there may be any number of them.
    setMaxListeners(0, this.#stop.signal);
    this.#database = database;
    this.#metric = meta.metric ?? settings.metric ?? "cosine";
    this.#passages = new Passages(database);
    this.#index = new CodeIndex(addon, database, (known) => coders.find(database.reader, known.codebook, known));
    this.#model = new ModelOfStore(database, settings);
    const model = () => this.#model.proven();
    this.#ingest = new Ingest({ addon, database, passages: this.#passages, coders, model, metric: this.#metric });
    this.#searcher = new Searcher(this.#index, this.#passages, model, settings);
  }

  /**
   * Opens the store at `path` and makes it if it may. Nothing is embedded and no model is loaded yet.
   *
   * @param path The file. Its folder must exist.
   * @throws EmbedlessError `NOT_FOUND` (with `create: false`), `NOT_A_STORE`, `FORMAT_VERSION`, `CORRUPT`, `LOCKED`, `IO`,
   *   `METRIC_MISMATCH`, `MODEL_MISMATCH` if `embedder` says that it is not the one that made the store, `NATIVE_LOAD`
   */
  static async open(path: string, options: OpenOptions = {}): Promise<VectorStore> {
    if (typeof path !== "string" || path === "") throw wrongType("path", "the name of a file", path);
    const settings = resolveOpenOptions(options);
    native();
    const database = await Database.open(path, settings);
    try {
      const meta = readMeta(database.reader);
      requireMetric(meta, settings.metric);
      const store = new VectorStore(database, settings, meta);
      store.#model.requireGiven(meta);
      await store.#index.refresh();
      return store;
    } catch (error) {
      await database.close();
      throw error;
    }
  }

  /** The file, as an absolute path. */
  get path(): string {
    return this.#database.path;
  }

  /** How passages and questions are compared. */
  get metric(): Metric {
    return this.#metric;
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
   * The passages nearest to a question.
   *
   * @param query A text, or a vector of the store's embedder.
   * @returns the best `k` (fewer if the store holds fewer), best first, equal scores in the order of adding
   * @throws `INVALID_ARGUMENT`, `INVALID_TEXT`, `INVALID_VECTOR`, `DIMENSION_MISMATCH`, `MODEL_MISMATCH`, `EMBEDDER_*`,
   *   `CORRUPT`, `ABORTED`
   */
  search(query: string | ArrayLike<number>, options?: SearchOptions): Promise<SearchResult> {
    return this.#run(async () => {
      const settings = resolveSearchOptions(options);
      const question = typeof query === "string" ? cleanText(query, "query") : cleanVector(query, "query");
      return await this.#searcher.search(question, settings, this.#stoppable(settings.signal));
    });
  }

  /** The passages of these ids, in their order; `undefined` where there is none. Throws `INVALID_ID`, `CORRUPT`. */
  get(ids: readonly string[]): Promise<(Passage | undefined)[]> {
    return this.#run(async () => {
      const found = this.#passages.byIds(checkIds(ids));
      return found.map((row) => row && toPassage(row));
    });
  }

  /** Of each id whether it is stored. Throws `INVALID_ID`. */
  has(ids: readonly string[]): Promise<boolean[]> {
    return this.#run(async () => checkIds(ids).map((id) => this.#passages.nodeOf(id) !== undefined));
  }

  /** How many passages there are. */
  count(): Promise<number> {
    return this.#run(async () => this.#passages.count());
  }

  /**
   * All passages in the order they were added, read page by page; what is added meanwhile may or may not be seen.
   *
   * @param options.after Start behind the passage of this id.
   * @param options.limit Most passages to give.
   * @throws `NOT_FOUND` for an unknown `after`, `INVALID_ARGUMENT`, `CORRUPT`
   */
  async *passages(options: { after?: string; limit?: number } = {}): AsyncGenerator<Passage> {
    checkKeys("passages", options, { after: 1, limit: 1 });
    const { after, limit } = options;
    let left = limit === undefined ? Number.POSITIVE_INFINITY : wholeNumberWithin("limit", limit, 0, 2 ** 53 - 1);
    let last = after === undefined ? -1 : await this.#run(async () => this.#requireNode(cleanId(after, "after")));
    while (left > 0) {
      const page = await this.#run(async () => this.#passages.page(last, Math.min(PAGE, left)));
      for (const row of page) yield toPassage(row);
      if (page.length === 0) return;
      left -= page.length;
      last = page.at(-1)!.node;
      await nextTurn();
    }
  }

  /**
   * Deletes passages, all named or none of them. Unknown ids are passed over.
   *
   * @returns how many there were
   * @throws `INVALID_ARGUMENT`, `INVALID_ID`, `LOCKED`, `READONLY`, `NO_SPACE`, `IO`
   */
  delete(what: { ids: readonly string[] } | { all: true }): Promise<number> {
    return this.#run(async () => {
      checkKeys("delete", what, { ids: 1, all: 1 });
      const { ids, all } = what as { ids?: readonly string[]; all?: unknown };
      if ((ids === undefined) === (all === undefined) || (all !== undefined && all !== true)) {
        throw wrongType("what to delete", "{ ids } or { all: true }", what);
      }
      const named = ids && [...new Set(checkIds(ids))];
      return await removePassages(this.#database, this.#passages, named, this.#stop.signal);
    });
  }

  /** Sizes and settings. `fileBytes` includes the write-ahead log, which `close` folds into the file. */
  stats(): Promise<Stats> {
    return this.#run(async () => {
      await this.#index.refresh();
      const c = this.#database.reader;
      const meta = readMeta(c);
      const pending = countPending(c);
      const coder = this.#index.current?.coder;
      return {
        path: this.path,
        passages: meta.passages,
        dims: meta.dims,
        metric: this.#metric,
        embedder: meta.embedder?.id,
        codebook: meta.codebook?.kind ?? (meta.dims === undefined ? "none" : "pending"),
        pending,
        codeBytesPerPassage: coder?.kind === "pq" ? coder.rowBytes : 0,
        rawBytes: meta.rawBytes,
        textBytes: meta.textBytes,
        codeBytes: codeBytes(c),
        fileBytes: this.#database.fileBytes(),
        vectorBytes: meta.passages * (meta.dims ?? 0) * 4,
      };
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

  #requireNode(id: string): number {
    const node = this.#passages.nodeOf(id);
    if (node === undefined)
      throw new EmbedlessError("NOT_FOUND", `There is no passage ${JSON.stringify(id)} to go on after.`);
    return node;
  }
}

function requireMetric({ metric }: Meta, wanted: Metric | undefined): void {
  if (metric === undefined || wanted === undefined || metric === wanted) return;
  throw new EmbedlessError("METRIC_MISMATCH", `The store has the metric ${metric}, but ${wanted} was asked for.`);
}

function toPassage({ id, text, metadata }: PassageRow): Passage {
  return { id, text, metadata };
}

function checkIds(ids: unknown): string[] {
  if (!Array.isArray(ids)) throw wrongType("ids", "an array of strings", ids);
  return ids.map((id, i) => cleanId(id, `ids[${i}]`));
}

function requireIterable<T>(items: Iterable<T> | AsyncIterable<T>): Iterable<T> | AsyncIterable<T> {
  const given = items as unknown;
  if (typeof given === "object" && given !== null && (Symbol.iterator in given || Symbol.asyncIterator in given))
    return items;
  throw wrongType("items", "an array or an iterable of { text, id?, metadata?, vector? }", given);
}
