import type { Embedder, EmbedderSource } from "../api/embedder.js";
import { EmbedlessError } from "../base/errors.js";
import type { Database } from "../storage/database.js";
import { type Meta, readMeta, type StoredEmbedder } from "../storage/meta.js";
import { getCanaries } from "../storage/model_rows.js";
import { minilm } from "./minilm/minilm.js";
import { Model, requireSameModel } from "./model.js";
import { embedderFromSource, remoteAddressOf } from "./source.js";

/** The embedder given to the store, or the one that the store finds when something must be embedded. */
export class ModelOfStore {
  readonly #database: Database;
  readonly #given: Embedder | undefined;
  readonly #watch: { timeoutMs: number; minCosine: number };
  readonly #trustsAddress: boolean;
  #own: Embedder | undefined;
  #model: Promise<Model> | undefined;
  #closed = false;

  constructor(
    database: Database,
    settings: {
      embedder: Embedder | undefined;
      embedTimeoutMs: number;
      minCanaryCosine: number;
      trustStoredAddress: boolean;
    },
  ) {
    this.#database = database;
    this.#given = settings.embedder;
    this.#trustsAddress = settings.trustStoredAddress;
    this.#watch = { timeoutMs: settings.embedTimeoutMs, minCosine: settings.minCanaryCosine };
  }

  get embedder(): Embedder | undefined {
    return this.#given ?? this.#own;
  }

  /** Throws `MODEL_MISMATCH` if the given embedder has another id than the one that created the store. */
  requireGiven(meta: Meta): void {
    if (meta.embedder !== undefined && this.#given !== undefined) requireSameModel(meta.embedder.id, this.#given);
  }

  /**
   * The model with what the store knows of it (if the store has passages), so that its first use proves it.
   *
   * @throws EmbedlessError `MODEL_MISMATCH`, `DIMENSION_MISMATCH`, `NOT_FOUND` if the model's files are gone
   */
  async proven(): Promise<Model> {
    this.#model ??= this.#make().catch((error: unknown) => {
      this.#model = undefined;
      throw error;
    });
    const model = await this.#model;
    // Every batch of a search calls this, so the store's rows are read only once.
    if (model.isExpected) return model;
    const { embedder, dims, metric } = readMeta(this.#database.reader);
    if (embedder && dims && metric) {
      const canaries = getCanaries(this.#database.reader);
      model.expect({ id: embedder.id, batchCosine: embedder.batchCosine, dims, metric, canaries });
    }
    return model;
  }

  /**
   * Starts the model, so that the first question need not wait for it. A failure here appears again when it is needed.
   */
  preload(): void {
    const start = async () => {
      const { embedder } = await this.proven();
      if (!this.#closed) await embedder.preload?.();
    };
    start().catch(() => {});
  }

  /** Ends the embedder if the store created it. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#model?.catch(() => {});
    await this.#own?.close?.();
  }

  async #make(): Promise<Model> {
    this.#own = this.#given ? undefined : await this.#find();
    return new Model((this.#given ?? this.#own)!, this.#watch);
  }

  async #find(): Promise<Embedder> {
    return await embedderOf(readMeta(this.#database.reader).embedder, this.#trustsAddress);
  }
}

/**
 * The embedder that a store names, or the bundled model if it names none.
 *
 * @param trustsAddress Whether an address that only the file names may be contacted. Anybody can write a file.
 * @throws EmbedlessError `MODEL_MISMATCH` if it cannot be created from its name, or must not because of its address;
 *   `NOT_FOUND` if its files are gone, `FORMAT_VERSION` if it is of a later version
 */
export async function embedderOf(stored: StoredEmbedder | undefined, trustsAddress: boolean): Promise<Embedder> {
  if (stored === undefined) return minilm();
  if (stored.source === undefined) {
    throw new EmbedlessError(
      "MODEL_MISMATCH",
      `The store was created with the embedder ${stored.id}, which cannot be created from its name. Give it to open() as the option embedder.`,
    );
  }
  const source = stored.source as EmbedderSource;
  const address = remoteAddressOf(source);
  if (address === undefined || trustsAddress) return await embedderFromSource(source);
  throw new EmbedlessError(
    "MODEL_MISMATCH",
    `The store was created with the embedder ${stored.id} at ${quoted(address)}. This address is not contacted, because only the file names it. ` +
      "Name it with the option embedder (--model NAME --url ADDRESS), or confirm it with trustStoredAddress: true (--trust-address).",
  );
}

/** Most characters of an address that an error shows. */
const LONGEST_ADDRESS = 200;

/** An address in quotes and in ASCII, so that no character in it looks like another. */
function quoted(address: string): string {
  const shown = address.length > LONGEST_ADDRESS ? `${address.slice(0, LONGEST_ADDRESS)}...` : address;
  return JSON.stringify(shown).replace(/[^\x20-\x7E]/g, (unit) => {
    return `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}
