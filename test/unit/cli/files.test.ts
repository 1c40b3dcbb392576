import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { findFiles, kindOf, selectionOf, selects } from "../../../src/cli/files.js";
import { LARGEST_FILE } from "../../../src/cli/left_out.js";
import { nothingFound } from "../../../src/cli/nothing_found.js";

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

describe("findFiles leaves out and says so", () => {
  const look = (include: string[] = []) => findFiles(selectionOf([root], include, []));
  const at = (...names: string[]) => names.map((name) => join(root, name));

  it("pipes, devices and links", () => {
    put("a.md", "folder/b.md");
    execFileSync("mkfifo", at("pipe.md"));
    symlinkSync("a.md", join(root, "file_link.md"));
    symlinkSync("folder", join(root, "folder_link"));
    const { files, leftOut } = look();
    expect(files.map(({ path }) => path)).toEqual(at("a.md", "folder/b.md"));
    expect(leftOut.paths.special).toEqual(at("pipe.md"));
    expect(leftOut.paths.links.sort()).toEqual(at("file_link.md", "folder_link"));
    const given = findFiles(selectionOf(["/dev/zero", join(root, "pipe.md")], [], []));
    expect([given.files, given.leftOut.paths.special]).toEqual([[], ["/dev/zero", join(root, "pipe.md")]]);
  });

  it("folders that are skipped for their name, but not hidden ones", () => {
    put("a.md", "build/b.md", "x/dist/c.md", "node_modules/p/d.md", ".git/e.md", "out");
    const { leftOut, passedOver } = look();
    expect(leftOut.paths.folders.sort()).toEqual(at("build", "node_modules", "x/dist"));
    expect(passedOver).toEqual({ excluded: 0, otherEnding: 0, hidden: 1 });
    expect(leftOut.sentences()).toEqual([
      expect.stringMatching(/^folders of this name: .*build, .*node_modules, .*dist$/),
    ]);
  });

  it("names that are not UTF-8, which would look alike as text", () => {
    for (const byte of [0xe9, 0xe8]) {
      writeFileSync(Buffer.concat([Buffer.from(`${root}/caf`), Buffer.from([byte]), Buffer.from(".md")]), "text");
    }
    put("café.md");
    const { files, leftOut } = look();
    expect(files.map(({ path }) => path)).toEqual(at("café.md"));
    expect(leftOut.paths.nameNotUtf8).toHaveLength(2);
    expect(new Set(leftOut.paths.nameNotUtf8).size).toBe(2);
    expect(leftOut.paths.nameNotUtf8.sort()).toEqual(at("caf\\xe8.md", "caf\\xe9.md"));
  });

  it("each once when given paths overlap", () => {
    put("build/a.md", "b.md");
    symlinkSync("b.md", join(root, "link.md"));
    const { leftOut } = findFiles(selectionOf([root, root, `${root}/build`], [], []));
    expect([leftOut.paths.folders, leftOut.paths.links]).toEqual([at("build"), at("link.md")]);
  });
});

describe("nothingFound", () => {
  it("says what there is in place of readable files", () => {
    put("a.png", "b.jpg", ".hidden.md", "drafts/c.md", "dist/d.md");
    writeFileSync(join(root, "large.md"), "");
    truncateSync(join(root, "large.md"), LARGEST_FILE + 1);
    const error = nothingFound(findFiles(selectionOf([root], [], ["drafts"])), "here");
    expect([error.code, error.message]).toEqual([
      "NOT_FOUND",
      "There is no Markdown, text or source file to read in here: " +
        `left out, over 2.1 MB: ${root}/large.md; left out, folders of this name: ${root}/dist; ` +
        "1 file excluded; 2 files not asked for by their ending (--include names others); 1 file hidden.",
    ]);
  });

  it("of an empty folder says no more", () => {
    expect(nothingFound(findFiles(selectionOf([root], [], [])), "here").message).toBe(
      "There is no Markdown, text or source file to read in here.",
    );
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
