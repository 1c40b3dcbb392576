import type { AddOptions, AddProgress, AddResult } from "../api/passage.js";
import type { PreparedItem } from "./items.js";

/** What a commit changed. */
export interface Counts {
  added: number;
  updated: number;
  unchanged: number;
}

/** Counts what an `add` does, and reports how far it is. */
export class AddReport {
  readonly result: AddResult = {
    ids: [],
    added: 0,
    updated: 0,
    unchanged: 0,
    skipped: 0,
    skippedAt: [],
    truncated: 0,
  };
  readonly #report: ((progress: AddProgress) => void) | undefined;
  readonly #total: number | undefined;
  #done = 0;
  committed = 0;

  /** @param total Items to add; `undefined` for an iterable. */
  constructor({ onProgress }: AddOptions, total: number | undefined) {
    this.#report = onProgress;
    this.#total = total;
  }

  /** @param index Place of the item that was skipped. */
  skipped(index: number): void {
    this.result.skipped++;
    if (this.#total !== undefined) this.result.skippedAt.push(index);
  }

  truncated(): void {
    this.result.truncated++;
  }

  embedded(count: number): void {
    this.#done += count;
    this.#tell();
  }

  commit(items: readonly PreparedItem[], { added, updated, unchanged }: Counts): void {
    if (this.#total !== undefined) for (const { id } of items) this.result.ids.push(id);
    this.result.added += added;
    this.result.updated += updated;
    this.result.unchanged += unchanged;
    this.committed += items.length;
    this.#tell();
  }

  #tell(): void {
    this.#report?.({ done: this.#done, total: this.#total, committed: this.committed });
  }
}
