import { randomBytes } from "node:crypto";
import { cleanId, cleanText, cleanVector } from "../api/input.js";
import type { AddItem, AddOptions, AddProgress, AddResult } from "../api/passage.js";
import { unlessAborted } from "../base/abort.js";
import { checkKeys } from "../base/checks.js";
import { EmbedlessError, throwIfAborted, wrongType } from "../base/errors.js";
import { metadataToJson } from "../passage/metadata.js";
import { textHash } from "../text/text.js";

/** An item whose parts were all checked. */
export interface PreparedItem {
  /** The item's name in errors, such as `items[3]`. */
  readonly label: string;
  readonly id: string;
  readonly text: string;
  readonly hash: string;
  /** JSON; `null` if there are none. */
  readonly metadata: string | null;
  readonly vector: Float32Array | undefined;
}

/** 72 random bits as 12 characters. Among a hundred million ids, two are equal with a chance of one in a million. */
const RANDOM_ID_BYTES = 9;

/**
 * Checks one item and copies what is needed of it. Every property is read once.
 *
 * @param item What the caller gave.
 * @param index The item's index in the input.
 * @throws `INVALID_ARGUMENT`, `INVALID_TEXT`, `INVALID_ID`, `INVALID_VECTOR` or `LIMIT`, naming the item.
 */
export function prepareItem(item: unknown, index: number): PreparedItem {
  const label = `items[${index}]`;
  if (typeof item !== "object" || item === null || Array.isArray(item)) {
    throw wrongType(label, "an object { text, id?, metadata?, vector? }", item);
  }
  checkKeys(label, item, { id: 1, text: 1, metadata: 1, vector: 1 });
  const { id, text, metadata, vector } = item as Partial<AddItem>;
  const clean = cleanText(text, `${label}.text`);
  return {
    label,
    id: id === undefined ? randomBytes(RANDOM_ID_BYTES).toString("base64url") : cleanId(id, `${label}.id`),
    text: clean,
    hash: textHash(clean),
    metadata: metadataToJson(metadata, `${label}.metadata`),
    vector: vector === undefined ? undefined : cleanVector(vector, `${label}.vector`),
  };
}

/** Adds the item's name to an error about one of its texts. Other errors stay as they are. */
export function namingItem(error: unknown, items: readonly PreparedItem[]): unknown {
  if (!(error instanceof EmbedlessError) || error.textIndex === undefined) return error;
  const item = items[error.textIndex];
  if (item === undefined) return error;
  const place = `${item.label} with the id ${JSON.stringify(item.id)} is refused`;
  return new EmbedlessError(error.code, `${place}. ${error.message}`, { cause: error });
}

/** Whether an item has a text that is blank. */
export function isBlank(item: unknown): boolean {
  const { text } = Object(item) as Partial<AddItem>;
  return typeof text === "string" && text.trim() === "";
}

/** Throws `INVALID_ID` if two items of one array have the same id, because only one of them could be stored. */
export function requireDistinctIds(items: readonly PreparedItem[]): void {
  const seen = new Map<string, string>();
  for (const { id, label } of items) {
    const earlier = seen.get(id);
    if (earlier !== undefined) {
      throw new EmbedlessError(
        "INVALID_ID",
        `Expected distinct ids, but ${earlier} and ${label} both have ${JSON.stringify(id)}.`,
      );
    }
    seen.set(id, label);
  }
}

/**
 * The items of an iterable in order. An asynchronous iterable may keep an `add` waiting for ever. When the signal
 * fires, this stops waiting, throws `ABORTED`, and calls the iterable's `return` without waiting for it either.
 */
export async function* itemsOf(
  raw: Iterable<unknown> | AsyncIterable<unknown>,
  signal: AbortSignal | undefined,
): AsyncGenerator<unknown> {
  if (!(Symbol.asyncIterator in raw)) {
    for (const item of raw) {
      throwIfAborted(signal);
      yield item;
    }
    return;
  }
  const source = raw[Symbol.asyncIterator]();
  let over = false;
  try {
    for (;;) {
      throwIfAborted(signal);
      const next = await unlessAborted(Promise.resolve(source.next()), signal);
      if (next.done) {
        over = true;
        return;
      }
      yield next.value;
    }
  } finally {
    // It may be stuck in `next`, and nobody needs an error of it now.
    if (!over) void Promise.resolve(source.return?.()).catch(() => {});
  }
}

/** What a commit changed. */
export interface Counts {
  added: number;
  updated: number;
  unchanged: number;
}

/** Counts what an `add` does, and reports its progress. */
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

  /** @param total Number of items to add; `undefined` for an iterable. */
  constructor({ onProgress }: AddOptions, total: number | undefined) {
    this.#report = onProgress;
    this.#total = total;
  }

  /** @param index Index of the item that was skipped. */
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
