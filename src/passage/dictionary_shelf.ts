import type { Connection } from "../storage/connection.js";
import { getDictionary, newestDictionary, putDictionary } from "../storage/dictionaries.js";
import { DICTIONARY_SAMPLE_BYTES, sampleDictionary, type TextDictionary } from "./text.js";

/**
 * The dictionaries of a store in memory, at most 32 KB each. One that a transaction makes belongs to that transaction
 * until it is read anew: if it is rolled back, another process may store a different one under the same number.
 */
export class DictionaryShelf {
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
   * The dictionary to pack `texts` with: the newest, or one made now if there is enough text for the first, or none.
   *
   * @param storedBytes UTF-8 bytes of the texts that are stored
   * @param storedTexts reads them; only asked for when a dictionary is made
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
