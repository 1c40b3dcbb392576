import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { allDocuments, anchorsOf, brokenLinks, missingPaths, ROOT, readPath } from "./markdown.js";

describe.each(allDocuments())("$path", (document) => {
  it("links only to files and headings that exist", () => {
    expect(brokenLinks(document, readPath)).toEqual([]);
  });
});

// Release notes name files as they were when they were written.
describe.each(allDocuments().filter(({ path }) => path !== "CHANGELOG.md"))("$path", (document) => {
  it("names only paths that exist", () => {
    expect(missingPaths(document, (path) => existsSync(join(ROOT, path)))).toEqual([]);
  });
});

it("README.md is read to its end: at most 150 lines", () => {
  const readme = readPath("README.md")!;
  expect(readme.trimEnd().split("\n").length).toBeLessThanOrEqual(150);
});

it("README.md links every page of docs", () => {
  const readme = readPath("README.md")!;
  const pages = allDocuments().filter(({ path }) => path.startsWith("docs/"));
  expect(pages.length).toBeGreaterThan(9);
  expect(pages.map(({ path }) => path).filter((path) => !readme.includes(`](${path})`))).toEqual([]);
});

describe("the check itself", () => {
  const files = new Map([
    ["docs/a.md", "# Top\n## One, two\n## `three`\n## One, two\n```sh\n# no heading\n```\n"],
    ["README.md", ""],
  ]);
  const read = (path: string) => files.get(path);

  it.each([
    ["[x](docs/a.md)", []],
    ["[x](docs/a.md#one-two) [y](docs/a.md#three) [z](docs/a.md#one-two-1)", []],
    ["[x](https://example.org/none)", []],
    ["```md\n[x](none.md)\n```\n", []],
    ["[x](docs/b.md)", ["README.md: docs/b.md"]],
    ["[x](docs/a.md#four)", ["README.md: docs/a.md#four"]],
    ["[x](#no-heading)", ["README.md: #no-heading"]],
  ])("%s", (text, broken) => {
    expect(brokenLinks({ path: "README.md", text }, read)).toEqual(broken);
  });

  it("links lead from the folder of their document", () => {
    expect(brokenLinks({ path: "docs/a.md", text: "[x](../README.md) [y](README.md)" }, read)).toEqual([
      "docs/a.md: README.md",
    ]);
  });

  it("finds headings outside of code alone", () => {
    expect(anchorsOf(files.get("docs/a.md")!)).toEqual(["top", "one-two", "three", "one-two-1"]);
  });

  it("finds paths in code style that are not there", () => {
    const text = "`src/here.ts`, `src/gone.ts`, `src/` and src/unmarked.ts";
    const found = missingPaths({ path: "README.md", text }, (path) => ["src/here.ts", "src/"].includes(path));
    expect(found).toEqual(["README.md: src/gone.ts"]);
  });
});
