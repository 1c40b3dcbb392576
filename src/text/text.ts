import { createHash } from "node:crypto";
import { deflateRawSync, inflateRawSync } from "node:zlib";
import { MAX_TEXT_BYTES } from "../api/input.js";
import type { Connection } from "../storage/connection.js";
import { getDictionary, newestDictionary, putDictionary } from "../storage/dictionaries.js";

/** Length of a preset dictionary: as far as deflate can look back. */
const DICTIONARY_BYTES = 32_768;
/** Length of the pieces of a dictionary: long enough for whole phrases, and short enough to come from many places. */
const PIECE_BYTES = 128;

/** Bytes of text from which a dictionary saves more than it takes; see `sampleDictionary`. */
export const DICTIONARY_SAMPLE_BYTES = 2 * DICTIONARY_BYTES;

/** A text as it is stored. */
export interface PackedText {
  /** `null`: plain UTF-8 (packing would not have saved a byte); 0: raw deflate; n: raw deflate with dictionary n. */
  dict: number | null;
  bytes: Uint8Array;
}

/** A preset dictionary and its number in the rows. */
export interface TextDictionary {
  dict: number;
  bytes: Uint8Array;
}

/** The name of a text by its content: the first 8 bytes of the SHA-256 of its UTF-8 form, in hex. */
export function textHash(text: string | Uint8Array): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}

/**
 * Makes a dictionary from pieces at equal distances over all of `texts` (UTF-8). The same texts give the same
 * dictionary. Choosing pieces by how often their phrases occur would save only half a percent more.
 */
export function sampleDictionary(texts: readonly Uint8Array[]): Uint8Array {
  const all = Buffer.concat(texts);
  if (all.length <= DICTIONARY_BYTES) return all;
  const pieces = DICTIONARY_BYTES / PIECE_BYTES;
  const step = (all.length - PIECE_BYTES) / (pieces - 1);
  const dictionary = Buffer.alloc(DICTIONARY_BYTES);
  for (let i = 0; i < pieces; i++) {
    const at = Math.floor(i * step);
    all.copy(dictionary, i * PIECE_BYTES, at, at + PIECE_BYTES);
  }
  return dictionary;
}

/** Packs UTF-8 bytes in the shortest of the ways that `PackedText.dict` names. */
export function packText(utf8: Uint8Array, dictionary: TextDictionary | undefined): PackedText {
  const options = { level: 9, chunkSize: chunkSize(utf8.length) };
  const bytes = deflateRawSync(utf8, dictionary ? { ...options, dictionary: dictionary.bytes } : options);
  return bytes.length < utf8.length ? { dict: dictionary?.dict ?? 0, bytes } : { dict: null, bytes: utf8 };
}

/**
 * The UTF-8 bytes of a packed text. `dictionary` is the one that `packed.dict` names.
 *
 * @throws Error of zlib if the bytes are damaged or would be longer than the limit of a text
 */
export function unpackText(packed: PackedText, dictionary: Uint8Array | undefined): Uint8Array {
  if (packed.bytes.length > MAX_TEXT_BYTES) throw new RangeError("the text is longer than the limit");
  if (packed.dict === null) return packed.bytes;
  const options = { maxOutputLength: MAX_TEXT_BYTES, chunkSize: chunkSize(4 * packed.bytes.length) };
  return inflateRawSync(packed.bytes, dictionary ? { ...options, dictionary } : options);
}

/** Size of zlib's output buffer. The default of 16 KB would cost a short text a third of its time. */
function chunkSize(expectedBytes: number): number {
  return Math.min(Math.max(expectedBytes, 1024), 65_536);
}

/**
 * The dictionaries of a store in memory, at most 32 KB each. A dictionary made in a transaction is used only there
 * until it is read from the file, because the transaction may be rolled back and another process may then store a
 * different one under the same number.
 */
export class TextDictionaries {
  readonly #committed = new Map<number, Uint8Array>();
  readonly #made = new WeakMap<Connection, TextDictionary>();

  /** Dictionary `dict` as `c` sees it. */
  get(c: Connection, dict: number): Uint8Array {
    const made = this.#made.get(c);
    if (made?.dict === dict) return made.bytes;
    let bytes = this.#committed.get(dict);
    if (bytes === undefined) {
      bytes = getDictionary(c, dict);
      this.#committed.set(dict, bytes);
    }
    return bytes;
  }

  /**
   * The dictionary to pack `texts` with: the newest, a new one if there is enough text for the first, or none.
   *
   * @param storedBytes UTF-8 bytes of the stored texts.
   * @param storedTexts Reads these texts. Called only if a dictionary is made.
   */
  forWriting(
    tx: Connection,
    storedBytes: number,
    texts: readonly Uint8Array[],
    storedTexts: () => Uint8Array[],
  ): TextDictionary | undefined {
    const newest = newestDictionary(tx);
    if (newest > 0) return { dict: newest, bytes: this.get(tx, newest) };
    const bytes = storedBytes + texts.reduce((sum, text) => sum + text.length, 0);
    if (bytes < DICTIONARY_SAMPLE_BYTES) return undefined;
    const dictionary = sampleDictionary([...storedTexts(), ...texts]);
    const made = { dict: putDictionary(tx, dictionary), bytes: dictionary };
    this.#made.set(tx, made);
    return made;
  }
}
