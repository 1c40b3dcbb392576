import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  approximateTokens,
  type Piece,
  type SplitOptions,
  splitText,
  type TextKind,
} from "../../../src/chunk/split.js";

/** Words and signs: adds up over slices cut at blanks, as the tokens of real models nearly do. */
const countTokens = (text: string) => text.match(/[\p{L}\p{N}]{1,6}|[^\s\p{L}\p{N}]/gu)?.length ?? 0;
const dense = (text: string) => text.replace(/\s+/g, "");
const isWellFormed = (text: string) => Buffer.from(text).toString() === text;
const words = (n: number, from = 0) => Array.from({ length: n }, (_, i) => `w${from + i}`).join(" ");

async function pieces(text: string, options: SplitOptions = {}): Promise<Piece[]> {
  return splitText(text, { countTokens, kind: "markdown", ...options });
}

function expectWhole(text: string, found: Piece[], maxTokens: number): void {
  expect(dense(found.map((piece) => piece.text).join(""))).toBe(dense(text));
  const lines = text.split(/\r\n|\n|\r/);
  let last = 1;
  for (const piece of found) {
    expect(countTokens(piece.text)).toBeLessThanOrEqual(maxTokens);
    expect(piece.text.trim()).not.toBe("");
    expect(piece.lines.from).toBeGreaterThanOrEqual(last);
    expect(piece.lines.to).toBeGreaterThanOrEqual(piece.lines.from);
    const there = dense(lines.slice(piece.lines.from - 1, piece.lines.to).join("\n"));
    expect(there).toContain(dense(piece.text));
    last = piece.lines.to;
  }
}

const textLike = fc
  .array(
    fc.oneof(
      { weight: 5, arbitrary: fc.lorem({ maxCount: 30 }) },
      { weight: 2, arbitrary: fc.lorem({ maxCount: 8, mode: "sentences" }) },
      fc.constantFrom(
        "# One",
        "## Two words",
        "Setext\n===",
        "```js",
        "```",
        "---",
        "- item",
        "\t",
        "\u0000",
        "{",
        "}",
      ),
      fc.string({ unit: "grapheme", maxLength: 40 }),
      fc.constantFrom("👩‍👩‍👧‍👦".repeat(30), "x".repeat(2000), "漢字。".repeat(120), "e\u0301".repeat(80)),
    ),
    { maxLength: 25 },
  )
  .chain((parts) =>
    fc
      .array(fc.constantFrom("\n", "\n\n", "\r\n", "\r\n\r\n", " ", "\n    "), {
        minLength: parts.length,
        maxLength: parts.length,
      })
      .map((gaps) => parts.map((part, i) => part + gaps[i]).join("")),
  );

describe("splitText", () => {
  it("loses nothing, keeps the order, the limit and the line numbers, whatever the text", async () => {
    const kinds: TextKind[] = ["markdown", "code", "text"];
    await fc.assert(
      fc.asyncProperty(textLike, fc.constantFrom(...kinds), fc.constantFrom(1, 5, 20, 254), async (text, kind, max) => {
        expectWhole(text, await pieces(text, { kind, maxTokens: max }), max);
      }),
      { seed: 5, numRuns: 300 },
    );
  });

  it.each([
    ["a line with many blanks in front", `# A\n\n${" ".repeat(3_000)}kept\n`],
    ["a heading with many blanks in front", `a\n\n${"\t".repeat(5_000)}# kept`],
    ["blanks before the end of a fence", `\`\`\`\n${" ".repeat(2_000)}\`\`\`\n\n${" ".repeat(2_000)}kept`],
  ])("loses nothing of %s", async (_, text) => {
    for (const kind of ["markdown", "code", "text"] as const) {
      const found = await pieces(text, { kind });
      expect(found.map((piece) => piece.text).join("\n")).toContain("kept");
      expectWhole(text, found, 254);
    }
  });

  it("never cuts a surrogate pair", async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: "binary", minLength: 1, maxLength: 300 }), async (text) => {
        for (const piece of await pieces(text, { maxTokens: 2 })) expect(isWellFormed(piece.text)).toBe(true);
      }),
      { seed: 6, numRuns: 200 },
    );
  });

  it.each([
    ["letters", "x".repeat(1_000_000)],
    ["emoji", "😀".repeat(250_000)],
    ["NUL", "\u0000".repeat(300_000)],
    ["words", words(150_000)],
    ["line breaks", "a\n".repeat(100_000)],
    ["list items", "- a\n".repeat(100_000)],
    ["quotations", "> a\n".repeat(100_000)],
    ["nested quotations", `${">".repeat(500_000)}a`],
    ["nested lists", Array.from({ length: 1_000 }, (_, i) => `${"  ".repeat(i)}- a`).join("\n")],
    ["open brackets", "[\n".repeat(200_000)],
    ["hashes", `# ${"*a ".repeat(200_000)}`],
    ["fences", "```\n".repeat(100_000)],
    ["blank", `a${" ".repeat(500_000)}b${"\n".repeat(500_000)}c`],
  ])("takes a megabyte of %s on its way", async (_name, text) => {
    const found = await pieces(text);
    expectWholeQuickly(text, found);
    for (const piece of found) expect(piece.text.length).toBeLessThanOrEqual(254 * 12);
  });

  function expectWholeQuickly(text: string, found: Piece[]): void {
    expect(dense(found.map((piece) => piece.text).join("")) === dense(text)).toBe(true);
    expect(Math.max(...found.map((piece) => countTokens(piece.text)))).toBeLessThanOrEqual(254);
    expect(found.every((piece) => isWellFormed(piece.text))).toBe(true);
  }

  it.each(["", "   ", "\n\r\n\t", "\uFEFF"])("finds nothing in the blank text %j", async (text) => {
    expect(await pieces(text)).toEqual([]);
  });

  it.each([253, 254, 255])("keeps a paragraph of %i tokens whole up to the limit of 254", async (n) => {
    const text = Array.from({ length: n }, () => "word").join(" ");
    expect((await pieces(text)).length).toBe(n <= 254 ? 1 : 2);
  });

  it("cuts before headings and keeps them with what follows", async () => {
    const text = `# Guide\n\n${words(90)}\n\n## Install\n\n${words(90)}\n\nSetext\n------\n\n${words(90)}\n`;
    const found = await pieces(text);
    expect(found.map((piece) => [piece.heading, piece.lines.from, piece.lines.to])).toEqual([
      ["Guide", 1, 3],
      ["Guide > Install", 5, 7],
      ["Guide > Setext", 9, 12],
    ]);
  });

  it("never leaves a heading alone at the end of a piece", async () => {
    for (let n = 1; n < 254; n += 7) {
      const text = `${words(n)}\n\n### Next\n\n${words(240)}. ${words(200, 500)}`;
      for (const piece of await pieces(text)) expect(piece.text).not.toMatch(/### Next$/);
    }
  });

  it("merges small sections and names the piece after what they have in common", async () => {
    const text = "# Options\n\n## --k\n\nHits wanted.\n\n## --recall\n\nShare of the top k.\n";
    const found = await pieces(text);
    expect(found).toHaveLength(1);
    expect(found[0]!.heading).toBe("Options");
    const apart = await pieces("# One\n\nFirst.\n\n# Two\n\nSecond.\n");
    expect(apart.map((piece) => piece.heading)).toEqual(["One"]);
  });

  it("leaves no lone bracket behind", async () => {
    for (let n = 1; n < 60; n += 3) {
      const found = await pieces(`${words(n * 9)}\n\n}\n`, { kind: "code" });
      expect(countTokens(found.at(-1)!.text)).toBeGreaterThan(1);
    }
  });

  it("strips links, code marks and closing hashes from heading titles", async () => {
    const found = await pieces("## [Use `split`](#use) ![x](y.png) ##\n\ntext");
    expect(found[0]!.heading).toBe("Use split");
  });

  it("does not take hashes in a code fence for headings, and does not cut the fence", async () => {
    const fence = `\`\`\`sh\n# not a heading\n\n${words(100)}\n\`\`\``;
    const found = await pieces(`# Title\n\n${words(110)}\n\n${fence}\n\n${words(110)}\n`);
    expect(found.every((piece) => piece.heading === "Title")).toBe(true);
    expect(found.some((piece) => piece.text.includes(fence))).toBe(true);
  });

  it("lets a line of code marks close what it opens, and front matter keep the first heading", async () => {
    const found = await pieces(
      `---\ntitle: x\n---\n\n# Title\n\n\`\`\`code\`\`\`\n\n${words(90)}\n\n## Next\n\n${words(90)}`,
    );
    expect(found.map((piece) => piece.heading)).toEqual(["Title", "Title > Next"]);
    expect(found[0]!.lines.from).toBe(1);
  });

  it("treats front matter as text, not as a heading", async () => {
    const found = await pieces(`---\ntitle: x\n---\n\n${words(20)}`);
    expect(found[0]!.heading).toBe("");
  });

  it("cuts code at blank lines, rather before an outer line, and keeps comments with what they describe", async () => {
    const method = (i: number) => `  /** Method ${i} ${words(40, 100 * i)}. */\n  method${i}(a: string): void;\n`;
    const text = `export interface A {\n${Array.from({ length: 12 }, (_, i) => method(i)).join("")}}\n`;
    const found = await pieces(text, { kind: "code" });
    expect(found.length).toBeGreaterThan(2);
    for (const piece of found.slice(1)) expect(piece.text).toMatch(/^\s*(\/\*\*|\})/);
  });

  it("moves only the cuts near an edit", async () => {
    const paragraphs = Array.from({ length: 200 }, (_, i) => words(10 + ((i * 37) % 60), i * 100));
    const before = await pieces(paragraphs.join("\n\n"));
    paragraphs[60] += " and an edit of eight words in it";
    const after = await pieces(paragraphs.join("\n\n"));
    const known = new Set(before.map((piece) => piece.text));
    const changed = after.filter((piece) => !known.has(piece.text));
    expect(changed.length).toBeGreaterThanOrEqual(1);
    expect(changed.length).toBeLessThanOrEqual(12);
    expect(before.length).toBeGreaterThan(40);
  });

  it("accepts a count that answers later", async () => {
    const found = await pieces(words(600), { countTokens: async (text) => countTokens(text) });
    expectWhole(words(600), found, 254);
  });

  it.each([0, -1, 2.5, Number.NaN])("refuses maxTokens %d", async (maxTokens) => {
    await expect(splitText("text", { maxTokens })).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });

  it("counts about one token for four letters, two digits, a sign or an ideograph", () => {
    expect(approximateTokens("four letters")).toBe(3);
    expect(approximateTokens("12345, 漢字")).toBe(6);
    expect(approximateTokens("")).toBe(0);
  });
});
