import { type Embedder, EmbedlessError, type OpenOptions, type Store, VectorStore } from "../src/index.js";
import { invalid } from "./errors.js";
import { storeFile } from "./location.js";
import { makeTemporaryFile, removeTemporaryFile } from "./temporary.js";

/**
 * Where the passages are.
 *
 * - `{ path }`: a store file, or a folder with `embedless.db` in it. It is created on first use if it is missing. All
 *   options of `VectorStore.open` except embedder and metric apply.
 * - `{ store }`: an open `Store`: a `VectorStore`, or another one such as a proxy of a store in another process. The
 *   caller closes it.
 * - neither, or `{ path: ":memory:" }`: a private temporary file, removed on `close()` or when the process ends.
 */
export type StoreLocation =
  | ({ path?: string; store?: undefined } & Omit<OpenOptions, "embedder" | "metric">)
  | { store: Store; path?: undefined };

/** SQLite's name for a database that ends with the process. */
export const IN_MEMORY = ":memory:";

/** A core store that is opened by the first call that needs it. */
export class LazyStore {
  readonly #location: StoreLocation;
  readonly #embedder: () => Embedder;
  readonly #temporary: boolean;
  #opening: Promise<Store> | undefined;
  #current: Store | undefined;
  #file: string | undefined;
  #closed = false;

  /**
   * Opens nothing yet.
   *
   * @param framework The framework's name, for errors.
   * @param embedder Called when the store is opened, or at once if the store is open already.
   * @throws `METRIC_MISMATCH` or `MODEL_MISMATCH` if `location.store` has another metric than cosine or another
   *   embedder.
   */
  constructor(framework: string, location: StoreLocation, embedder: () => Embedder) {
    this.#location = location;
    this.#embedder = embedder;
    this.#temporary = location.store === undefined && (location.path === undefined || location.path === IN_MEMORY);
    requireNothingOfOurs(framework, location);
    if (location.store) {
      checkWrapped(framework, location.store, embedder());
      this.#current = location.store;
    }
  }

  /** The store, if it is open already. */
  get current(): Store | undefined {
    return this.#closed ? undefined : this.#current;
  }

  /** The store, opened if it is not open yet. Throws `CLOSED` after `close`, and what `VectorStore.open` throws. */
  async open(): Promise<Store> {
    if (this.#closed) throw new EmbedlessError("CLOSED", "The vector store was closed.");
    this.#opening ??= this.#open().catch((error) => {
      this.#opening = undefined; // What was wrong (a lock, a missing folder) may be mended before the next call.
      throw error;
    });
    return this.#opening;
  }

  /** Closes the file, and removes it if it was temporary. A store that was given stays open. It may be called twice. */
  async close(): Promise<void> {
    this.#closed = true;
    const opening = this.#opening;
    this.#opening = undefined;
    if (opening && !this.#location.store) {
      // If the file could not be opened, the callers that wait for it get the error, and there is nothing to close.
      await opening.then(
        (store) => store.close(),
        () => {},
      );
    }
    if (this.#temporary && this.#file) removeTemporaryFile(this.#file);
  }

  async #open(): Promise<Store> {
    if (this.#location.store) return this.#location.store;
    const { path, store: _, ...options } = this.#location;
    this.#file ??= this.#temporary || path === undefined ? makeTemporaryFile() : storeFile(path);
    // A temporary file need not survive a power cut.
    if (this.#temporary) options.durability ??= "normal";
    this.#current = await VectorStore.open(this.#file, { ...options, metric: "cosine", embedder: this.#embedder() });
    return this.#current;
  }
}

/** Throws for options of `VectorStore.open` that an adapter decides itself: to drop them in silence would surprise. */
function requireNothingOfOurs(framework: string, location: object): void {
  const { metric = "cosine", embedder } = location as { metric?: unknown; embedder?: unknown };
  if (metric !== "cosine") {
    throw new EmbedlessError("METRIC_MISMATCH", `${framework} scores are cosines: leave metric out of the config.`);
  }
  if (embedder !== undefined) {
    throw invalid("Expected no embedder in the config: the store embeds with the embeddings that it is given.");
  }
}

/** Throws unless a framework can work with an open core store. */
function checkWrapped(framework: string, store: Store, { id }: Embedder): void {
  if (store.metric !== "cosine") {
    throw new EmbedlessError(
      "METRIC_MISMATCH",
      `${framework} scores are cosines, but config.store compares by ${store.metric}.`,
    );
  }
  if (store.embedder && store.embedder.id !== id) {
    throw new EmbedlessError(
      "MODEL_MISMATCH",
      `The embeddings are ${JSON.stringify(id)}, but config.store embeds with ${JSON.stringify(store.embedder.id)}.`,
    );
  }
}
