import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cleanText, MAX_TEXT_BYTES } from "../../../src/api/input.js";
import { packText, sampleDictionary, textHash, unpackText } from "../../../src/text/text.js";
import { codeOf } from "../storage/temporary_store.js";

describe("cleanText", () => {
  it("keeps well-formed text as it is and mends the rest", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        fc.pre(text.trim() !== "");
        expect(cleanText(text)).toBe(text);
      }),
      { seed: 3 },
    );
    expect(cleanText("a\ud800b \0 \ud83d\ude00")).toBe("a\ufffdb \0 \ud83d\ude00");
  });

  it.each([
    ["", "INVALID_TEXT"],
    [" \n\t\u00a0", "INVALID_TEXT"],
    [7, "INVALID_TEXT"],
    [null, "INVALID_TEXT"],
  ])("refuses %j", async (text, code) => {
    expect(await codeOf(() => cleanText(text))).toBe(code);
    expect(() => cleanText(text, "items[3].text")).toThrow("items[3].text");
  });

  it("limits the bytes, not the characters", async () => {
    expect(cleanText("x".repeat(MAX_TEXT_BYTES))).toHaveLength(MAX_TEXT_BYTES);
    expect(await codeOf(() => cleanText("x".repeat(MAX_TEXT_BYTES + 1)))).toBe("LIMIT");
    expect(await codeOf(() => cleanText("é".repeat(MAX_TEXT_BYTES / 2 + 1)))).toBe("LIMIT");
  });
});

describe("packing", () => {
  const dictionary = {
    dict: 4,
    bytes: sampleDictionary([Buffer.from("the quick brown fox jumps over the lazy dog. ".repeat(900))]),
  };

  it("gives back every text, with and without a dictionary", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.boolean(), (text, use) => {
        const utf8 = Buffer.from(text);
        const packed = packText(utf8, use ? dictionary : undefined);
        expect([null, use ? 4 : 0]).toContain(packed.dict);
        expect(packed.bytes.length).toBeLessThanOrEqual(utf8.length);
        const unpacked = unpackText(packed, packed.dict ? dictionary.bytes : undefined);
        expect(Buffer.from(unpacked).equals(utf8)).toBe(true);
      }),
      { seed: 4 },
    );
  });

  it("keeps what does not get shorter as plain UTF-8", () => {
    expect(packText(Buffer.from("x7"), undefined)).toEqual({ dict: null, bytes: Buffer.from("x7") });
    expect(packText(Buffer.from("the quick brown fox"), dictionary).dict).toBe(4);
  });

  it("does not unpack more than a text may hold", () => {
    const bomb = packText(Buffer.alloc(MAX_TEXT_BYTES + 1), undefined);
    expect(bomb.bytes.length).toBeLessThan(20_000);
    expect(() => unpackText(bomb, undefined)).toThrow();
    const largest = packText(Buffer.alloc(MAX_TEXT_BYTES), undefined);
    expect(unpackText(largest, undefined)).toHaveLength(MAX_TEXT_BYTES);
  });

  it.each([0, 1, 32_767, 32_768, 32_769, 65_536, 200_000])("samples a dictionary from %d bytes", (bytes) => {
    const texts = [Buffer.alloc(bytes >> 1, "first half "), Buffer.alloc(bytes - (bytes >> 1), "second part ")];
    const sample = Buffer.from(sampleDictionary(texts));
    expect(sample).toHaveLength(Math.min(bytes, 32_768));
    expect(Buffer.from(sampleDictionary(texts)).equals(sample)).toBe(true);
    if (bytes > 1000) {
      expect(sample.includes("first")).toBe(true);
      expect(sample.includes("second")).toBe(true);
    }
  });
});

describe("textHash", () => {
  it("is the beginning of the SHA-256 of the UTF-8 text", () => {
    expect(textHash("abc")).toBe("ba7816bf8f01cfea");
    expect(textHash(Buffer.from("é"))).toBe(textHash("é"));
  });
});
