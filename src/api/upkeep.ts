import { boolean, checkKeys, checkRun, checkSignal } from "../base/checks.js";
import { unknownOption, wrongType } from "../base/errors.js";
import { type OpenOptions, resolveOpenOptions } from "./open.js";

/** Options of `compact`. */
export interface CompactOptions {
  signal?: AbortSignal;
  onProgress?: (progress: CompactProgress) => void;
}

/** Progress of `compact`. */
export interface CompactProgress {
  /**
   * - `"train"`: the codebook is trained.
   * - `"embed"`: linked passages are embedded again. Only with codes `"none"` and without kept vectors.
   * - `"link"`: nodes are linked in the graph.
   * - `"renumber"`: codes of deleted passages are removed, so the other passages get new numbers.
   * - `"merge"`: the table of words is merged.
   */
  phase: "train" | "embed" | "link" | "renumber" | "merge";
  /**
   * How much of this phase is done: passages embedded or renumbered, nodes linked (a node of an upper layer is counted
   * once per layer), or pages of words written. It stays 0 while a codebook is trained.
   */
  done: number;
  /** The number at which this phase ends; 0 until it is known. */
  total: number;
}

/** What `compact` did. */
export interface CompactResult {
  /** Nodes that the graph links; 0 without a graph. */
  linked: number;
  /** Bytes of the graph on disk. */
  graphBytes: number;
  /**
   * Passages that waited for a codebook, trained it, and have codes now. 0 while fewer than `stats().trainsAt` wait.
   */
  trained: number;
  /** Deleted passages whose codes were removed. 0 if they are less than a tenth of all, and with codes `"none"`. */
  dropped: number;
  /** Bytes of the table of words; 0 if there is none. */
  keywordBytes: number;
  /** Bytes of the table of words before its pieces were merged. */
  keywordBytesBefore: number;
  /** Bytes by which the file became smaller. Deleted and replaced passages had taken them. */
  freedBytes: number;
}

/** Options of `backup`. */
export interface BackupOptions {
  /** Whether to replace an existing file. Default `false`: an existing file fails with `IO`. */
  overwrite?: boolean;
  signal?: AbortSignal;
  /** Bytes copied, and bytes in total. */
  onProgress?: (progress: { done: number; total: number }) => void;
}

/**
 * Options of `VectorStore.repair`: a signal, a progress function, and the options of `open`. The latter replace what
 * the damaged store can no longer say, such as its embedder or codes.
 */
export interface RepairOptions extends Omit<OpenOptions, "create" | "readOnly"> {
  signal?: AbortSignal;
  /** Nodes read, and nodes in total, including those of deleted passages. */
  onProgress?: (progress: { done: number; total: number }) => void;
}

/** What a repair found and did. */
export interface RepairResult {
  /** What was wrong, in the words of `verify`. Empty if nothing was wrong; then nothing was done. */
  problems: string[];
  /** Number of passages that the store has now. */
  passages: number;
  /** Ids of passages that could not be read. If even the id could not be read, a name such as `node 17`. */
  lost: string[];
  /** Where the damaged file is now; `undefined` if there was no damage. */
  damaged: string | undefined;
}

/** What `verify` found. */
export interface VerifyReport {
  ok: boolean;
  passages: number;
  /** One sentence per problem. Empty if the store is sound. */
  problems: string[];
}

/** Options of `verify`, checked. */
export function resolveVerifyOptions(options: { signal?: AbortSignal } = {}) {
  checkKeys("verify", options, { signal: 1 });
  return { signal: checkSignal(options.signal) };
}

/** Options of `compact`, checked. */
export function resolveCompactOptions(options: CompactOptions = {}) {
  checkKeys("compact", options, { signal: 1, onProgress: 1 });
  return checkRun(options);
}

/** Options of `backup` with their defaults filled in. */
export function resolveBackupOptions(options: BackupOptions = {}) {
  checkKeys("backup", options, { overwrite: 1, signal: 1, onProgress: 1 });
  return { overwrite: boolean("overwrite", options.overwrite, false), ...checkRun(options) };
}

/** Options of `VectorStore.repair`, checked, with the options of `open` kept apart. */
export function resolveRepairOptions(options: RepairOptions = {}) {
  if (typeof options !== "object" || options === null) throw wrongType("the options of repair", "an object", options);
  const { signal, onProgress, ...given } = options;
  for (const key of ["create", "readOnly"]) {
    if (key in given) throw unknownOption("repair", key, ["signal", "onProgress", "and those of open"]);
  }
  resolveOpenOptions(given);
  return { ...checkRun({ ...(signal && { signal }), ...(onProgress && { onProgress }) }), given };
}
