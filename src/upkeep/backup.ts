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

/** How a copy is stopped and watched, and whether it may replace a file. Progress is in bytes. */
export interface CopyOptions {
  overwrite: boolean;
  signal: AbortSignal;
  onProgress: ((progress: { done: number; total: number }) => void) | undefined;
}

/**
 * Copies the store as it is now into the file `path`, while others go on reading and writing. The copy is made beside its
 * place under another name and takes its place whole: whatever interrupts it, `path` is either as it was or a good store.
 *
 * @throws EmbedlessError `INVALID_ARGUMENT` for the store's own file, `LOCKED` if `path` is a store in use, `IO`, `NO_SPACE`,
 *   `NOT_FOUND` for a missing folder, `ABORTED`
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
    // Somebody may have opened or made it meanwhile.
    requireFree(target, database.path, options.overwrite);
    renameSync(partial, target);
    syncFolder(dirname(target));
  } catch (error) {
    discard(partial);
    throw fromSqlite(fromSystem(error, `The copy could not be put at ${target}`), target);
  }
}

/** Removes what there is of a copy, if that is allowed: why the copy failed says more than why its rest stays. */
function discard(partial: string): void {
  try {
    for (const file of [partial, `${partial}-journal`]) rmSync(file, { force: true });
  } catch {}
}

/** Throws unless the copy may take the place of what is there. */
function requireFree(target: string, source: string, overwrite: boolean): void {
  const there = isThere(target);
  if (there && realpathSync(target) === realpathSync(source)) {
    throw outOfRange("path", "another file than the store itself", target);
  }
  if (there && !overwrite) throw new EmbedlessError("IO", `${target} exists; overwrite: true replaces it.`);
  foldLog(target);
}

/**
 * Sees to it that no write-ahead log lies beside a file: it would be taken for that of the file which comes in its place.
 * SQLite itself folds it into the old file, which it does only if nobody has that open.
 *
 * @throws EmbedlessError `LOCKED` if somebody has, `CORRUPT`, `NOT_A_STORE` or `IO` if SQLite cannot read it
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

/** Makes the new name survive a power cut; some systems cannot, and need not. */
function syncFolder(folder: string): void {
  if (process.platform === "win32") return;
  const descriptor = openSync(folder, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
