import { boolean, checkKeys, checkRun, checkSignal } from "../base/checks.js";
import { unknownOption, wrongType } from "../base/errors.js";
import { type OpenOptions, resolveOpenOptions } from "./open.js";

/** Options of `compact`. */
export interface CompactOptions {
  signal?: AbortSignal;
  onProgress?: (progress: CompactProgress) => void;
}

/** How far `compact` has come. */
export interface CompactProgress {
  /**
   * Passages that wait for a codebook train it; without codes and kept vectors the passages linked before are embedded
   * again; all are linked; codes of deleted passages are dropped, which gives the others new numbers; and the table of
   * words is merged.
   */
  phase: "train" | "embed" | "link" | "renumber" | "merge";
  /**
   * Passages embedded or renumbered, nodes linked (those of upper layers once for each) or pages of words written so far.
   * Stays 0 while a codebook is trained.
   */
  done: number;
  /** How many it will be in this phase; 0 before that is known. */
  total: number;
}

/** What `compact` did. */
export interface CompactResult {
  /** Nodes that the graph links; 0 without a graph. */
  linked: number;
  /** Bytes of the graph on disk. */
  graphBytes: number;
  /** Passages that waited for a codebook, and trained it: they have codes now. 0 while fewer than `stats().trainsAt` wait. */
  trained: number;
  /** Deleted passages whose codes were dropped; 0 while they are less than a tenth of all, and with codes `"none"`. */
  dropped: number;
  /** Bytes of the table of words; 0 without one. */
  keywordBytes: number;
  /** Bytes that it took before its pieces were merged. */
  keywordBytesBefore: number;
  /** Bytes that the file is smaller by: what deleted and replaced passages had taken. */
  freedBytes: number;
}

/** Options of `backup`. */
export interface BackupOptions {
  /** Replace a file that is there. Default `false`: then `IO`. */
  overwrite?: boolean;
  signal?: AbortSignal;
  /** Bytes copied, of how many. */
  onProgress?: (progress: { done: number; total: number }) => void;
}

/**
 * Options of `VectorStore.repair`: how to stop and watch it, and those of `open`, for what the store itself can no longer
 * say of its embedder, codes and so on.
 */
export interface RepairOptions extends Omit<OpenOptions, "create" | "readOnly"> {
  signal?: AbortSignal;
  /** Nodes looked at, of how many; those of deleted passages count. */
  onProgress?: (progress: { done: number; total: number }) => void;
}

/** What a repair found and did. */
export interface RepairResult {
  /** What was wrong, as `verify` says it. Empty: nothing was, and nothing was done. */
  problems: string[];
  /** Passages that the store has now. */
  passages: number;
  /** Ids of passages that could not be read any more; where not even the id could, such as `node 17`. */
  lost: string[];
  /** Where the damaged file is now; `undefined` if there was no damage. */
  damaged: string | undefined;
}

/** What `verify` found. */
export interface VerifyReport {
  ok: boolean;
  passages: number;
  /** One sentence each; empty when all is sound. */
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

/** Options of `VectorStore.repair`, checked, with those of `open` by themselves. */
export function resolveRepairOptions(options: RepairOptions = {}) {
  if (typeof options !== "object" || options === null) throw wrongType("the options of repair", "an object", options);
  const { signal, onProgress, ...given } = options;
  for (const key of ["create", "readOnly"]) {
    if (key in given) throw unknownOption("repair", key, ["signal", "onProgress", "and those of open"]);
  }
  resolveOpenOptions(given);
  return { ...checkRun({ ...(signal && { signal }), ...(onProgress && { onProgress }) }), given };
}
