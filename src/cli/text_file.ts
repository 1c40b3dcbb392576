/** The text of a file that a build reads. */

import { isUtf8 } from "node:buffer";
import { readGivenFile } from "../storage/given_file.js";
import { LARGEST_FILE, type Reason } from "./left_out.js";

/** Bytes in which a file without a byte order mark must have no zero to pass for text. */
const PROBED_BYTES = 8192;

/** A text, or why there is none. */
export type TextOrReason = { text: string } | { reason: Reason };

/**
 * Reads a text: UTF-8, or UTF-16 with a byte order mark.
 *
 * @throws the file system's error if the file cannot be read.
 */
export async function readText(path: string): Promise<TextOrReason> {
  const content = await readGivenFile(path, LARGEST_FILE);
  if (content === "openStore") return { reason: "storeItself" };
  return typeof content === "string" ? { reason: content } : decodeText(content);
}

/** Bytes as text. What does not decode is left out: replacement characters would be stored in place of what was written. */
export function decodeText(content: Uint8Array): TextOrReason {
  const utf16 = utf16Of(content);
  if (utf16 !== undefined) {
    try {
      return { text: new TextDecoder(utf16, { fatal: true }).decode(content) };
    } catch {
      return { reason: "binary" };
    }
  }
  if (content.subarray(0, PROBED_BYTES).includes(0)) return { reason: "binary" };
  return isUtf8(content) ? { text: new TextDecoder().decode(content) } : { reason: "notUtf8" };
}

/** The encoding that a byte order mark of two bytes says; one of UTF-32 begins alike and goes on with two zeros. */
function utf16Of([first, second, third, fourth]: Uint8Array): string | undefined {
  if (first === 0xfe && second === 0xff) return "utf-16be";
  const isUtf32 = third === 0 && fourth === 0;
  return first === 0xff && second === 0xfe && !isUtf32 ? "utf-16le" : undefined;
}
