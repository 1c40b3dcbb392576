import { describe, expect, it } from "vitest";
import type { Hit, SearchCost } from "../../../src/api/search.js";
import { costLine, explainLines, hitLines } from "../../../src/cli/hits.js";
import { columnsOf, type Terminal } from "../../../src/cli/terminal.js";

const plain: Terminal = { width: 60, live: false, style: (_, text) => text, line: () => {}, over: () => {} };
/** Marks what is set off, so that a test can see it. */
const marked: Terminal = { ...plain, style: (style, text) => (style === "bold" ? `[${text}]` : text) };

function hit(text: string, metadata: Record<string, unknown> = {}): Hit {
  return { id: "a.md#x", text, score: 0.71234, metadata: { source: "a.md", lines: { from: 3, to: 9 }, ...metadata } };
}

const cost: SearchCost = {
  keywordMs: 0,
  recomputed: 14,
  embedded: 12,
  cached: 2,
  kept: 0,
  scanned: 1536,
  dismissed: 300,
  totalMs: 38.2,
  queryMs: 9,
  scanMs: 0.25,
  readMs: 1,
  recomputeMs: 28,
};

describe("hitLines", () => {
  it("shows rank, score, place, heading and the text without the heading it begins with", () => {
    const lines = hitLines(hit("## Install\n\nRun the installer.", { heading: "Guide > Install" }), 1, plain, {
      question: "x",
      lines: 4,
    });
    expect(lines).toEqual([" 1  0.712  a.md:3-9  Guide > Install", "    Run the installer."]);
  });

  it("gives a long heading a line of its own, and keeps the end of a long path", () => {
    const long = hit("text", { heading: "A heading ".repeat(9), source: `${"folder/".repeat(12)}end.md` });
    const lines = hitLines(long, 10, plain, { question: "x", lines: 4 });
    expect(lines[0]).toMatch(/^10 {2}0\.712 {2}….*\/end\.md:3-9$/);
    expect(lines[1]).toMatch(/^ {4}A heading .*…$/);
    for (const line of lines) expect(columnsOf(line)).toBeLessThanOrEqual(60);
  });

  it("chooses the lines that have most of the question's words and sets them off", () => {
    const filler = Array.from({ length: 20 }, (_, i) => `- filler number ${i}`);
    filler[12] = "- the recall of a search can be raised";
    const lines = hitLines(hit(filler.join("\n")), 1, marked, { question: "How do I raise the recall?", lines: 3 });
    expect(lines).toHaveLength(4);
    expect(lines.join("\n")).toContain("the [recall] of a search can be [raise]d");
    expect(lines[1]).toMatch(/^ {4}… /);
    expect(lines.at(-1)).toMatch(/ …$/);
  });

  it("joins paragraphs wrapped by hand, but not lists, tables and code", () => {
    const text = "one two\nthree four\n\n- item\n- item\n\n```\ncode one\ncode two\n```";
    const lines = hitLines(hit(text), 1, plain, { question: "", lines: 9 });
    expect(lines.slice(1).map((line) => line.trim())).toEqual([
      "one two three four",
      "- item",
      "- item",
      "code one",
      "code two",
    ]);
  });

  it("shows code by its lines, without the shared indentation and the stars of comments", () => {
    const text = "  /**\n   * Adds.\n   */\n  add(): void;";
    const lines = hitLines(hit(text, { source: "a.d.ts" }), 1, plain, { question: "", lines: 4 });
    expect(lines.slice(1)).toEqual(["    Adds.", "    add(): void;"]);
  });

  it("lets no control sequence of a stored passage through", () => {
    const lines = hitLines(hit("a\x1b[31mb\x1b]0;t\x07c", { heading: "h\x1b[2J", source: "s\x1b[1m.md" }), 1, plain, {
      question: "(.*[",
      lines: 4,
    });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what must not be there
    expect(lines.join("\n")).not.toMatch(/[\x00-\x09\x0B-\x1F]/);
  });

  it("falls back to the id", () => {
    const { metadata: _, ...bare } = hit("text");
    expect(hitLines({ ...bare, metadata: {} }, 1, plain, { question: "", lines: 1 })[0]).toBe(" 1  0.712  a.md#x");
  });
});

it("costLine says the time, and where the exact scores came from", () => {
  expect(costLine(cost, 1536)).toBe("38 ms · 12 of 1,536 passages embedded again, 2 from the cache");
  expect(costLine({ ...cost, embedded: 14, cached: 0 }, 1)).toBe("38 ms · 14 of 1 passage embedded again");
  const kept = { ...cost, embedded: 0, cached: 0, kept: 14 };
  expect(costLine(kept, 1536)).toBe("38 ms · 14 of 1,536 passages scored by kept vectors");
});

describe("explainLines", () => {
  const found = { estimate: 0.7, sigma: 0.01, chance: 0.9312, keyword: undefined };
  const explained: Hit = { ...hit("a"), explain: { ...found, exact: 0.71234, source: "recompute" } };
  const unsure: Hit = { ...hit("b"), explain: { ...found, exact: undefined, source: "none" } };
  const lines = explainLines({ hits: [explained, unsure], expectedRecall: 0.9604, cost });

  it("sets estimate and exact score side by side", () => {
    expect(lines[0]).toBe("hit  estimate   sigma   exact  sigmas off  chance  vector from");
    expect(lines[1]).toBe("1      0.7000  0.0100  0.7123         1.2   0.931    recompute");
    expect(lines[2]).toBe("2      0.7000  0.0100       -           -   0.931         none");
  });

  it("tells a sigma of zero from an error of none", () => {
    const sure: Hit = { ...hit("a"), explain: { ...found, sigma: 0, exact: 0.7, source: "kept" } };
    expect(explainLines({ hits: [sure], expectedRecall: 1, cost })[1]).toMatch(/0\.7000 +- +0\.931 +kept$/);
  });

  it("gives each part of the time its share, and what is left over a line of its own", () => {
    expect(lines.slice(4, 10)).toEqual([
      "question    9.0 ms   24 %",
      "scan       0.25 ms    1 %",
      "read        1.0 ms    3 %",
      "recompute    28 ms   73 %",
      "rest       0.00 ms    0 %",
      "in all       38 ms  100 %",
    ]);
    const slower = explainLines({ hits: [], expectedRecall: 1, cost: { ...cost, totalMs: 76.5 } });
    expect(slower).toContain("rest         38 ms   50 %");
  });

  it("counts, and says what recall to expect", () => {
    expect(lines.slice(11)).toEqual([
      "1,536 codes scanned, 300 candidates skipped as too unlikely",
      "14 passages scored exactly: 12 embedded again, 2 cached, 0 kept",
      "expected recall 0.960",
    ]);
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(80);
  });
});
