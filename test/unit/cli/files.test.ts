import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { findFiles, kindOf, selectionOf, selects } from "../../../src/cli/files.js";
import { LARGEST_FILE } from "../../../src/cli/left_out.js";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "embedless-files-"));
});
afterEach(() => rmSync(root, { recursive: true }));

function put(...paths: string[]): void {
  for (const path of paths) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), path);
  }
}

function found(roots: string[], include: string[] = [], exclude: string[] = []): string[] {
  const selection = selectionOf(
    roots.map((path) => join(root, path)),
    include,
    exclude,
  );
  return findFiles(selection).files.map((file) => relative(root, file.path));
}

describe("findFiles", () => {
  it("takes Markdown, text and source files in order, and leaves out what no one wrote", () => {
    put("b.md", "a.ts", "z/c.txt", "README", "x.png", "lib.min.js", ".env", ".git/a.md", "node_modules/p/a.md");
    put("dist/a.js", "build/a.md", "deep/.hidden/a.md", "deep/er/a.py", "data.csv");
    expect(found([""])).toEqual(["README", "a.ts", "b.md", "deep/er/a.py", "z/c.txt"]);
  });

  it("takes a file that was given itself whatever its name, and a skipped folder that was given itself", () => {
    put("data.csv", "node_modules/p/a.md", "node_modules/p/node_modules/q/b.md");
    expect(found(["data.csv", "node_modules/p"])).toEqual(["data.csv", "node_modules/p/a.md"]);
  });

  it("takes each file once when given paths overlap, and follows no link below a folder", () => {
    put("a/b/c.md");
    symlinkSync(join(root, "a"), join(root, "a/b/loop"));
    expect(found(["", "a", "a/b/c.md"])).toEqual(["a/b/c.md"]);
  });

  it("lets patterns replace the extensions and exclude", () => {
    put("a.md", "b.csv", "drafts/c.csv", "d.ts");
    expect(found([""], ["*.csv"])).toEqual(["b.csv", "drafts/c.csv"]);
    expect(found([""], ["*.csv", "*.md"], ["drafts"])).toEqual(["a.md", "b.csv"]);
  });

  it("notes what is too large and what is missing", () => {
    put("at_limit.md", "above.md");
    truncateSync(join(root, "at_limit.md"), LARGEST_FILE);
    truncateSync(join(root, "above.md"), LARGEST_FILE + 1);
    const result = findFiles(selectionOf([root, join(root, "gone")], [], []));
    expect(result.files.map((file) => relative(root, file.path))).toEqual(["at_limit.md"]);
    expect(result.leftOut.paths.tooLarge).toEqual([join(root, "above.md")]);
    expect(result.missing).toEqual([join(root, "gone")]);
  });
});

describe("selects", () => {
  it("speaks of files that are gone, but not of those outside the paths or the patterns", () => {
    const selection = selectionOf(["/r/docs", "/r/a.md"], [], ["drafts"]);
    expect(selects(selection, "/r/docs/gone.md")).toBe(true);
    expect(selects(selection, "/r/a.md")).toBe(true);
    expect(selects(selection, "/r/docs2/gone.md")).toBe(false);
    expect(selects(selection, "/r/b.md")).toBe(false);
    expect(selects(selection, "/r/docs/drafts/gone.md")).toBe(false);
    expect(selects(selection, "/r/docs/gone.png")).toBe(false);
  });

  it("takes everything below the root folder", () => {
    expect(selects(selectionOf(["/"], [], []), "/a/b.md")).toBe(true);
  });
});

it("kindOf reads by the extension", () => {
  expect(["a.md", "b.TXT", "README", "c.d.ts", "x.MDX"].map(kindOf)).toEqual([
    "markdown",
    "text",
    "text",
    "code",
    "markdown",
  ]);
});
