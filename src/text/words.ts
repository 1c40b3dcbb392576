import { stemmer } from "stemmer";
import { Turns } from "../base/turns.js";

/** Runs of letters, marks and digits. */
const WORD = /[\p{L}\p{M}\p{N}]+/gu;
/** Scripts without spaces between words, by the first rules: without the marks that several of them share. */
const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]+/gu;
/** The same with those marks (as in ー and が), and Hangul, which writes particles and compounds without spaces. */
const JOINED = /[\p{scx=Han}\p{scx=Hira}\p{scx=Kana}\p{scx=Hang}\p{scx=Thai}\p{scx=Laoo}\p{scx=Khmr}\p{scx=Mymr}]+/gu;
/** A letter with its marks. Of very many marks only the first ones. */
const UNIT = /\P{M}\p{M}{0,8}|\p{M}{1,8}/gu;
/** A foreign word in Japanese. */
const KATAKANA = /[\p{scx=Kana}]{3,}/gu;
/** What belongs to the letter before it: marks, and final consonants of decomposed Hangul. */
const CONTINUED = /^[\p{M}\u11a8-\u11ff]/u;
const HANGUL = /^\p{Script=Hangul}+$/u;
const LATIN = /^[a-z]+$/;
/** Accents after they were separated from their letters. */
const ACCENTS = /[\u0300-\u036f]/g;
/** Longest word. Longer runs are not words (base64, hashes of a megabyte); what is cut off cannot be found. */
const LONGEST = 64;

/** UTF-16 units of a text whose words are cut in one step. A piece ends at the next blank, so it cuts no word. */
const PIECE_LENGTH = 2 ** 14;
const BLANK = /\s/g;

/**
 * The rules by which words are cut. A store keeps the rules with which its table of words was made; stores that name
 * none use 1. With rules 2, Korean is cut like Chinese and Japanese, letters keep their marks, and the last letter of a
 * run is a word too, so that every letter begins a word.
 */
export type WordRules = 1 | 2;

/** The rules of new tables. */
export const NEWEST_RULES: WordRules = 2;

/** One thing that a question asks for. */
export interface AskedWord {
  readonly word: string;
  /**
   * Whether all words that begin with it are meant. This is so for a single letter of a script that is cut in pairs.
   */
  readonly isStart: boolean;
  /** The number of the foreign word in Japanese that this pair belongs to. Pairs of one word have the same number. */
  readonly part?: number;
}

/**
 * The words of a text, in order, in the form in which they are compared: lower case, without accents, and without
 * English endings (Porter's stemmer). Chinese, Japanese, Korean and similar scripts become overlapping pairs of
 * letters.
 */
export function wordsOf(text: string, rules: WordRules): string[] {
  return text.length <= PIECE_LENGTH ? wordsOfPiece(text, rules) : [...wordPieces(text, rules)].flat();
}

/** The words of a text in pieces of a few milliseconds each. A text of 10 MB takes seconds. */
export function* wordPieces(text: string, rules: WordRules): Generator<string[]> {
  for (let at = 0; at < text.length; ) {
    BLANK.lastIndex = at + PIECE_LENGTH;
    const end = BLANK.test(text) ? BLANK.lastIndex : text.length;
    yield wordsOfPiece(text.slice(at, end), rules);
    at = end;
  }
}

/** All words of a text. The event loop gets turns between pieces. */
export async function wordsInTurns(text: string, rules: WordRules): Promise<string[]> {
  if (text.length <= PIECE_LENGTH) return wordsOfPiece(text, rules);
  const turns = new Turns();
  const words: string[][] = [];
  for (const piece of wordPieces(text, rules)) {
    words.push(piece);
    await turns.give();
  }
  return words.flat();
}

function wordsOfPiece(text: string, rules: WordRules): string[] {
  const words: string[] = [];
  for (const { run, isJoined } of runsOf(text, rules)) {
    if (!isJoined) pushWord(words, run);
    else if (rules === 1) pushPairs(words, [...run]);
    else {
      const units = unitsOf(run);
      pushPairs(words, units);
      if (units.length > 1) words.push(units.at(-1)!);
    }
  }
  return words;
}

/** The words that a question asks for, cut by the same rules as those of the texts. Each is named once. */
export function askedWords(question: string, rules: WordRules): AskedWord[] {
  const asked = new Map<string, AskedWord>();
  let part = 0;
  const add = (word: string, isStart: boolean, of?: number) => {
    if (!asked.has(word)) asked.set(word, { word, isStart, ...(of !== undefined && { part: of }) });
  };
  for (const { run, isJoined } of runsOf(question, rules)) {
    const words: string[] = [];
    if (!isJoined) {
      pushWord(words, run);
      // A particle follows its word without a space.
      for (const word of words) add(word, HANGUL.test(word));
      continue;
    }
    const units = rules === 1 ? [...run] : unitsOf(run);
    for (const [foreign] of rules === 1 ? [] : units.join("").matchAll(KATAKANA)) {
      part++;
      for (const pair of pairsOf(unitsOf(foreign))) add(pair, false, part);
    }
    pushPairs(words, units);
    for (const word of words) add(word, units.length === 1);
  }
  return [...asked.values()];
}

/** Whether a word of a text was asked for. */
export function isAsked({ word, isStart }: AskedWord, found: string): boolean {
  if (found === word) return true;
  return isStart && found.startsWith(word) && !CONTINUED.test(found.slice(word.length));
}

/** Runs of a text: those of scripts that are cut in pairs, and others. */
function* runsOf(text: string, rules: WordRules): Generator<{ run: string; isJoined: boolean }> {
  const plain = text.normalize("NFKD").replace(ACCENTS, "").toLowerCase();
  for (const [run] of plain.matchAll(WORD)) {
    let end = 0;
    for (const { 0: joined, index } of run.matchAll(rules === 1 ? UNSPACED : JOINED)) {
      yield { run: run.slice(end, index), isJoined: false };
      yield { run: joined, isJoined: true };
      end = index + joined.length;
    }
    yield { run: run.slice(end), isJoined: false };
  }
}

/** Letters with their marks. Syllables of Hangul and voiced kana that were decomposed before are composed again. */
function unitsOf(run: string): string[] {
  return run.normalize("NFC").match(UNIT) ?? [];
}

function pushWord(words: string[], word: string): void {
  if (word === "") return;
  const cut = word.length > LONGEST ? [...word].slice(0, LONGEST).join("") : word;
  words.push(LATIN.test(cut) ? stemmer(cut) : cut);
}

function pushPairs(words: string[], units: readonly string[]): void {
  if (units.length === 1) words.push(units[0]!);
  for (const pair of pairsOf(units)) words.push(pair);
}

function pairsOf(units: readonly string[]): string[] {
  return units.slice(1).map((unit, i) => units[i]! + unit);
}
