import { type ListKeyOptions, RecordManager, type UpdateOptions } from "@langchain/core/indexing";

/**
 * A record manager in memory whose clock never tells the same time twice: for stores that bring none along, so that
 * nothing but the store itself can fail.
 */
export class MemoryRecordManager extends RecordManager {
  override lc_namespace = ["langchain", "recordmanagers"];
  readonly #records = new Map<string, { group: string | null; at: number }>();
  #last = 0;

  constructor() {
    super({});
  }

  async createSchema(): Promise<void> {}

  async getTime(): Promise<number> {
    this.#last = Math.max(Date.now(), this.#last + 1);
    return this.#last;
  }

  async update(keys: string[], { groupIds }: UpdateOptions = {}): Promise<void> {
    const at = await this.getTime();
    for (const [i, key] of keys.entries()) this.#records.set(key, { group: groupIds?.[i] ?? null, at });
  }

  async exists(keys: string[]): Promise<boolean[]> {
    return keys.map((key) => this.#records.has(key));
  }

  async listKeys({ before, after, groupIds, limit }: ListKeyOptions = {}): Promise<string[]> {
    const found = [...this.#records].filter(
      ([, { group, at }]) =>
        (before === undefined || at < before) &&
        (after === undefined || at > after) &&
        (groupIds === undefined || groupIds.includes(group)),
    );
    return found.map(([key]) => key).slice(0, limit);
  }

  async deleteKeys(keys: string[]): Promise<void> {
    for (const key of keys) this.#records.delete(key);
  }
}
