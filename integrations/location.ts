import { mkdirSync, type Stats, statSync } from "node:fs";
import { dirname, extname, join } from "node:path";
import { EmbedlessError } from "../src/index.js";
import { invalid } from "./errors.js";

/** Name of the store file in a folder that was given instead of a file. */
export const FILE_NAME = "embedless.db";

/** The store file meant by `path`: itself, or `embedless.db` in it if it is a folder. */
export function storeFile(path: string): string {
  const isFolder = typeof path === "string" && statsOf(path)?.isDirectory();
  return isFolder ? join(path, FILE_NAME) : path;
}

/**
 * The file meant by who saves to `path`: a name with an extension is a file, any other a folder unless there is a file of
 * that name. Folders that are missing are made.
 *
 * @throws `INVALID_ARGUMENT` for what is no path, `IO` if a folder cannot be made
 */
export function fileToSave(path: string): string {
  if (typeof path !== "string" || path === "") throw invalid("Expected the name of a folder or a file to save to.");
  if (statsOf(path) === undefined) makeFolder(extname(path) === "" ? path : dirname(path));
  return storeFile(path);
}

/** What may not be looked at is left to whoever opens it, who has an error for that. */
function statsOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

function makeFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new EmbedlessError("IO", `The folder ${path} cannot be made (${code}).`, { cause: error });
  }
}
