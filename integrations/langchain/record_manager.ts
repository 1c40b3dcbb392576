import { type ListKeyOptions, RecordManager, type UpdateOptions } from "@langchain/core/indexing";
import type { Records } from "../../src/index.js";
import { checkLength } from "./documents.js";
import type { EmbedlessVectorStore } from "./vector_store.js";

/**
 * LangChain's record manager, in the file of the vector store itself: `index()` then skips what did not change, and with
 * `cleanup: "full"` or `"incremental"` removes what is gone.
 *
 * Its clock never tells the same time twice, so that nothing is cleaned up that was added a moment ago; a subclass may have
 * a `getTime` of its own. A document that is deleted takes its key along, whoever deletes it: a run that was cut off
 * halfway is made good by the next one.
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
   * @param vectorStore Whose documents it keeps book of.
   * @param config.namespace Which pipeline's book; pipelines of different names know nothing of each other. Default
   *   `"default"`.
   */
  constructor(vectorStore: Pick<EmbedlessVectorStore, "store">, config: { namespace?: string } = {}) {
    super({});
    this.#vectorStore = vectorStore;
    this.#namespace = config.namespace ?? "default";
  }

  /** Nothing to do: the table is there. Opens the store, so that what is wrong with it shows early. */
  async createSchema(): Promise<void> {
    await this.#records();
  }

  /** Milliseconds since 1970, later than all it told before. */
  async getTime(): Promise<number> {
    return (await this.#records()).time();
  }

  /**
   * Enters keys, or brings them up to date.
   *
   * @throws `INVALID_ARGUMENT` for another number of `groupIds` than of keys; RangeError if the clock is behind `timeAtLeast`
   */
  async update(keys: string[], { groupIds, timeAtLeast }: UpdateOptions = {}): Promise<void> {
    if (groupIds) checkLength("groupIds", groupIds, keys, "a key");
    await (await this.#records()).update(keys, {
      ...(groupIds && { groups: groupIds }),
      ...(timeAtLeast !== undefined && { timeAtLeast }),
      // Its own clock the book asks inside its transaction, where no other process comes between.
      ...(this.getTime !== ownClock && { time: await this.getTime() }),
    });
  }

  /** Of each key whether it is entered. */
  async exists(keys: string[]): Promise<boolean[]> {
    return (await this.#records()).exists(keys);
  }

  /** Keys in order; `before` and `after` leave out the times they name. */
  async listKeys({ before, after, groupIds, limit }: ListKeyOptions = {}): Promise<string[]> {
    return (await this.#records()).list({ before, after, groups: groupIds }, limit);
  }

  /** Forgets keys; the documents stay. */
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
 * A record manager that forgets everything when the process ends, for any vector store. Unlike the one of
 * `@langchain/community` its clock never tells the same time twice and its bounds leave out the times they name: a fast
 * `cleanup: "full"` does not remove what it just added.
 */
export class InMemoryRecordManager extends RecordManager {
  override lc_namespace = ["langchain", "recordmanagers"];
  readonly #records = new Map<string, MemoryRecord>();
  #lastTime = 0;

  /** Empty. */
  constructor() {
    super({});
  }

  /** Nothing to do. */
  async createSchema(): Promise<void> {}

  /** Milliseconds since 1970, later than all it told before. */
  async getTime(): Promise<number> {
    this.#lastTime = Math.max(Date.now(), this.#lastTime + 1);
    return this.#lastTime;
  }

  /**
   * Enters keys, or brings them up to date.
   *
   * @throws `INVALID_ARGUMENT` for another number of `groupIds` than of keys; RangeError if the clock is behind `timeAtLeast`
   */
  async update(keys: string[], { groupIds, timeAtLeast = 0 }: UpdateOptions = {}): Promise<void> {
    if (groupIds) checkLength("groupIds", groupIds, keys, "a key");
    const updated = await this.getTime();
    if (updated < timeAtLeast) {
      throw new RangeError(`Expected a time up to now (${updated}) for timeAtLeast, but received ${timeAtLeast}.`);
    }
    for (const [i, key] of keys.entries()) this.#records.set(key, { updated, group: groupIds?.[i] ?? null });
  }

  /** Of each key whether it is entered. */
  async exists(keys: string[]): Promise<boolean[]> {
    return keys.map((key) => this.#records.has(key));
  }

  /** Keys in the order they were first entered; `before` and `after` leave out the times they name. */
  async listKeys({ before, after, groupIds, limit }: ListKeyOptions = {}): Promise<string[]> {
    const matches = ({ updated, group }: MemoryRecord) =>
      (before === undefined || updated < before) &&
      (after === undefined || updated > after) &&
      (groupIds === undefined || groupIds.includes(group));
    const keys = [...this.#records].filter(([, record]) => matches(record)).map(([key]) => key);
    return limit === undefined ? keys : keys.slice(0, limit);
  }

  /** Forgets keys. */
  async deleteKeys(keys: string[]): Promise<void> {
    for (const key of keys) this.#records.delete(key);
  }
}
