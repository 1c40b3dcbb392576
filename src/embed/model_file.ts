import { EmbedlessError } from "../errors.js";
import { openGivenFile, readGivenFile } from "../storage/given_file.js";

/** The largest tokenizers have some 20 MB. */
const LARGEST_TEXT = 512 * 2 ** 20;

/**
 * The text of a file of a model's folder. A store file may name any folder, so only regular files are read, and never one
 * of a store that is open here.
 *
 * @throws the file system's error, EmbedlessError `IO` for what is no such file, `LIMIT` above 512 MB
 */
export async function readModelText(file: string): Promise<string> {
  const content = await readGivenFile(file, LARGEST_TEXT);
  if (content === "tooLarge") {
    throw new EmbedlessError(
      "LIMIT",
      `Expected at most ${LARGEST_TEXT} bytes in a model's file, but ${file} has more.`,
    );
  }
  if (typeof content === "string") throw notAModelFile(file);
  return content.toString("utf8");
}

/**
 * Opens a file of a model's folder; the caller closes the descriptor.
 *
 * @throws as `readModelText`
 */
export function openModelFile(file: string): number {
  const descriptor = openGivenFile(file);
  if (typeof descriptor === "number") return descriptor;
  throw notAModelFile(file);
}

function notAModelFile(file: string): EmbedlessError {
  return new EmbedlessError(
    "IO",
    `Expected a regular file of a model, but ${file} is a device, a pipe or an open store.`,
  );
}
