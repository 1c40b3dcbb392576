import { randomBytes } from "node:crypto";
import { closeSync, fsyncSync, openSync, realpathSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { EmbedlessError, outOfRange, throwIfAborted } from "../base/errors.js";
import { connect, type Session } from "../storage/connection.js";
import type { Database } from "../storage/database.js";
import { fileUri, inspectFile } from "../storage/file_access.js";
import { realPath } from "../storage/open_files.js";
import { pragma } from "../storage/schema.js";
import { fromSqlite, fromSystem, isBusy } from "../storage/sqlite_errors.js";

/** Options of a copy. Progress is in bytes. */
export interface CopyOptions {
  overwrite: boolean;
  signal: AbortSignal;
  onProgress: ((progress: { done: number; total: number }) => void) | undefined;
}

/**
 * Copies the store as it is now into the file `path`, while others read and write. The copy is written beside `path`
 * under another name and then renamed. If anything interrupts it, `path` is either as it was or a complete store.
 *
 * @throws EmbedlessError `INVALID_ARGUMENT` for the store's own file, `LOCKED` if `path` is a store in use, `IO`,
 *   `NO_SPACE`, `NOT_FOUND` for a missing folder, `ABORTED`
 */
export async function copyDatabase(database: Database, path: string, options: CopyOptions): Promise<void> {
  const target = realPath(inspectFile(path, { create: true, readOnly: false }).path);
  requireFree(target, database.path, options.overwrite);
  const partial = `${target}.${randomBytes(6).toString("hex")}.partial`;
  try {
    await database.snapshot((c) => {
      const pageBytes = pragma(c, "page_size");
      return c.copyTo(partial, ({ totalPages, remainingPages }) => {
        throwIfAborted(options.signal);
        options.onProgress?.({ done: (totalPages - remainingPages) * pageBytes, total: totalPages * pageBytes });
      });
    }, options.signal);
    const total = statSync(partial).size;
    options.onProgress?.({ done: total, total });
    throwIfAborted(options.signal);
    // Another process may have opened or created it in the meantime.
    requireFree(target, database.path, options.overwrite);
    renameSync(partial, target);
    syncFolder(dirname(target));
  } catch (error) {
    discard(partial);
    throw fromSqlite(fromSystem(error, `The copy could not be placed at ${target}`), target);
  }
}

/**
 * Removes an unfinished copy if that is possible. A failure here is ignored, because the copy's own failure says more.
 */
function discard(partial: string): void {
  try {
    for (const file of [partial, `${partial}-journal`]) rmSync(file, { force: true });
  } catch {}
}

/** Throws unless the copy may replace what is there. */
function requireFree(target: string, source: string, overwrite: boolean): void {
  const there = isThere(target);
  if (there && realpathSync(target) === realpathSync(source)) {
    throw outOfRange("path", "another file than the store itself", target);
  }
  if (there && !overwrite) throw new EmbedlessError("IO", `${target} exists; overwrite: true replaces it.`);
  foldLog(target);
}

/**
 * Makes sure that no write-ahead log lies beside a file, because it would be taken for the log of the file that
 * replaces it. SQLite writes the log into the old file, which it does only if nobody has that file open.
 *
 * @throws EmbedlessError `LOCKED` if it is open, `CORRUPT`, `NOT_A_STORE` or `IO` if SQLite cannot read it
 */
export function foldLog(target: string): void {
  if (!isThere(`${target}-wal`) && !isThere(`${target}-shm`)) return;
  const inUse = (cause?: unknown) =>
    new EmbedlessError("LOCKED", `${target} is in use (a write-ahead log is beside it).`, { cause });
  if (!isThere(target)) throw inUse();
  let session: Session | undefined;
  try {
    session = connect(target, fileUri(target, "rw"), 0);
    const { journal_mode: mode } = session.driver.prepare("PRAGMA store.journal_mode = DELETE").get() as {
      journal_mode: string;
    };
    if (mode !== "delete") throw inUse();
  } catch (error) {
    throw isBusy(error) ? inUse(error) : fromSqlite(error, target);
  } finally {
    session?.close();
  }
}

function isThere(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}

/** Makes the new name survive a power cut. Some systems cannot do this and need not. */
function syncFolder(folder: string): void {
  if (process.platform === "win32") return;
  const descriptor = openSync(folder, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
