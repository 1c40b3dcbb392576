import { crc32 } from "node:zlib";
import type { Connection } from "../storage/connection.js";
import { keywordEntries } from "../storage/keywords.js";
import { type Meta, readMeta } from "../storage/meta.js";
import { problemsOf, type VerifyStep } from "../storage/problems.js";
import type { Passages } from "./passages.js";
import { wordPieces } from "./words.js";

/** Passages, and words of the table, between two steps. */
const SLICE = 64;
const WORD_SLICE = 2_048;

/**
 * Compares the table of words, which SQLite keeps without checksums, with the words of the passages: their number, and a
 * sum over all pairs of word and node. Run it on one snapshot; damaged passages are for others to name.
 */
export function* verifyKeywords(c: Connection, passages: Passages): Generator<VerifyStep> {
  let meta: Pick<Meta, "keywords" | "words"> = { keywords: false, words: undefined };
  // Whatever else is wrong with it was said already.
  for (const _ of problemsOf(() => (meta = readMeta(c)))) return;
  if (!meta.keywords) return;
  const rules = meta.words ?? 1;
  const wanted = new PairSum();
  for (let last: number | undefined = -1; last !== undefined; ) {
    const after: number = last;
    let page: { node: number; text: string }[] = [];
    for (const _ of problemsOf(() => (page = passages.page(after, SLICE, c)))) return;
    for (const { node, text } of page) {
      const distinct = new Set<string>();
      for (const piece of wordPieces(text, rules)) {
        for (const word of piece) distinct.add(word);
        yield undefined;
      }
      for (const word of distinct) wanted.add(word, node);
    }
    last = page.at(-1)?.node;
    yield undefined;
  }
  const found = new PairSum();
  const entries = keywordEntries(c);
  for (let done = false; !done; ) {
    done = true;
    yield* problemsOf(() => {
      done = !addSlice(found, entries);
    });
    yield undefined;
  }
  if (found.equals(wanted)) return;
  yield `The table keywords holds ${found.count} words of passages, but other ones than the ${wanted.count} that they have.`;
}

/** Answers whether there may be more. */
function addSlice(sum: PairSum, entries: Iterator<{ word: string; node: number }>): boolean {
  for (let i = 0; i < WORD_SLICE; i++) {
    const { value, done } = entries.next();
    if (done) return false;
    sum.add(value.word, value.node);
  }
  return true;
}

/** Pairs of word and node in any order. */
class PairSum {
  count = 0;
  #sum = 0;

  add(word: string, node: number): void {
    this.count++;
    this.#sum = (this.#sum + crc32(`${node} ${word}`)) >>> 0;
  }

  equals(other: PairSum): boolean {
    return this.count === other.count && this.#sum === other.#sum;
  }
}
