/** The text of a file that a build reads. */

import { readGivenFile } from "../storage/given_file.js";
import { type Decoded, decodeText } from "./encoding.js";
import type { Reason } from "./left_out.js";

/** A text and its encoding, or why a file has no text. */
export type TextOrReason = Decoded | { reason: Reason };

/**
 * Reads a text in any encoding that `decodeText` tells.
 *
 * @param mostBytes Larger files are left out.
 * @throws the file system's error if the file cannot be read
 */
export async function readText(path: string, mostBytes: number): Promise<TextOrReason> {
  const content = await readGivenFile(path, mostBytes);
  if (content === "openStore") return { reason: "storeItself" };
  return typeof content === "string" ? { reason: content } : decodeText(content);
}
