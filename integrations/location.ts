import { mkdirSync, statSync } from "node:fs";
import { extname, join } from "node:path";

/** Name of the store file in a folder that was given instead of a file. */
export const FILE_NAME = "embedless.db";

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
