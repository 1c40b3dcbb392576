import { type Embedder, EmbedlessError, type OpenOptions, type Store, VectorStore } from "../src/index.js";
import { invalid } from "./errors.js";
import { storeFile } from "./location.js";
import { makeTemporaryFile, removeTemporaryFile } from "./temporary.js";

/**
 * Where the passages are.
 *
 * - `{ path }`: a store file, or a folder with `embedless.db` in it; made on first use if missing. All options of
 *   `VectorStore.open` but embedder and metric apply.
 * - `{ store }`: an open `Store`: a `VectorStore`, or another one such as a proxy of a store in another process. The caller closes it.
 * - neither, or `{ path: ":memory:" }`: a private temporary file, removed on `close()` or when the process ends.
 */
export type StoreLocation =
  | ({ path?: string; store?: undefined } & Omit<OpenOptions, "embedder" | "metric">)
  | { store: Store; path?: undefined };

/** What SQLite calls a database that goes with the process. */
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
   * @param framework For errors: whose scores are cosines.
   * @param embedder Called when the store is opened, and at once for one that is open already.
   * @throws `METRIC_MISMATCH` or `MODEL_MISMATCH` if `location.store` compares by anything but cosine or embeds otherwise.
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

  /** The store if it is open by now. */
  get current(): Store | undefined {
    return this.#closed ? undefined : this.#current;
  }

  /** The store, opened if need be. Throws `CLOSED` after `close`, and what `VectorStore.open` throws. */
  async open(): Promise<Store> {
    if (this.#closed) throw new EmbedlessError("CLOSED", "The vector store was closed.");
    this.#opening ??= this.#open().catch((error) => {
      this.#opening = undefined; // What was wrong (a lock, a missing folder) may be mended before the next call.
      throw error;
    });
    return this.#opening;
  }

  /** Closes the file and removes it if it was temporary. A store that was given stays open. May be called twice. */
  async close(): Promise<void> {
    this.#closed = true;
    const opening = this.#opening;
    this.#opening = undefined;
    if (opening && !this.#location.store) {
      // Whoever waits for a file that could not be opened gets the error; to close there is nothing.
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
    // Nobody reads a temporary file after a power cut.
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
