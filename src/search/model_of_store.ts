import type { Embedder, EmbedderSource } from "../embed/embedder.js";
import { minilm } from "../embed/minilm/minilm.js";
import { embedderFromSource } from "../embed/source.js";
import { EmbedlessError } from "../errors.js";
import { getCanaries } from "../storage/canaries.js";
import type { Database } from "../storage/database.js";
import { type Meta, readMeta, type StoredEmbedder } from "../storage/meta.js";
import { Model, requireSameModel } from "./model.js";

/** The embedder given to the store, or the one that it finds for itself once something has to be embedded. */
export class ModelOfStore {
  readonly #database: Database;
  readonly #given: Embedder | undefined;
  readonly #watch: { timeoutMs: number; minCosine: number };
  #own: Embedder | undefined;
  #model: Promise<Model> | undefined;

  constructor(
    database: Database,
    settings: { embedder: Embedder | undefined; embedTimeoutMs: number; minCanaryCosine: number },
  ) {
    this.#database = database;
    this.#given = settings.embedder;
    this.#watch = { timeoutMs: settings.embedTimeoutMs, minCosine: settings.minCanaryCosine };
  }

  get embedder(): Embedder | undefined {
    return this.#given ?? this.#own;
  }

  /** Throws `MODEL_MISMATCH` if the embedder that was given says that it did not make this store. */
  requireGiven(meta: Meta): void {
    if (meta.embedder !== undefined && this.#given !== undefined) requireSameModel(meta.embedder.id, this.#given);
  }

  /**
   * The model, told what the store knows of it (if the store has passages yet), so that its first use proves it.
   *
   * @throws EmbedlessError `MODEL_MISMATCH`, `DIMENSION_MISMATCH`, `NOT_FOUND` if the model's files are gone
   */
  async proven(): Promise<Model> {
    this.#model ??= this.#make().catch((error: unknown) => {
      this.#model = undefined;
      throw error;
    });
    const model = await this.#model;
    // Asked for at every batch of a search, so the store's rows are read only until they have been told.
    if (model.isExpected) return model;
    const { embedder, dims, metric } = readMeta(this.#database.reader);
    if (embedder && dims && metric) {
      model.expect({ id: embedder.id, dims, metric, canaries: getCanaries(this.#database.reader) });
    }
    return model;
  }

  /** Ends the embedder if the store made it. */
  async close(): Promise<void> {
    await this.#own?.close?.();
  }

  async #make(): Promise<Model> {
    this.#own = this.#given ? undefined : await this.#find();
    return new Model((this.#given ?? this.#own)!, this.#watch);
  }

  async #find(): Promise<Embedder> {
    return await embedderOf(readMeta(this.#database.reader).embedder);
  }
}

/**
 * The embedder that a store names; the bundled model for one that names none.
 *
 * @throws EmbedlessError `MODEL_MISMATCH` if it cannot be made from its name, `NOT_FOUND` if its files are gone
 */
export async function embedderOf(stored: StoredEmbedder | undefined): Promise<Embedder> {
  if (stored === undefined) return minilm();
  if (stored.source !== undefined) return await embedderFromSource(stored.source as EmbedderSource);
  throw new EmbedlessError(
    "MODEL_MISMATCH",
    `The store was made with the embedder ${stored.id}, which cannot be made from its name: give it to open() as the option embedder.`,
  );
}
