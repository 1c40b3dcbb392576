import { setImmediate as nextTurn } from "node:timers/promises";
import type { Database } from "../storage/database.js";
import { addKeywords, createKeywords } from "../storage/keywords.js";
import { raiseVersion, readMeta, writeMeta } from "../storage/meta.js";
import type { Passages } from "./passages.js";
import { wordsOf } from "./words.js";

/** Passages whose words are entered between two turns of the event loop. */
const SLICE = 32;

/**
 * Makes the table of words of a store that has none, in one transaction: a minute a million passages, once. Costs nothing
 * when it is there; a store that is open for reading only gets none.
 *
 * @throws EmbedlessError `LOCKED`, `NO_SPACE`, `IO`, `CORRUPT`
 */
export async function ensureKeywords(database: Database, passages: Passages): Promise<void> {
  if (database.readOnly || readMeta(database.reader).keywords) return;
  await database.write(async (tx) => {
    if (readMeta(tx).keywords) return;
    createKeywords(tx);
    for (let last = -1; ; await nextTurn()) {
      const page = passages.page(last, SLICE, tx);
      if (page.length === 0) break;
      for (const { node, text } of page) addKeywords(tx, node, wordsOf(text));
      last = page.at(-1)!.node;
    }
    writeMeta(tx, { keywords: true });
    raiseVersion(tx);
  });
}
