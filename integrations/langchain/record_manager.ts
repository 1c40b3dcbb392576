import { type ListKeyOptions, RecordManager, type UpdateOptions } from "@langchain/core/indexing";
import type { Records } from "../../src/index.js";
import { checkLength } from "./documents.js";
import type { EmbedlessVectorStore } from "./vector_store.js";

/**
 * LangChain's record manager, kept in the file of the vector store. With it, `index()` skips what did not change, and
 * with `cleanup: "full"` or `"incremental"` it removes what is gone.
 *
 * Its clock never tells the same time twice, so nothing that was just added is cleaned up. A subclass may have its own
 * `getTime`. When a document is deleted, by anyone, its key is deleted too, so the next run repairs what an interrupted
 * run left unfinished.
 *
 * ```ts
 * const recordManager = new EmbedlessRecordManager(vectorStore, { namespace: "handbook" });
 * await index({ docsSource, recordManager, vectorStore, options: { cleanup: "full" } });
 * ```
 */
export class EmbedlessRecordManager extends RecordManager {
  override lc_namespace = ["langchain", "recordmanagers"];
  readonly #vectorStore: Pick<EmbedlessVectorStore, "store">;
  readonly #namespace: string;

  /**
   * Opens nothing yet.
   *
   * @param vectorStore The store whose documents are recorded.
   * @param config.namespace The name of the pipeline. Records of different names are independent. Default `"default"`.
   */
  constructor(vectorStore: Pick<EmbedlessVectorStore, "store">, config: { namespace?: string } = {}) {
    super({});
    this.#vectorStore = vectorStore;
    this.#namespace = config.namespace ?? "default";
  }

  /** Opens the store, so that its errors appear early. The table exists already. */
  async createSchema(): Promise<void> {
    await this.#records();
  }

  /** Milliseconds since 1970, later than every time answered before. */
  async getTime(): Promise<number> {
    return (await this.#records()).time();
  }

  /**
   * Records keys, or updates their records.
   *
   * @throws `INVALID_ARGUMENT` for another number of `groupIds` than of keys; RangeError if the clock is behind
   *   `timeAtLeast`
   */
  async update(keys: string[], { groupIds, timeAtLeast }: UpdateOptions = {}): Promise<void> {
    if (groupIds) checkLength("groupIds", groupIds, keys, "key");
    await (await this.#records()).update(keys, {
      ...(groupIds && { groups: groupIds }),
      ...(timeAtLeast !== undefined && { timeAtLeast }),
      // The store reads its own clock inside the transaction, so no other process comes between.
      ...(this.getTime !== ownClock && { time: await this.getTime() }),
    });
  }

  /** Whether each key is recorded. */
  async exists(keys: string[]): Promise<boolean[]> {
    return (await this.#records()).exists(keys);
  }

  /** Recorded keys in order. Both `before` and `after` are exclusive. */
  async listKeys({ before, after, groupIds, limit }: ListKeyOptions = {}): Promise<string[]> {
    return (await this.#records()).list({ before, after, groups: groupIds }, limit);
  }

  /** Deletes the records of keys. The documents stay. */
  async deleteKeys(keys: string[]): Promise<void> {
    await (await this.#records()).delete(keys);
  }

  async #records(): Promise<Records> {
    return (await this.#vectorStore.store()).records(this.#namespace);
  }
}

const ownClock = EmbedlessRecordManager.prototype.getTime;

interface MemoryRecord {
  updated: number;
  group: string | null;
}

/**
 * A record manager for any vector store. It forgets everything when the process ends. Unlike the one of
 * `@langchain/community`, its clock never tells the same time twice and its bounds are exclusive, so a fast `cleanup:
 * "full"` does not remove what it just added.
 */
export class InMemoryRecordManager extends RecordManager {
  override lc_namespace = ["langchain", "recordmanagers"];
  readonly #records = new Map<string, MemoryRecord>();
  #lastTime = 0;

  /** Creates an empty record manager. */
  constructor() {
    super({});
  }

  /** Does nothing. */
  async createSchema(): Promise<void> {}

  /** Milliseconds since 1970, later than every time answered before. */
  async getTime(): Promise<number> {
    this.#lastTime = Math.max(Date.now(), this.#lastTime + 1);
    return this.#lastTime;
  }

  /**
   * Records keys, or updates their records.
   *
   * @throws `INVALID_ARGUMENT` for another number of `groupIds` than of keys; RangeError if the clock is behind
   *   `timeAtLeast`
   */
  async update(keys: string[], { groupIds, timeAtLeast = 0 }: UpdateOptions = {}): Promise<void> {
    if (groupIds) checkLength("groupIds", groupIds, keys, "key");
    const updated = await this.getTime();
    if (updated < timeAtLeast) {
      throw new RangeError(`Expected a time up to now (${updated}) for timeAtLeast, but received ${timeAtLeast}.`);
    }
    for (const [i, key] of keys.entries()) this.#records.set(key, { updated, group: groupIds?.[i] ?? null });
  }

  /** Whether each key is recorded. */
  async exists(keys: string[]): Promise<boolean[]> {
    return keys.map((key) => this.#records.has(key));
  }

  /** Keys in the order in which they were first recorded. Both `before` and `after` are exclusive. */
  async listKeys({ before, after, groupIds, limit }: ListKeyOptions = {}): Promise<string[]> {
    const matches = ({ updated, group }: MemoryRecord) =>
      (before === undefined || updated < before) &&
      (after === undefined || updated > after) &&
      (groupIds === undefined || groupIds.includes(group));
    const keys = [...this.#records].filter(([, record]) => matches(record)).map(([key]) => key);
    return limit === undefined ? keys : keys.slice(0, limit);
  }

  /** Deletes the records of keys. */
  async deleteKeys(keys: string[]): Promise<void> {
    for (const key of keys) this.#records.delete(key);
  }
}
