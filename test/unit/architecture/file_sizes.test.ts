import { describe, expect, it } from "vitest";
import type { SourceText } from "./import_rules.js";
import { productSources } from "./repository.js";

const MOST_LINES = 400;
const FEWEST_LINES = 60;
const LEAST_MEDIAN = 130;

/** Sources below `FEWEST_LINES`, each with the reason why it stands alone. */
const SHORT: Readonly<Record<string, string>> = {
  "src/base/lru.ts": "one data structure",
  "src/base/packages.ts": "one idea: where packages are",
  "src/cli/backup.ts": "a file per command",
  "src/cli/code_names.ts": "options that several commands share",
  "src/cli/compact.ts": "a file per command",
  "src/cli/export.ts": "a file per command",
  "src/cli/figures.ts": "how numbers are written",
  "src/cli/plan.ts": "a file per command",
  "src/embed/child.ts": "the program of the child processes",
  "src/embed/settings.ts": "checks that all embedders share",
  "src/index.ts": "the public door",
  "src/memory/open_store.ts": "all parts of an open store in one view",
  "src/native/prebuilt.ts": "which prebuilt file fits this machine",
  "src/storage/dictionaries.ts": "a file per table",
  "src/upkeep/verify.ts": "the order of the checks",
};

/** Files that are longer than a newcomer reads in one go, with their number of lines. */
function tooLong(files: readonly SourceText[]): string[] {
  const counted = files.map(({ path, text }) => ({ path, lines: text.replace(/\n$/, "").split("\n").length }));
  return counted.filter(({ lines }) => lines > MOST_LINES).map(({ path, lines }) => `${path}: ${lines} lines`);
}

const linesOf = ({ text }: SourceText) => text.replace(/\n$/, "").split("\n").length;

it("sources are neither cut too fine nor left too long: the median file of src has 130 lines or more", () => {
  const lines = productSources(["src"]).map(linesOf);
  expect(lines.sort((a, b) => a - b)[Math.floor(lines.length / 2)]).toBeGreaterThanOrEqual(LEAST_MEDIAN);
});

it("short sources of src are known, with a reason", () => {
  const short = productSources(["src"]).filter((source) => linesOf(source) < FEWEST_LINES);
  expect(short.map(({ path }) => path).sort()).toEqual(Object.keys(SHORT).sort());
});

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
