import { mkdirSync, type Stats, statSync } from "node:fs";
import { dirname, extname, join } from "node:path";
import { EmbedlessError } from "../src/index.js";
import { invalid } from "./errors.js";

/** Name of the store file in a folder. */
export const FILE_NAME = "embedless.db";

/** The store file that `path` means: `path` itself, or `embedless.db` in it if it is a folder. */
export function storeFile(path: string): string {
  const isFolder = typeof path === "string" && statsOf(path)?.isDirectory();
  return isFolder ? join(path, FILE_NAME) : path;
}

/**
 * The file to which `path` saves: a name with an extension is a file, any other name is a folder unless a file of that
 * name exists. Missing folders are created.
 *
 * @throws `INVALID_ARGUMENT` if it is not a path, `IO` if a folder cannot be created
 */
export function fileToSave(path: string): string {
  if (typeof path !== "string" || path === "") throw invalid("Expected the name of a folder or a file to save to.");
  if (statsOf(path) === undefined) makeFolder(extname(path) === "" ? path : dirname(path));
  return storeFile(path);
}

/** `undefined` if the file may not be looked at. Opening it then fails with a better error. */
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
    throw new EmbedlessError("IO", `The folder ${path} cannot be created (${code}).`, { cause: error });
  }
}
