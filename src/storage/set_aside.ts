import { existsSync, linkSync, renameSync, rmSync } from "node:fs";
import { fromSystem } from "./sqlite_errors.js";

/**
 * Puts the store `fresh` in the place of `path`, whose files are kept under another name. There is a store at `path` at
 * every moment. Nobody may have either open.
 *
 * @returns where the old file is now
 * @throws EmbedlessError `IO` or `NO_SPACE` if a file may not be renamed
 */
export function replaceStore(path: string, fresh: string): string {
  try {
    const aside = freeName(path);
    // The old log first: the new store must never be seen beside it.
    for (const suffix of ["-wal", "-shm"]) if (existsSync(path + suffix)) renameSync(path + suffix, aside + suffix);
    keepAs(path, aside);
    renameSync(fresh, path);
    return aside;
  } catch (error) {
    throw fromSystem(error, `The store ${fresh} could not take the place of ${path}`);
  }
}

/** `path.damaged`, or with a number if there is one from an earlier time. */
function freeName(path: string): string {
  for (let n = 1; ; n++) {
    const name = n === 1 ? `${path}.damaged` : `${path}.damaged${n}`;
    if (!existsSync(name)) return name;
  }
}

/** A second name for a file; where the file system has none, the only one. */
function keepAs(path: string, name: string): void {
  try {
    linkSync(path, name);
  } catch {
    rmSync(name, { force: true });
    renameSync(path, name);
  }
}
