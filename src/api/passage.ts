import { checkKeys, checkRun, oneOf } from "../base/checks.js";

/** JSON stored with a passage. Keys such as `__proto__` are plain data. */
export type Metadata = Record<string, unknown>;

/** A stored passage. */
export interface Passage {
  id: string;
  text: string;
  metadata: Metadata;
}

/** A passage to add. */
export interface AddItem {
  /**
   * The caller's name for the passage. If a passage with this id exists, it is replaced. Default: a short random id.
   */
  id?: string;
  /** The text that is embedded, stored and returned, byte for byte after `toWellFormed()`. */
  text: string;
  metadata?: Metadata;
  /**
   * The vector of `text`, if you have it already. It saves embedding the text. A store that recomputes embeds a sample
   * of each batch again, or all of it if the embedder needs one text at a time, and refuses a vector that the text does
   * not give. A store that keeps vectors accepts any vector.
   */
  vector?: ArrayLike<number>;
}

/** Options of `add`. */
export interface AddOptions {
  /**
   * What happens to an item whose text is empty or only white space: `"refuse"` fails with `INVALID_TEXT`; `"skip"`
   * ignores the item and counts it as `skipped`. If a passage with the item's id exists, it stays as it is. Default
   * `"refuse"`.
   */
  blank?: "refuse" | "skip";
  signal?: AbortSignal;
  onProgress?: (progress: AddProgress) => void;
}

/** Progress of an `add`, passed to `onProgress`. */
export interface AddProgress {
  /** Passages embedded (or found unchanged) so far. */
  done: number;
  /** Number of all passages; `undefined` while an iterable is still being read. */
  total: number | undefined;
  /** Passages that are safely on disk. For an array it is 0 until all are. */
  committed: number;
}

/** What an `add` did. */
export interface AddResult {
  /**
   * The ids of an array's items in their order, without skipped items. Empty for an iterable, because it may be longer
   * than memory is large.
   */
  ids: string[];
  added: number;
  updated: number;
  unchanged: number;
  /** Items without a text that were ignored. 0 unless `blank` is `"skip"`. */
  skipped: number;
  /** The indices of these items in an array, counted from 0. Empty for an iterable. */
  skippedAt: number[];
  /** Passages longer than the embedder's window. Their ends were not embedded, so no search finds them. */
  truncated: number;
}

/** Options of `add`, checked. */
export function resolveAddOptions(options: AddOptions = {}) {
  checkKeys("add", options, { signal: 1, onProgress: 1, blank: 1 });
  return { blank: oneOf("blank", options.blank ?? "refuse", ["refuse", "skip"] as const), ...checkRun(options) };
}
