import { fileURLToPath } from "node:url";
import ts from "typescript";
import { describe, expect, it } from "vitest";
import config from "../../vitest.config.js";

const root = fileURLToPath(new URL("../../../", import.meta.url));

/** Files that a glob of the configuration stands for. Braces stand for themselves, so that a glob names one folder only. */
function matched(glob: string): string[] {
  return ts.sys.readDirectory(root, undefined, undefined, [glob]);
}

const { include = [], coverage } = config.test ?? {};
const globs = [...include, ...(coverage?.include ?? [])];

it("the configuration names test files and sources", () => {
  expect(include.length).toBeGreaterThan(3);
  expect(coverage?.include).not.toHaveLength(0);
});

it.each(globs)("%s matches a file", (glob) => {
  expect(matched(glob)).not.toEqual([]);
});

describe("the check itself", () => {
  it("finds this file, and nothing in a folder that is not there", () => {
    expect(matched("test/unit/**/*.test.ts")).toContain(fileURLToPath(import.meta.url));
    expect(matched("test/gone/**/*.test.ts")).toEqual([]);
    expect(matched("test/{unit,gone}/**/*.test.ts")).toEqual([]);
  });
});
