import { describe, expect, it } from "vitest";
import type { SourceText } from "./import_rules.js";
import { productSources } from "./repository.js";

const MOST_LINES = 400;

/** Files that are longer than a newcomer reads in one go, with their number of lines. */
function tooLong(files: readonly SourceText[]): string[] {
  const counted = files.map(({ path, text }) => ({ path, lines: text.replace(/\n$/, "").split("\n").length }));
  return counted.filter(({ lines }) => lines > MOST_LINES).map(({ path, lines }) => `${path}: ${lines} lines`);
}

it("no source file is longer than 400 lines", () => {
  expect(tooLong(productSources(["src", "addon", "integrations"]))).toEqual([]);
});

describe("the check itself", () => {
  it.each([
    [399, 0],
    [400, 0],
    [401, 1],
  ])("%i lines: %i found", (lines, found) => {
    expect(tooLong([{ path: "a.ts", text: "x\n".repeat(lines) }])).toHaveLength(found);
    expect(tooLong([{ path: "a.ts", text: Array(lines).fill("x").join("\n") }])).toHaveLength(found);
  });
});
