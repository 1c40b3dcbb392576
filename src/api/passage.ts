import { checkKeys, checkRun, oneOf } from "../base/checks.js";

/** JSON that travels with a passage. Keys such as `__proto__` are plain data. */
export type Metadata = Record<string, unknown>;

/** A stored passage. */
export interface Passage {
  id: string;
  text: string;
  metadata: Metadata;
}

/** A passage to add. */
export interface AddItem {
  /** The caller's name of the passage. Same id again: the passage is replaced. Left out: a short random one is made. */
  id?: string;
  /** The text that is embedded, stored and returned, byte for byte after `toWellFormed()`. */
  text: string;
  metadata?: Metadata;
  /**
   * The vector of `text`, if the caller has it already. Saves embedding it. A store that recomputes embeds a sample of each
   * batch again and refuses vectors that the text does not give; one that embeds texts one at a time embeds all of them. A
   * store that keeps vectors takes any.
   */
  vector?: ArrayLike<number>;
}

/** Options of `add`. */
export interface AddOptions {
  /**
   * What happens with an item whose text is empty or white space alone: `"refuse"` fails with `INVALID_TEXT`, `"skip"` passes
   * over it and counts it as `skipped`. A passage that its id has already stays as it is. Default `"refuse"`.
   */
  blank?: "refuse" | "skip";
  signal?: AbortSignal;
  onProgress?: (progress: AddProgress) => void;
}

/** How far an `add` has come; handed to `onProgress` as it goes. */
export interface AddProgress {
  /** Passages embedded (or found unchanged) so far. */
  done: number;
  /** Passages in all; `undefined` while an iterable is still being read. */
  total: number | undefined;
  /** Passages that are safe on disk whatever happens next. For an array 0 until all are. */
  committed: number;
}

/** What an `add` did. */
export interface AddResult {
  /**
   * Of an array the ids in the order of its items, without those that were skipped; of an iterable none: it may be longer
   * than memory is large.
   */
  ids: string[];
  added: number;
  updated: number;
  unchanged: number;
  /** Items without a text that were passed over; 0 unless `blank` is `"skip"`. */
  skipped: number;
  /** Of an array the places of these items, counted from 0; of an iterable none. */
  skippedAt: number[];
  /** Passages longer than the embedder's window: their end can never be found. */
  truncated: number;
}

/** Options of `add`, checked. */
export function resolveAddOptions(options: AddOptions = {}) {
  checkKeys("add", options, { signal: 1, onProgress: 1, blank: 1 });
  return { blank: oneOf("blank", options.blank ?? "refuse", ["refuse", "skip"] as const), ...checkRun(options) };
}
