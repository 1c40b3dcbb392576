import type { Connection } from "../storage/connection.js";
import type { Database } from "../storage/database.js";
import { addKeywords, clearKeywords, createKeywords } from "../storage/keywords.js";
import { raiseVersion, readMeta, writeMeta } from "../storage/meta.js";
import { nextTurn } from "../turns.js";
import type { Passages } from "./passages.js";
import { NEWEST_RULES, wordsInTurns } from "./words.js";

/** Passages whose words are entered between two turns of the event loop. */
const SLICE = 32;

/**
 * Makes the table of words of a store that has none, or one of words that were cut by older rules, in one transaction: a
 * minute per million passages, once. Costs nothing when it is there; a store that is open for reading only keeps what it has.
 *
 * @throws EmbedlessError `LOCKED`, `NO_SPACE`, `IO`, `CORRUPT`
 */
export async function ensureKeywords(database: Database, passages: Passages): Promise<void> {
  if (database.readOnly || hasNewest(database.reader)) return;
  await database.write(async (tx) => {
    if (hasNewest(tx)) return;
    if (readMeta(tx).keywords) clearKeywords(tx);
    else createKeywords(tx);
    await enterAllWords(tx, passages, () => nextTurn());
    writeMeta(tx, { keywords: true });
    raiseVersion(tx);
  });
}

function hasNewest(c: Connection): boolean {
  const { keywords, words } = readMeta(c);
  return keywords === true && words === NEWEST_RULES;
}

/** Enters the words of new passages, if the store has a table of words. */
export async function enterWords(
  tx: Connection,
  passages: Iterable<{ readonly node: number; readonly text: string }>,
): Promise<void> {
  const { keywords, words } = readMeta(tx);
  if (!keywords) return;
  for (const { node, text } of passages) addKeywords(tx, node, await wordsInTurns(text, words ?? 1));
}

/** Enters the words of all passages, by the newest rules, in the table, which has none. @param pause What to do after every few of them. */
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
