import { hasBit } from "../base/bitmap.js";
import { EmbedlessError } from "../base/errors.js";
import { Turns } from "../base/turns.js";
import { type Condition, holds } from "../filter/match.js";
import type { Matching } from "../filter/matching.js";
import type { PassageRow, Passages } from "../passage/passages.js";
import type { Connection } from "../storage/connection.js";
import type { Database } from "../storage/database.js";
import { nodesWithWord, wordsWithStart } from "../storage/keywords.js";
import { Renumbered, readMeta } from "../storage/meta.js";
import { type AskedWord, askedWords, isAsked, type WordRules, wordsInTurns } from "../text/words.js";

/** Nodes of a word that are read per query. */
const NODES_AT_ONCE = 4_096;
/** Passages that are read and scored before the event loop gets a turn. */
const SCORED_AT_ONCE = 8;
/** Fewest passages that are scored. Ranked only by rare words, these nearly always hold the best ten of all. */
const LEAST_SCORED = 100;
/** A word that a larger share of passages holds is ignored if a rarer one was asked for too. */
const COMMON_SHARE = 1 / 8;
/** With more candidates than this, all are sorted, because inserting each at its place would take too long. */
const MOST_PLACED = 2_000;
/** Most words of a question that are looked up. The longest are chosen. */
const MOST_WORDS = 64;
/**
 * Parameters of BM25 (Robertson and Zaragoza 2009): how soon repetitions stop to count, and how much a long passage is
 * penalised.
 */
const K1 = 1.2;
const B = 0.75;

/** A passage that has words of the question. */
export interface KeywordMatch {
  readonly row: PassageRow;
  /** BM25, above 0. Higher is better. */
  readonly score: number;
}

/** What to search for. */
export interface KeywordQuery {
  readonly text: string;
  readonly limit: number;
  /** The nodes that may be in the answer. Default: all. */
  readonly filter?: { readonly condition: Condition; readonly matching: Matching } | undefined;
  readonly signal?: AbortSignal | undefined;
}

interface Term {
  readonly asked: AskedWord;
  readonly nodes: readonly number[];
  /** Inverse document frequency: the weight of the word, higher if it is rare. */
  readonly idf: number;
}

/**
 * Ranks passages by the words they share with a question. Each word's list of nodes proposes candidates, weighted by
 * how rare the word is. The best candidates are read and scored by BM25, with counts and lengths from the texts.
 */
export class KeywordSearch {
  readonly #database: Database;
  readonly #passages: Passages;

  constructor(database: Database, passages: Passages) {
    this.#database = database;
    this.#passages = passages;
  }

  /**
   * The passages that share words with the text, best first. Equal scores are in the order of adding.
   *
   * @throws `INVALID_ARGUMENT` if the store has no table of words, `ABORTED`, `CORRUPT`
   * @throws Renumbered if the nodes of `filter` or of the found passages belong to other passages by now
   */
  async search({ text, limit, filter, signal }: KeywordQuery): Promise<KeywordMatch[]> {
    const { meta, terms } = await this.#database.snapshot(async (c) => {
      const meta = readMeta(c);
      if (meta.passages > 0 && !meta.keywords) throw withoutKeywords();
      const asked = askedWords(text, meta.words ?? 1).sort((a, b) => b.word.length - a.word.length);
      const words = asked.slice(0, MOST_WORDS);
      return { meta, terms: meta.passages > 0 ? await findTerms(c, words, meta.passages, signal) : [] };
    }, signal);
    const { numbering, words: rules = 1 } = meta;
    if (filter && filter.matching.numbering !== numbering) throw new Renumbered();
    const candidates = bestByRareness(terms, Math.max(LEAST_SCORED, 2 * limit), filter?.matching.bits);
    const scale = { rules, meanBytes: meta.rawBytes / meta.passages };
    const scored = await this.#score({ nodes: candidates, numbering }, terms, scale, signal);
    return scored
      .filter(({ row }) => filter === undefined || holds(filter.condition, row))
      .sort((a, b) => b.score - a.score || a.row.node - b.row.node)
      .slice(0, limit);
  }

  async #score(
    { nodes, numbering }: { nodes: readonly number[]; numbering: number },
    terms: readonly Term[],
    scale: Scale,
    signal: AbortSignal | undefined,
  ): Promise<KeywordMatch[]> {
    const scored: KeywordMatch[] = [];
    const turns = new Turns({ signal });
    for (let at = 0; at < nodes.length; at += SCORED_AT_ONCE) {
      await turns.give();
      for (const row of this.#passages.byNodes(nodes.slice(at, at + SCORED_AT_ONCE), numbering).values()) {
        const words = await wordsInTurns(row.text, scale.rules);
        const score = bm25(words, Buffer.byteLength(row.text), terms, scale.meanBytes);
        if (score > 0) scored.push({ row, score });
      }
    }
    return scored;
  }
}

/** Finds the nodes of each word. Common words are left out unless there are no others. */
async function findTerms(
  c: Connection,
  words: readonly AskedWord[],
  passages: number,
  signal: AbortSignal | undefined,
): Promise<Term[]> {
  const most = Math.max(NODES_AT_ONCE, passages * COMMON_SHARE);
  const found = await inOrder(words, (word) => nodesOf(c, word, most, signal));
  const rare = found.filter(({ nodes }) => nodes.length > 0 && nodes.length <= most);
  const all = rare.length > 0 ? rare : await inOrder(words, (word) => nodesOf(c, word, passages, signal));
  return all.map(({ asked, nodes }) => ({ asked, nodes, idf: idf(nodes.length, passages) }));
}

async function inOrder<T>(words: readonly AskedWord[], find: (word: AskedWord) => Promise<T>) {
  const found: { asked: AskedWord; nodes: T }[] = [];
  for (const asked of words) found.push({ asked, nodes: await find(asked) });
  return found;
}

/** The nodes of a word in order. For a common word there are a few more than `most`. */
async function nodesOf(
  c: Connection,
  asked: AskedWord,
  most: number,
  signal: AbortSignal | undefined,
): Promise<number[]> {
  const nodes = new Set<number>();
  const turns = new Turns({ signal });
  for (const word of asked.isStart ? await wordsAsked(c, asked, signal) : [asked.word]) {
    for (let from = 0; nodes.size <= most; ) {
      await turns.give();
      const slice = nodesWithWord(c, word, from, NODES_AT_ONCE);
      for (const node of slice) nodes.add(node);
      if (slice.length < NODES_AT_ONCE) break;
      from = slice.at(-1)! + 1;
    }
    if (nodes.size > most) break;
  }
  return asked.isStart ? [...nodes].sort((a, b) => a - b) : [...nodes];
}

/** The words of the table that begin with the given word. */
async function wordsAsked(c: Connection, asked: AskedWord, signal: AbortSignal | undefined): Promise<string[]> {
  const words: string[] = [];
  const turns = new Turns({ signal });
  for (const word of wordsWithStart(c, asked.word)) {
    if (isAsked(asked, word)) words.push(word);
    await turns.give();
  }
  return words;
}

/** Never below 0, as in Lucene. */
function idf(holders: number, passages: number): number {
  return Math.log(1 + Math.max(0, passages - holders + 0.5) / (holders + 0.5));
}

/** The nodes that share the rarest words, best first. */
function bestByRareness(terms: readonly Term[], limit: number, filter: Uint8Array | undefined): number[] {
  const weights = new Map<number, number>();
  for (const { nodes, idf } of terms) {
    for (const node of nodes) {
      if (filter && !hasBit(filter, node)) continue;
      weights.set(node, (weights.get(node) ?? 0) + idf);
    }
  }
  const best: Weighted[] = [];
  if (limit > MOST_PLACED) {
    for (const [node, weight] of weights) best.push({ node, weight });
    best.sort((a, b) => (isBefore(a, b) ? -1 : 1));
    return best.slice(0, limit).map(({ node }) => node);
  }
  for (const [node, weight] of weights) {
    const one = { node, weight };
    if (best.length < limit) best.push(one);
    else if (isBefore(one, best.at(-1)!)) best[limit - 1] = one;
    else continue;
    // Moves it up to its place. Few of many candidates get this far.
    for (let i = best.length - 1; i > 0 && isBefore(one, best[i - 1]!); i--)
      [best[i - 1], best[i]] = [one, best[i - 1]!];
  }
  return best.map(({ node }) => node);
}

interface Weighted {
  readonly node: number;
  readonly weight: number;
}

function isBefore(a: Weighted, b: Weighted): boolean {
  return a.weight > b.weight || (a.weight === b.weight && a.node < b.node);
}

/** How words are cut, and how long texts are on average. */
interface Scale {
  readonly rules: WordRules;
  readonly meanBytes: number;
}

function bm25(words: readonly string[], bytes: number, terms: readonly Term[], meanBytes: number): number {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  const length = 1 - B + (B * bytes) / meanBytes;
  const found = withoutLooseParts(terms.map(({ asked, idf }) => ({ asked, idf, count: countOf(asked, counts) })));
  return found.reduce((score, { idf, count }) => score + (idf * count * (K1 + 1)) / (count + K1 * length), 0);
}

function countOf(asked: AskedWord, counts: ReadonlyMap<string, number>): number {
  if (!asked.isStart) return counts.get(asked.word) ?? 0;
  let count = 0;
  for (const [word, times] of counts) if (isAsked(asked, word)) count += times;
  return count;
}

interface Counted {
  readonly asked: AskedWord;
  readonly idf: number;
  readonly count: number;
}

/**
 * Long foreign words share some pair with many others. A text with less than half of a word's pairs does not hold the
 * word.
 */
function withoutLooseParts(found: readonly Counted[]): readonly Counted[] {
  const parts = new Map<number, { all: number; held: number }>();
  for (const { asked, count } of found) {
    if (asked.part === undefined) continue;
    const { all, held } = parts.get(asked.part) ?? { all: 0, held: 0 };
    parts.set(asked.part, { all: all + 1, held: held + Number(count > 0) });
  }
  if (parts.size === 0) return found;
  const isLoose = (part: number) => parts.get(part)!.held * 2 < parts.get(part)!.all;
  return found.filter(({ asked }) => asked.part === undefined || !isLoose(asked.part));
}

function withoutKeywords(): EmbedlessError {
  return new EmbedlessError(
    "INVALID_ARGUMENT",
    'The store has no table of words, which the modes "keyword" and "hybrid" need. Open it with keywords: true to create one.',
  );
}
