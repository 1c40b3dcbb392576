import { mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, extname, join } from "node:path";

/** Name of the store file in a folder that was given instead of a file. */
const FILE_NAME = "embedless.db";

/** The store file meant by `path`: itself, or `embedless.db` in it if it is a folder. */
export function storeFile(path: string): string {
  const isFolder = typeof path === "string" && statSync(path, { throwIfNoEntry: false })?.isDirectory();
  return isFolder ? join(path, FILE_NAME) : path;
}

/** The file meant by who saves to `path`: a name with an extension is a file, any other a folder, which is made. */
export function fileToSave(path: string): string {
  if (extname(path) === "") mkdirSync(path, { recursive: true });
  return storeFile(path);
}

const temporaryFolders = new Set<string>();

/** A store file in a new folder of its own that only this user can read. Removed with the process, if not before. */
export function makeTemporaryFile(): string {
  const folder = mkdtempSync(join(tmpdir(), "embedless-"));
  if (temporaryFolders.size === 0) process.on("exit", removeAll);
  temporaryFolders.add(folder);
  return join(folder, FILE_NAME);
}

/** Removes what `makeTemporaryFile` made. The store must be closed. */
export function removeTemporaryFile(file: string): void {
  const folder = dirname(file);
  if (!temporaryFolders.delete(folder)) return;
  remove(folder);
  if (temporaryFolders.size === 0) process.off("exit", removeAll);
}

function removeAll(): void {
  for (const folder of temporaryFolders) remove(folder);
}

/** Best effort: some systems refuse to remove an open file, and at exit nobody could act on the error. */
function remove(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true });
  } catch {
    // The system's own cleaning of temporary files gets what is left.
  }
}
