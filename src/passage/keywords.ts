import { crc32 } from "node:zlib";
import { Turns } from "../base/turns.js";
import type { Connection } from "../storage/connection.js";
import type { Database } from "../storage/database.js";
import { problemsOf, type VerifyStep } from "../storage/integrity.js";
import { addKeywords, clearKeywords, createKeywords, keywordEntries } from "../storage/keywords.js";
import { type Meta, raiseVersion, readMeta, writeMeta } from "../storage/meta.js";
import { NEWEST_RULES, wordPieces, wordsInTurns } from "../text/words.js";
import type { Passages } from "./passages.js";

/** Passages read in one step. */
const SLICE = 32;

/**
 * Creates the table of words if the store has none, or again if its words were cut by older rules, in one transaction.
 * This takes a minute per million passages, once. If the table is current, it costs nothing. A store that is open for
 * reading only keeps what it has.
 *
 * @throws EmbedlessError `LOCKED`, `NO_SPACE`, `IO`, `CORRUPT`
 */
export async function ensureKeywords(database: Database, passages: Passages): Promise<void> {
  if (database.readOnly || hasNewest(database.reader)) return;
  await database.write(async (tx) => {
    if (hasNewest(tx)) return;
    if (readMeta(tx).keywords) clearKeywords(tx);
    else createKeywords(tx);
    const turns = new Turns();
    await enterAllWords(tx, passages, () => turns.give());
    writeMeta(tx, { keywords: true });
    raiseVersion(tx);
  });
}

function hasNewest(c: Connection): boolean {
  const { keywords, words } = readMeta(c);
  return keywords === true && words === NEWEST_RULES;
}

/** Adds the words of new passages to the table of words, if the store has one. */
export async function enterWords(
  tx: Connection,
  passages: Iterable<{ readonly node: number; readonly text: string }>,
): Promise<void> {
  const { keywords, words } = readMeta(tx);
  if (!keywords) return;
  for (const { node, text } of passages) addKeywords(tx, node, await wordsInTurns(text, words ?? 1));
}

/**
 * Adds the words of all passages to an empty table, by the newest rules.
 *
 * @param pause Called after every few passages.
 */
export async function enterAllWords(
  tx: Connection,
  passages: Passages,
  pause: (entered: number) => Promise<unknown>,
): Promise<void> {
  writeMeta(tx, { words: NEWEST_RULES });
  let entered = 0;
  for (let last = -1; ; await pause(entered)) {
    const page = passages.page(last, SLICE, tx);
    if (page.length === 0) return;
    for (const { node, text } of page) addKeywords(tx, node, await wordsInTurns(text, NEWEST_RULES));
    entered += page.length;
    last = page.at(-1)!.node;
  }
}

/** Passages, and words of the table, per step. */
const PAGE = 64;
const WORD_SLICE = 2_048;

/**
 * Compares the table of words, which SQLite keeps without checksums, with the words of the passages: their number, and
 * a sum over all pairs of word and node. Run it on one snapshot. Other checks report damaged passages.
 */
export function* verifyKeywords(c: Connection, passages: Passages): Generator<VerifyStep> {
  let meta: Pick<Meta, "keywords" | "words"> = { keywords: false, words: undefined };
  // Other checks have reported what is wrong with it.
  for (const _ of problemsOf(() => (meta = readMeta(c)))) return;
  if (!meta.keywords) return;
  const rules = meta.words ?? 1;
  const wanted = new PairSum();
  for (let last: number | undefined = -1; last !== undefined; ) {
    const after: number = last;
    let page: { node: number; text: string }[] = [];
    for (const _ of problemsOf(() => (page = passages.page(after, PAGE, c)))) return;
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

/** The number and the sum of pairs of word and node, in any order. */
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
