import { accessSync, constants, existsSync, linkSync, renameSync, rmSync, type Stats, statSync } from "node:fs";
import { dirname, resolve, sep } from "node:path";
import { EmbedlessError, wrongType } from "../base/errors.js";
import { realPath, storeFilesAt } from "./open_files.js";
import { fromSystem } from "./sqlite_errors.js";

// These functions never open the file itself. Closing any descriptor of it would drop the POSIX locks that SQLite's
// connections of this process hold (https://sqlite.org/howtocorrupt.html, section 2.2).

/** How the file of a store must be opened. */
export interface FileAccess {
  /** Absolute. */
  path: string;
  readOnly: boolean;
  /**
   * No side files can be created and there are none, so SQLite reads without locks and without a write-ahead log. This
   * is valid only while nobody writes; see `Reading`.
   */
  immutable: boolean;
}

/**
 * Inspects the file and its folder and decides how it can be opened. A file that cannot be written is opened for
 * reading only.
 *
 * @throws EmbedlessError `NOT_FOUND` when it is missing (or its folder, if it may be created), `IO` when it is a
 *   folder, not a plain file or not readable, `NOT_A_STORE` when it holds one byte
 */
export function inspectFile(path: string, options: { create: boolean; readOnly: boolean }): FileAccess {
  if (typeof path !== "string" || path === "" || path.includes("\0")) {
    throw wrongType("path", "the path of a file", path);
  }
  if (path === ":memory:" || path.startsWith("file:")) {
    throw wrongType("path", "the path of a file (./file: for a name that begins with file:)", path);
  }
  const absolute = resolve(path);
  const stats = stat(absolute);
  if (stats === undefined) {
    requireCreatable(absolute, options);
    return { path: absolute, readOnly: false, immutable: false };
  }
  if (stats.isDirectory()) throw new EmbedlessError("IO", `Expected a file for path, but ${absolute} is a folder.`);
  if (!stats.isFile()) throw new EmbedlessError("IO", `Expected a file for path, but ${absolute} is a device or pipe.`);
  if (stats.size === 1) {
    // SQLite would take a file of one byte for an empty database and overwrite it.
    throw new EmbedlessError("NOT_A_STORE", `Expected a store, but ${absolute} is a file of one byte.`);
  }
  if (!may(absolute, constants.R_OK)) throw new EmbedlessError("IO", `${absolute} may not be read by this process.`);
  const readOnly = options.readOnly || !may(absolute, constants.W_OK);
  return readOnly ? readingAccess(absolute) : { path: absolute, readOnly, immutable: false };
}

/**
 * The file as a URI for SQLite. The path may hold any characters: spaces, `?`, `#`, `%`, other scripts. `mode`: `ro`,
 * `rw` (must exist) or `rwc` (is created).
 */
export function fileUri(path: string, mode: "ro" | "rw" | "rwc", immutable = false): string {
  const parts = path.split(sep).map(encodeURIComponent).join("/");
  const absolute = parts.startsWith("/") ? parts : `/${parts}`;
  return `file://${absolute}?mode=${mode}${immutable ? "&immutable=1" : ""}`;
}

/** Bytes on disk of the file and its write-ahead log. */
export function bytesOnDisk(path: string): number {
  return (stat(path)?.size ?? 0) + (stat(`${realPath(path)}-wal`)?.size ?? 0);
}

/** How a file that this process only reads must be opened now. */
export function readingAccess(path: string): FileAccess {
  return { path, readOnly: true, immutable: isFrozen(path) };
}

/**
 * A value that changes when somebody has written to the file or opened it for writing. In the latter case a log, or the
 * memory that connections share, lies beside it.
 *
 * @throws EmbedlessError `IO` if the file can no longer be accessed
 */
export function fileStamp(path: string): string {
  const stats = lookAt(path, () => statSync(path, { bigint: true }));
  const written = stats && [stats.dev, stats.ino, stats.size, stats.mtimeNs].join();
  const { log, shared } = storeFilesAt(path);
  return `${written} ${log} ${shared}`;
}

/** Whether the folder allows no side files and has none, so that the file is complete. */
function isFrozen(path: string): boolean {
  const { log, shared } = storeFilesAt(path);
  return !may(dirname(realPath(path)), constants.W_OK) && log === undefined && shared === undefined;
}

function requireCreatable(path: string, options: { create: boolean; readOnly: boolean }): void {
  if (options.readOnly || !options.create) throw new EmbedlessError("NOT_FOUND", `There is no store at ${path}.`);
  const folder = dirname(path);
  const stats = stat(folder);
  if (stats === undefined) {
    throw new EmbedlessError("NOT_FOUND", `The folder ${folder} for the new store does not exist.`);
  }
  if (!stats.isDirectory())
    throw new EmbedlessError("IO", `Expected a folder for the new store, but ${folder} is a file.`);
  if (!may(folder, constants.W_OK)) throw new EmbedlessError("IO", `The folder ${folder} may not be written.`);
}

function stat(path: string): Stats | undefined {
  return lookAt(path, () => statSync(path));
}

/** `undefined` if there is nothing. Throws `IO` if that cannot be determined. */
function lookAt<T>(path: string, look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ENOENT") return undefined;
    throw new EmbedlessError("IO", `${path} cannot be accessed (${code}).`, { cause: error });
  }
}

function may(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}

/**
 * Replaces the store at `path` by the store `fresh`, and keeps the old files under another name. At every moment there
 * is a store at `path`. Nobody may have either open.
 *
 * @returns where the old file is now
 * @throws EmbedlessError `IO` or `NO_SPACE` if a file cannot be renamed
 */
export function replaceStore(path: string, fresh: string): string {
  try {
    const aside = freeName(path);
    // The old log is moved first, because the new store must never be seen with it.
    for (const suffix of ["-wal", "-shm"]) if (existsSync(path + suffix)) renameSync(path + suffix, aside + suffix);
    keepAs(path, aside);
    renameSync(fresh, path);
    return aside;
  } catch (error) {
    throw fromSystem(error, `The store ${fresh} could not take the place of ${path}`);
  }
}

/** `path.damaged`, with a number if that name is taken. */
function freeName(path: string): string {
  for (let n = 1; ; n++) {
    const name = n === 1 ? `${path}.damaged` : `${path}.damaged${n}`;
    if (!existsSync(name)) return name;
  }
}

/** Gives a file a second name. If the file system has no links, it is renamed. */
function keepAs(path: string, name: string): void {
  try {
    linkSync(path, name);
  } catch {
    rmSync(name, { force: true });
    renameSync(path, name);
  }
}
