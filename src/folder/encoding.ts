import { isUtf8 } from "node:buffer";
import { optionalPackage } from "../base/packages.js";
import { readGivenFile } from "../storage/open_files.js";
import type { Reason } from "./files.js";

/** A text and its encoding. */
export interface Decoded {
  text: string;
  /** The WHATWG name, such as `utf-8` or `windows-1252`. */
  encoding: string;
  /** Whether it was guessed from the statistics of the bytes. */
  guessed: boolean;
}

/**
 * Why bytes are not text: `binary` they hold characters that no text holds, `faulty` they are invalid UTF-8 or UTF-16,
 * `unknownEncoding` they fit no encoding or several, `noDetector` the package that detects encodings is not installed.
 */
export type NoText = { reason: "binary" | "faulty" | "unknownEncoding" | "noDetector" };

/** The bytes in which a text of one byte per letter must have no zero. */
const PROBED_BYTES = 8192;
/** Bytes whose statistics are computed. More bytes do not change a verdict and take longer. */
const SAMPLE_BYTES = 8 * 1024;
/** Lowest confidence out of 100. Below it, two encodings are mostly equally likely. */
const LEAST_CONFIDENCE = 20;
/** Fewest letters per sign between two letters. A text read with the wrong encoding has far fewer. */
const LETTERS_PER_ODD_SIGN = 50;
/** One or two bytes beyond ASCII that are letters of Western Europe or punctuation in windows-1252. */
const WESTERN_RUN = /^[\u00A0-\u00FF\u2013\u2014\u2018-\u201E\u2026\u20AC]{1,2}$/u;
/** Bytes 0x80 to 0x9F in windows-1252. Node 20 to 23 decodes them as Latin-1, to control characters. */
const WINDOWS_1252 = "€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8DŽ\x8F\x90‘’“”•–—˜™š›œ\x9DžŸ";
/** Encodings that differ from a detected one by a few letters. They are tried if the detected one does not fit. */
const RELATED: Readonly<Record<string, string>> = { "KOI8-R": "koi8-u" };
/** Characters that no text holds: control characters other than white space and escape, and unassigned code points. */
const NO_CHARACTER =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  /[\p{Cn}\p{Co}\u0000-\u0008\u000E-\u001A\u001C-\u001F\u007F-\u009F]/u;

/**
 * Decodes a whole file. Bytes that do not decode without an error are not text, because replacement characters would be
 * stored instead of what was written.
 */
export async function decodeText(content: Uint8Array): Promise<Decoded | NoText> {
  const mark = markOf(content);
  if (mark === "utf-32") return { reason: "unknownEncoding" };
  if (mark !== undefined) return decodeAs(mark, content) ?? { reason: "faulty" };
  if (content.subarray(0, PROBED_BYTES).includes(0)) return unmarkedUtf16(content) ?? { reason: "binary" };
  if (isUtf8(content)) return shiftedJapanese(content) ?? decodeAs("utf-8", content)!;
  if (isMostlyControl(content)) return unmarkedUtf16(content) ?? { reason: "binary" };
  return isMostlyUtf8(content) ? { reason: "faulty" } : guess(content);
}

/** The encoding that a byte order mark names. */
export function markOf([first, second, third, fourth]: Uint8Array): "utf-16le" | "utf-16be" | "utf-32" | undefined {
  if (first === 0 && second === 0 && third === 0xfe && fourth === 0xff) return "utf-32";
  if (first === 0xfe && second === 0xff) return "utf-16be";
  if (first !== 0xff || second !== 0xfe) return undefined;
  return third === 0 && fourth === 0 ? "utf-32" : "utf-16le";
}

/** Decodes UTF-16 without a mark in the byte order that gives a text with blanks, line breaks, ASCII or kana. */
export function unmarkedUtf16(content: Uint8Array): Decoded | undefined {
  if (content.length % 2 !== 0) return undefined;
  const readings = ["utf-16le", "utf-16be"].flatMap((encoding) => {
    const decoded = decodeAs(encoding, content);
    return decoded && !NO_CHARACTER.test(decoded.text) ? [{ ...decoded, guessed: true }] : [];
  });
  const [best, other] = readings.sort((a, b) => commonIn(b) - commonIn(a));
  return best && commonIn(best) > (other ? commonIn(other) : 0) ? best : undefined;
}

function commonIn({ text }: Decoded): number {
  return text.match(/[\t\n\r -~\u3001-\u30FF]/g)?.length ?? 0;
}

/** Decodes ISO-2022-JP. Its bytes are ASCII, and an escape character with `$` begins its ideographs. */
function shiftedJapanese(content: Uint8Array): Decoded | undefined {
  const bytes = Buffer.from(content.buffer, content.byteOffset, content.byteLength);
  if (!bytes.includes("\x1b$")) return undefined;
  const decoded = decodeAs("iso-2022-jp", content);
  return decoded && { ...decoded, guessed: true };
}

function isMostlyControl(content: Uint8Array): boolean {
  let controls = 0;
  for (const byte of content) if (byte < 32 && !(byte >= 9 && byte <= 13) && byte !== 0x1a && byte !== 0x1b) controls++;
  return controls * 1000 > content.length;
}

/** Whether more of the bytes beyond ASCII are valid UTF-8 than invalid. Hardly any text in another encoding is. */
function isMostlyUtf8(content: Uint8Array): boolean {
  const text = new TextDecoder().decode(content);
  const wrong = text.match(/\uFFFD/g)?.length ?? 0;
  const right = text.match(/[^\p{ASCII}\uFFFD]/gu)?.length ?? 0;
  return right > wrong;
}

async function guess(content: Uint8Array): Promise<Decoded | NoText> {
  const detector = await optionalPackage("chardet", "Detecting an encoding", () => import("chardet")).catch(
    () => undefined,
  );
  if (detector === undefined) return { reason: "noDetector" };
  const western = decodeAs("windows-1252", content)!; // it decodes every byte
  for (const { name, confidence } of detector.analyse(linesBeyondAscii(content))) {
    if (confidence < LEAST_CONFIDENCE) break;
    for (const label of [name, RELATED[name] ?? name]) {
      const decoded = decodeAs(label, content);
      if (!decoded || !isPlausible(decoded.text)) continue;
      return { ...(decoded.text === western.text ? western : decoded), guessed: true };
    }
  }
  return isWestern(western.text) ? { ...western, guessed: true } : { reason: "unknownEncoding" };
}

/**
 * Whether a text is ASCII with single other letters: too few for statistics, but in no encoding of two bytes per
 * letter.
 */
function isWestern(text: string): boolean {
  const runs = text.match(/[^\p{ASCII}]+/gu) ?? [];
  return runs.every((run) => WESTERN_RUN.test(run)) && isPlausible(text);
}

/** The lines with bytes beyond ASCII. Only they distinguish encodings. */
function linesBeyondAscii(content: Uint8Array): Uint8Array {
  const lines: Uint8Array[] = [];
  let room = SAMPLE_BYTES;
  for (let at = 0; at < content.length && room > 0; at++) {
    if (content[at]! < 0x80) continue;
    const start = Math.max(content.lastIndexOf(10, at) + 1, at - 1024);
    const lineEnd = content.indexOf(10, at);
    const end = Math.min(lineEnd < 0 ? content.length : lineEnd + 1, start + room);
    lines.push(content.subarray(start, end));
    room -= end - start;
    at = end - 1;
  }
  return Buffer.concat(lines);
}

/** Whether a text is plausible: hardly any signs between letters, and no unassigned code points. */
function isPlausible(text: string): boolean {
  if (NO_CHARACTER.test(text)) return false;
  const letters = text.match(/[^\P{L}\p{ASCII}]/gu)?.length ?? 0;
  const odd = text.match(/(?<=\p{L})(?:[^\P{S}\p{ASCII}]|[‚„‘“§¶¡¿†‡•])(?=\p{L})/gu)?.length ?? 0;
  return odd * LETTERS_PER_ODD_SIGN <= letters;
}

/** The text, if the encoding is known and every byte is valid in it. */
export function decodeAs(label: string, content: Uint8Array): Decoded | undefined {
  try {
    const decoder = new TextDecoder(label, { fatal: true });
    const { encoding } = decoder;
    const text = decoder.decode(content);
    return { text: encoding === "windows-1252" ? repaired1252(text) : text, encoding, guessed: false };
  } catch {
    return undefined;
  }
}

function repaired1252(text: string): string {
  return text.replace(/[\x80-\x9F]/g, (unit) => WINDOWS_1252[unit.charCodeAt(0) - 0x80]!);
}

/** A text and its encoding, or the reason why a file has no text. */
export type TextOrReason = Decoded | { reason: Reason };

/**
 * Reads a text in any encoding that `decodeText` detects.
 *
 * @param mostBytes Larger files are left out.
 * @throws the file system's error if the file cannot be read
 */
export async function readText(path: string, mostBytes: number): Promise<TextOrReason> {
  const content = await readGivenFile(path, mostBytes);
  if (content === "openStore") return { reason: "storeItself" };
  return typeof content === "string" ? { reason: content } : decodeText(content);
}
