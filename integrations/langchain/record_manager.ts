import { type ListKeyOptions, RecordManager, type UpdateOptions } from "@langchain/core/indexing";
import { EmbedlessError, type Records } from "../../src/index.js";
import type { EmbedlessVectorStore } from "./vector_store.js";

/**
 * LangChain's record manager, in the file of the vector store itself: `index()` then skips what did not change, and with
 * `cleanup: "full"` or `"incremental"` removes what is gone.
 *
 * Its clock never tells the same time twice, so that nothing is cleaned up that was added a moment ago. A key counts as
 * known only while its document is in the store: a run that was cut off halfway is made good by the next one.
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
    if (groupIds && groupIds.length !== keys.length) {
      const message = `Expected ${keys.length} groupIds, one a key, but received ${groupIds.length}.`;
      throw new EmbedlessError("INVALID_ARGUMENT", message);
    }
    const given = { ...(groupIds && { groups: groupIds }), ...(timeAtLeast !== undefined && { timeAtLeast }) };
    await (await this.#records()).update(keys, given);
  }

  /** Of each key whether it is entered and its document there. */
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
