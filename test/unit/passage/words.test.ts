import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { wordsOf } from "../../../src/passage/words.js";

describe("words are compared", () => {
  it.each([
    ["Running runs, RAN!", ["run", "run", "ran"]],
    ["Caf\u00e9 cafe\u0301 \ufb01nal \u00c5ngstr\u00f6m", ["cafe", "cafe", "final", "angstrom"]],
    ["foo_bar maxTokens v1.2.3", ["foo", "bar", "maxtoken", "v1", "2", "3"]],
    [
      "\u041a\u043e\u0448\u043a\u0438 \u0438 \u043f\u0441\u044b",
      ["\u043a\u043e\u0448\u043a\u0438", "\u0438", "\u043f\u0441\u044b"],
    ],
    ["\u6771\u4eac\u90fd 2024\u5e74", ["\u6771\u4eac", "\u4eac\u90fd", "2024", "\u5e74"]],
    ["", []],
    [" \n--- \u{1f600} ", []],
  ])("%j as %j", (text, words) => {
    expect(wordsOf(text)).toEqual(words);
  });

  it("without marks being torn from the letters that need them", () => {
    // Devanagari vowels are marks: the word stays one.
    expect(wordsOf("\u0939\u093f\u0928\u094d\u0926\u0940")).toHaveLength(1);
  });

  it("to their 64th character", () => {
    expect(wordsOf("7".repeat(63))[0]).toHaveLength(63);
    expect(wordsOf("7".repeat(64))[0]).toHaveLength(64);
    expect(wordsOf("7".repeat(65))[0]).toHaveLength(64);
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
    }),
    { seed: 5, numRuns: 500 },
  );
});
