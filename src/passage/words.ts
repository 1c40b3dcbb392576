import { stemmer } from "stemmer";

/** Runs of letters, marks and digits. */
const WORD = /[\p{L}\p{M}\p{N}]+/gu;
/** Scripts that write no spaces between words: they are taken two characters at a time. */
const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]+/gu;
const LATIN = /^[a-z]+$/;
/** Accents, once they are separated from their letters. */
const ACCENTS = /[\u0300-\u036f]/g;
/** Longer runs are no words (base64, hashes of a megabyte); what is cut off cannot be found. */
const LONGEST = 64;

/**
 * The words of a text, in order, in the form in which they are compared: lower case, without accents, English endings cut
 * off (Porter's stemmer). Chinese, Japanese and the like become overlapping pairs of characters.
 */
export function wordsOf(text: string): string[] {
  const plain = text.normalize("NFKD").replace(ACCENTS, "").toLowerCase();
  const words: string[] = [];
  for (const [run] of plain.matchAll(WORD)) {
    let end = 0;
    for (const { 0: unspaced, index } of run.matchAll(UNSPACED)) {
      pushWord(words, run.slice(end, index));
      pushPairs(words, unspaced);
      end = index + unspaced.length;
    }
    pushWord(words, run.slice(end));
  }
  return words;
}

function pushWord(words: string[], word: string): void {
  if (word === "") return;
  const cut = word.length > LONGEST ? [...word].slice(0, LONGEST).join("") : word;
  words.push(LATIN.test(cut) ? stemmer(cut) : cut);
}

function pushPairs(words: string[], run: string): void {
  const letters = [...run];
  if (letters.length === 1) words.push(run);
  for (let i = 1; i < letters.length; i++) words.push(letters[i - 1]! + letters[i]!);
}
