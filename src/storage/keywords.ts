import type { Connection } from "./connection.js";
import { requireOrder } from "./integrity.js";

/**
 * The table of which passages hold which words: FTS5 lists of nodes. It holds no texts, no positions and no counts. A
 * search reads these from the passages themselves after it has chosen some, which makes the table 2.5 times smaller.
 *
 * Words come in the form in which they are compared (`wordsOf`), so the tokenizer only splits them at spaces.
 */
const TABLE = `CREATE VIRTUAL TABLE store.keywords USING fts5(
  words, content='', contentless_delete=1, detail=none, tokenize='ascii'
)`;

/** Creates an empty table. */
export function createKeywords(tx: Connection): void {
  tx.exec(TABLE);
}

/** Adds the words of a node that has none yet. */
export function addKeywords(tx: Connection, node: number, words: readonly string[]): void {
  tx.run("INSERT INTO keywords (rowid, words) VALUES (?, ?)", node, [...new Set(words)].join(" "));
}

/** Removes the words of nodes. */
export function removeKeywords(tx: Connection, nodes: Iterable<number>): void {
  for (const node of nodes) tx.run("DELETE FROM keywords WHERE rowid = ?", node);
}

/** Up to `limit` nodes from `from` on whose passages hold a word, in order. */
export function nodesWithWord(c: Connection, word: string, from: number, limit: number): number[] {
  // One string for all nodes, because passing one row per node would take ten times as long.
  const listed = "SELECT rowid AS node FROM keywords WHERE keywords MATCH ? AND rowid >= ? ORDER BY rowid LIMIT ?";
  const sql = `SELECT json_group_array(node) AS nodes FROM (${listed})`;
  const nodes = JSON.parse(c.get<{ nodes: string }>(sql, quoted(word), from, limit)?.nodes ?? "[]") as number[];
  requireOrder("keywords", nodes, from);
  return nodes;
}

/**
 * The words of the table that begin with `start`, in order. FTS5 could look up all of them at once, but it would then
 * merge their lists in one step, however few nodes are needed. For a connection that stays on one snapshot.
 */
export function* wordsWithStart(c: Connection, start: string): Generator<string> {
  c.exec("CREATE VIRTUAL TABLE IF NOT EXISTS temp.keyword_terms USING fts5vocab('store', 'keywords', 'row')");
  const sql = "SELECT term AS word FROM temp.keyword_terms WHERE term >= ? AND term < ?";
  for (const { word } of c.iterate<{ word: string }>(sql, start, `${start}\u{10ffff}`)) yield word;
}

/** Removes the words of all nodes. */
export function clearKeywords(tx: Connection): void {
  tx.run("INSERT INTO keywords (keywords) VALUES ('delete-all')");
}

/**
 * Lets a used connection see what others wrote since. FTS5 remembers where its lists are, and looks for newer ones only
 * when it is asked for a word. SQLite's check of the whole file does not ask for one.
 */
export function noticeNewKeywords(c: Connection): void {
  if (c.get("SELECT 1 FROM store.sqlite_schema WHERE name = 'keywords'") === undefined) return;
  nodesWithWord(c, "a", 0, 1);
}

/** Number of nodes that have words. */
export function countKeywords(c: Connection): number {
  return c.get<{ n: number }>("SELECT count(*) AS n FROM keywords_docsize")?.n ?? 0;
}

/** Every word of every node, in the order of words. For a connection that stays on one snapshot. */
export function* keywordEntries(c: Connection): Generator<{ word: string; node: number }> {
  c.exec("CREATE VIRTUAL TABLE IF NOT EXISTS temp.keyword_entries USING fts5vocab('store', 'keywords', 'instance')");
  yield* c.iterate<{ word: string; node: number }>("SELECT term AS word, doc AS node FROM temp.keyword_entries");
}

/** Bytes of the table. */
export function keywordBytes(c: Connection): number {
  const sql = "SELECT sum(length(block)) AS bytes FROM keywords_data";
  return c.get<{ bytes: number | null }>(sql)?.bytes ?? 0;
}

/** Quotes a word for a query of FTS5. Words hold no quotes, but some are its operators. */
function quoted(word: string): string {
  return `"${word}"`;
}
