import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { findFiles } from "../../../src/folder/files.js";
import { selectionOf } from "../../../src/folder/selection.js";

let root: string;
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "embedless-gitignore-")));
  git("init", "-q");
});
afterEach(() => rmSync(root, { recursive: true }));

function git(...args: string[]): string {
  return execFileSync("git", args, { cwd: root, encoding: "utf8", env: { ...process.env, GIT_CONFIG_GLOBAL: "" } });
}

function put(path: string, text = "x"): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

/** Files that git would add, those of rules left out. */
function byGit(below = "."): string[] {
  const paths = git("ls-files", "--others", "--exclude-standard", "-z", "--", below).split("\0");
  return paths.filter((path) => path !== "" && !path.endsWith(".gitignore")).sort();
}

async function byUs(below = "."): Promise<string[]> {
  const { files } = await findFiles(selectionOf([join(root, below)]));
  return files.map(({ path }) => relative(root, path)).sort();
}

const FILES = [
  "a.md",
  "b.md",
  "sub/a.md",
  "sub/b.md",
  "sub/deep/a.md",
  "sub/deep/c.md",
  "other/sub/a.md",
  "x y/a.md",
  "#odd/!a.md",
  "[s]/a.md",
];

describe("findFiles takes the files that git takes", () => {
  it.each([
    ["a name anywhere", { ".gitignore": "a.md" }],
    ["a name here", { ".gitignore": "/a.md" }],
    ["a folder", { ".gitignore": "sub/" }],
    ["a folder here", { ".gitignore": "/sub" }],
    ["all but one", { ".gitignore": "*.md\n!b.md" }],
    ["all in a folder but one", { ".gitignore": "sub/*\n!sub/b.md" }],
    ["nothing in a folder that is left out", { ".gitignore": "sub/\n!sub/b.md" }],
    ["two stars", { ".gitignore": "sub/**/a.md" }],
    ["a class", { ".gitignore": "[ab].md\n!/[!a].md" }],
    ["comments, blanks, CRLF and a mark", { ".gitignore": "\uFEFF# a comment\r\n\r\na.md   \r\n" }],
    ["rules of a folder", { "sub/.gitignore": "/a.md\ndeep/c.md" }],
    ["a folder that takes back", { ".gitignore": "*.md", "sub/.gitignore": "!a.md" }],
    ["a folder taken back below", { ".gitignore": "deep\n/b.md", "sub/.gitignore": "!deep" }],
    ["a folder that takes back what is within one left out", { ".gitignore": "sub", "sub/.gitignore": "!a.md" }],
    ["folders of odd names", { "x y/.gitignore": "a.md", "#odd/.gitignore": "\\!a.md", "[s]/.gitignore": "*" }],
    ["escapes", { ".gitignore": "\\#odd\n\\!a.md\nx\\ y" }],
    ["the repository's own list", { ".git/info/exclude": "b.md" }],
  ] as [string, Record<string, string>][])("%s", async (_, rules) => {
    for (const file of FILES) put(file);
    for (const [path, text] of Object.entries(rules)) put(path, text);
    const expected = byGit();
    expect(expected.length).toBeLessThan(FILES.length);
    expect(await byUs()).toEqual(expected);
    // From a folder below, the rules above hold too.
    const below = byGit("sub");
    if (below.length > 0) expect(await byUs("sub")).toEqual(below);
  });

  it("whatever rules stand together", async () => {
    const rule = fc
      .tuple(
        fc.constantFrom("", "", "!"),
        fc.constantFrom("", "/", "**/", "sub/"),
        fc.constantFrom("a.md", "*.md", "sub", "deep", "*", "b*", "?.md", "c.md"),
        fc.constantFrom("", "", "/", "/**", "/*"),
      )
      .map((parts) => parts.join(""));
    const rules = fc.array(rule, { maxLength: 4 }).map((lines) => lines.join("\n"));
    await fc.assert(
      fc.asyncProperty(rules, rules, rules, async (top, sub, deep) => {
        for (const file of FILES) put(file);
        put(".gitignore", top);
        put("sub/.gitignore", sub);
        put("sub/deep/.gitignore", deep);
        expect(await byUs()).toEqual(byGit());
      }),
      { seed: 4, numRuns: 60 },
    );
  });

  it("in a linked working tree, whose .git is a file", async () => {
    put(".gitignore", "a.md");
    put("a.md");
    put("b.md");
    rmSync(join(root, ".git"), { recursive: true });
    writeFileSync(join(root, ".git"), "gitdir: /nowhere");
    const { files, leftOut } = await findFiles(selectionOf([root]));
    expect(files.map(({ path }) => relative(root, path))).toEqual(["b.md"]);
    expect(leftOut.unseen).toEqual([]);
  });

  it("and in a repository within begins from nothing", async () => {
    put(".gitignore", "a.md\ninner/b.md");
    put("a.md");
    put("inner/a.md");
    put("inner/b.md");
    put("inner/c.md");
    execFileSync("git", ["init", "-q"], { cwd: join(root, "inner") });
    put("inner/.gitignore", "c.md");
    expect(await byUs()).toEqual(["inner/a.md", "inner/b.md"]);
  });
});
