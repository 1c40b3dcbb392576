import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import {
  askedWords,
  isAsked,
  NEWEST_RULES,
  type WordRules,
  wordPieces,
  wordsOf as wordsBy,
  wordsInTurns,
} from "../../../src/text/words.js";
import { countRounds, slowClock } from "../../support/clock.js";

const wordsOf = (text: string, rules: WordRules = NEWEST_RULES) => wordsBy(text, rules);

describe("words are compared", () => {
  it.each([
    ["Running runs, RAN!", ["run", "run", "ran"]],
    ["Caf\u00e9 cafe\u0301 \ufb01nal \u00c5ngstr\u00f6m", ["cafe", "cafe", "final", "angstrom"]],
    ["foo_bar maxTokens v1.2.3", ["foo", "bar", "maxtoken", "v1", "2", "3"]],
    [
      "\u041a\u043e\u0448\u043a\u0438 \u0438 \u043f\u0441\u044b",
      ["\u043a\u043e\u0448\u043a\u0438", "\u0438", "\u043f\u0441\u044b"],
    ],
    ["東京都 2024年", ["東京", "京都", "都", "2024", "年"]],
    ["コンピューター", ["コン", "ンピ", "ピュ", "ュー", "ータ", "ター", "ー"]],
    ["ﾊﾞｽ バス", ["バス", "ス", "バス", "ス"]],
    ["서울에서 물", ["서울", "울에", "에서", "서", "물"]],
    ["กิน", ["กิน", "น"]],
    ["ខ្មែរ", ["ខ្មែ", "មែរ", "រ"]],
    ["", []],
    [" \n--- \u{1f600} ", []],
  ])("%j as %j", (text, words) => {
    expect(wordsOf(text)).toEqual(words);
  });

  it("without marks being torn from the letters that need them", () => {
    // Devanagari vowels are marks: the word stays one.
    expect(wordsOf("\u0939\u093f\u0928\u094d\u0926\u0940")).toHaveLength(1);
  });

  it("as they always were by the first rules, which stores of before keep to", () => {
    expect(wordsOf("東京都 2024年 running", 1)).toEqual(["東京", "京都", "2024", "年", "run"]);
    expect(wordsOf("サーバー", 1)).toEqual(["サ", "ー", "ハ", "\u3099ー"]);
    expect(wordsOf("서울", 1)).toEqual(["서울".normalize("NFD")]);
  });

  it("with at most eight marks on a letter", () => {
    expect(Math.max(...wordsOf(`ก${"\u0e49".repeat(100_000)}`).map((word) => word.length))).toBeLessThanOrEqual(17);
  });

  it("to their 64th character", () => {
    expect(wordsOf("7".repeat(63))[0]).toHaveLength(63);
    expect(wordsOf("7".repeat(64))[0]).toHaveLength(64);
    expect(wordsOf("7".repeat(65))[0]).toHaveLength(64);
  });
});

describe("a question", () => {
  const asks = (question: string, text: string, rules: WordRules = NEWEST_RULES) =>
    askedWords(question, rules).filter((asked) => wordsOf(text, rules).some((word) => isAsked(asked, word))).length;

  it("finds any single letter of a script that is cut in pairs, wherever it stands", () => {
    for (const text of ["東京都庁へ行く。", "서울에서 부산까지", "ภาษาไทย", "コンピューターと人"]) {
      for (const letter of text.match(/[\p{L}]\p{M}*/gu)!) expect([letter, asks(letter, text)]).toEqual([letter, 1]);
    }
    expect(asks("西", "東京都庁")).toBe(0);
    expect(asks("가", "각각")).toBe(0);
  });

  it("finds a noun in Korean under its particle, inside a compound, and with another particle", () => {
    for (const text of ["서울에서 왔다", "서울은 크다", "남서울대학교"]) expect(asks("서울", text)).toBe(1);
    expect(asks("서울에서", "서울은 크다")).toBeGreaterThan(0);
    expect(asks("부산", "서울은 크다")).toBe(0);
  });

  it("finds what it can by the first rules: letters that begin a pair, and nouns under particles", () => {
    expect(asks("東", "東京", 1)).toBe(1);
    expect(asks("서울", "서울에서", 1)).toBe(1);
    expect(asks("서우", "서울에서", 1)).toBe(0);
  });

  it("names no word twice, and pairs of one foreign word together", () => {
    const asked = askedWords("データベース データ 東京", NEWEST_RULES);
    expect(new Set(asked.map(({ word }) => word)).size).toBe(asked.length);
    expect(asked.map(({ word, part }) => [word, part])).toContainEqual(["東京", undefined]);
    expect(new Set(asked.flatMap(({ part }) => part ?? [])).size).toBe(1);
  });
});

test("any text gives words of letters and digits alone, well-formed, the same again", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      const words = wordsOf(text);
      for (const word of words) {
        expect(word).toMatch(/^[\p{L}\p{M}\p{N}]+$/u);
        expect((word as string & { isWellFormed(): boolean }).isWellFormed()).toBe(true);
      }
      expect(wordsOf(text)).toEqual(words);
      for (const rules of [1, 2] as const) {
        const first = askedWords(text, rules)[0];
        if (first) expect(wordsOf(text, rules).some((word) => isAsked(first, word))).toBe(true);
      }
    }),
    { seed: 5, numRuns: 300 },
  );
});

describe("words of long texts", () => {
  const alphabet = fc.constantFrom(
    "a",
    "é",
    "e\u0301",
    "Σ",
    "が",
    "か\u3099",
    "한국어",
    "ไทย",
    "running",
    "x1",
    "-",
    " ",
    "\n",
    "\u3000",
    "\t",
  );
  /** A short text, and a long one that is made of it. */
  const repeated = fc.array(alphabet, { minLength: 1, maxLength: 40 }).map((pieces) => {
    const short = pieces.join("");
    const times = Math.ceil(40_000 / (short.length + 1));
    return { short, times, long: `${short} `.repeat(times) };
  });

  it.each([1, 2] as const)("are those of its parts, by rules %i", (rules) => {
    fc.assert(
      fc.property(repeated, ({ short, times, long }) => {
        const pieces = [...wordPieces(long, rules)];
        expect(pieces.length).toBeGreaterThan(1);
        expect(pieces.flat()).toEqual(Array(times).fill(wordsOf(short, rules)).flat());
        expect(wordsOf(long, rules)).toEqual(pieces.flat());
      }),
      { numRuns: 50, seed: 23 },
    );
  });

  it("of a text without blanks come in one piece", () => {
    expect([...wordPieces("漢字".repeat(20_000), 2)]).toHaveLength(1);
  });

  it("let the event loop turn", async () => {
    slowClock(5); // each piece takes its turn
    const rounds = countRounds();
    const text = "some words that are many ".repeat(10_000);
    expect(await wordsInTurns(text, 2)).toEqual(wordsOf(text, 2));
    expect(rounds()).toBeGreaterThan(10);
  });
});
