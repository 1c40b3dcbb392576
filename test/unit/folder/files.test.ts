import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { nothingFound } from "../../../src/cli/build.js";
import { leftOutSentences } from "../../../src/cli/summary.js";
import { findFiles } from "../../../src/folder/files.js";
import { MOST_FILE_BYTES, type SelectionOptions, selectionOf } from "../../../src/folder/selection.js";

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

const look = (roots: string[], options?: SelectionOptions) =>
  findFiles(
    selectionOf(
      roots.map((path) => join(root, path)),
      options,
    ),
  );

async function found(roots: string[], options?: SelectionOptions): Promise<string[]> {
  return (await look(roots, options)).files.map((file) => relative(root, file.path));
}

describe("findFiles", () => {
  it("takes Markdown, text and source files in order, and leaves out what no one wrote", async () => {
    put("b.md", "a.ts", "z/c.txt", "README", "x.png", "lib.min.js", ".env", ".git/a.md", "node_modules/p/a.md");
    put("dist/a.js", "build/a.md", "deep/.hidden/a.md", "deep/er/a.py", "data.csv");
    expect(await found([""])).toEqual(["README", "a.ts", "b.md", "deep/er/a.py", "z/c.txt"]);
  });

  it("takes a file that was given itself whatever its name, and a skipped folder that was given itself", async () => {
    put("data.csv", "node_modules/p/a.md", "node_modules/p/node_modules/q/b.md");
    expect(await found(["data.csv", "node_modules/p"])).toEqual(["data.csv", "node_modules/p/a.md"]);
  });

  it("takes each file once when given paths overlap, and follows no link below a folder", async () => {
    put("a/b/c.md");
    symlinkSync(join(root, "a"), join(root, "a/b/loop"));
    expect(await found(["", "a", "a/b/c.md"])).toEqual(["a/b/c.md"]);
  });

  it("lets patterns replace the extensions and exclude", async () => {
    put("a.md", "b.csv", "drafts/c.csv", "d.ts");
    expect(await found([""], { include: ["*.csv"] })).toEqual(["b.csv", "drafts/c.csv"]);
    expect(await found([""], { include: ["*.csv", "*.md"], exclude: ["drafts"] })).toEqual(["a.md", "b.csv"]);
  });

  it("notes what is too large and what is missing", async () => {
    put("at_limit.md", "above.md");
    truncateSync(join(root, "at_limit.md"), MOST_FILE_BYTES);
    truncateSync(join(root, "above.md"), MOST_FILE_BYTES + 1);
    const result = await look(["", "gone"]);
    expect(result.files.map((file) => relative(root, file.path))).toEqual(["at_limit.md"]);
    expect(result.leftOut.paths.tooLarge).toEqual([join(root, "above.md")]);
    expect(result.missing).toEqual([join(root, "gone")]);
  });
});

describe("findFiles leaves out and says so", () => {
  const at = (...names: string[]) => names.map((name) => join(root, name));

  it("pipes, devices and links", async () => {
    put("a.md", "folder/b.md");
    execFileSync("mkfifo", at("pipe.md"));
    symlinkSync("a.md", join(root, "file_link.md"));
    symlinkSync("folder", join(root, "folder_link"));
    const { files, leftOut } = await look([""]);
    expect(files.map(({ path }) => path)).toEqual(at("a.md", "folder/b.md"));
    expect(leftOut.paths.special).toEqual(at("pipe.md"));
    expect(leftOut.paths.links.sort()).toEqual(at("file_link.md", "folder_link"));
    const given = await findFiles(selectionOf(["/dev/zero", join(root, "pipe.md")]));
    expect([given.files, given.leftOut.paths.special]).toEqual([[], ["/dev/zero", join(root, "pipe.md")]]);
  });

  it("folders that are skipped for their name, but not hidden ones", async () => {
    put("a.md", "build/b.md", "x/dist/c.md", "node_modules/p/d.md", ".git/e.md", "out");
    const { leftOut, passedOver } = await look([""]);
    expect(leftOut.paths.folders.sort()).toEqual(at("build", "node_modules", "x/dist"));
    expect(passedOver).toEqual({ excluded: 0, otherEnding: 0, hidden: 2 });
    expect(leftOutSentences(leftOut.paths, 1)).toEqual([
      expect.stringMatching(/^folders of this name \(.*\): .*build, .*node_modules, .*dist$/),
    ]);
  });

  it("names that are not UTF-8, which would look alike as text", async () => {
    for (const byte of [0xe9, 0xe8]) {
      writeFileSync(Buffer.concat([Buffer.from(`${root}/caf`), Buffer.from([byte]), Buffer.from(".md")]), "text");
    }
    put("café.md");
    const { files, leftOut } = await look([""]);
    expect(files.map(({ path }) => path)).toEqual(at("café.md"));
    expect(leftOut.paths.nameNotUtf8).toHaveLength(2);
    expect(new Set(leftOut.paths.nameNotUtf8).size).toBe(2);
    expect(leftOut.paths.nameNotUtf8.sort()).toEqual(at("caf\\xe8.md", "caf\\xe9.md"));
  });

  it("each once when given paths overlap", async () => {
    put("build/a.md", "b.md");
    symlinkSync("b.md", join(root, "link.md"));
    const { leftOut, files } = await look(["", "", "build"]);
    expect([leftOut.paths.folders, leftOut.paths.links]).toEqual([[], at("link.md")]);
    expect(files.map(({ path }) => path)).toEqual(at("b.md", "build/a.md"));
  });
});

describe("nothingFound", () => {
  it("says what there is in place of readable files", async () => {
    put("a.png", "b.jpg", ".hidden.md", "drafts/c.md", "dist/d.md");
    writeFileSync(join(root, "large.md"), "");
    truncateSync(join(root, "large.md"), MOST_FILE_BYTES + 1);
    const error = nothingFound(await look([""], { exclude: ["drafts"] }), MOST_FILE_BYTES, "here");
    expect([error.code, error.message]).toEqual([
      "NOT_FOUND",
      "There is no Markdown, text or source file to read in here: " +
        `left out, over 2.1 MB (--max-file-size allows more): ${root}/large.md; ` +
        `left out, folders of this name (give them by name to read them): ${root}/dist; ` +
        "1 file excluded; 2 files with other extensions (--include reads them); 1 hidden.",
    ]);
  });

  it("of an empty folder says no more", async () => {
    expect(nothingFound(await look([""]), MOST_FILE_BYTES, "here").message).toBe(
      "There is no Markdown, text or source file to read in here.",
    );
  });
});

describe("--include", () => {
  it("brings back folders and files that it names, though they are skipped by default or by .gitignore", async () => {
    put("build/a.md", "build/node_modules/b.md", "x/build/c.md", ".github/d.yml", "e.md", "logs/f.md", "logs/g.log");
    writeFileSync(join(root, ".gitignore"), "build/\nlogs/\n*.log\n");
    expect(await found([""], { include: ["build/**", "*.md"] })).toEqual(["build/a.md", "e.md"]);
    expect(await found([""], { include: [".github/*"] })).toEqual([".github/d.yml"]);
    expect(await found([""], { include: ["logs/**"] })).toEqual(["logs/f.md", "logs/g.log"]);
    expect(await found([""], { include: ["**"] })).toEqual(["e.md"]);
  });
});

describe(".gitignore", () => {
  it("leaves out what it names and says so, and is passed over on request", async () => {
    put("a.md", "secret.txt", "logs/b.md", "c.log", "sub/d.md", "sub/e.md");
    writeFileSync(join(root, ".gitignore"), "secret.txt\nlogs/\n*.log\n");
    writeFileSync(join(root, "sub/.gitignore"), "e.md\n");
    const { files, leftOut } = await look([""]);
    expect(files.map(({ path }) => relative(root, path))).toEqual(["a.md", "sub/d.md"]);
    // Not c.log, which nobody asked for.
    expect(leftOut.paths.ignored.sort()).toEqual(["logs", "secret.txt", "sub/e.md"].map((path) => join(root, path)));
    expect(leftOutSentences(leftOut.paths, 1)).toEqual([
      expect.stringMatching(/^named by a \.gitignore file \(--no-gitignore/),
    ]);
    expect(await found([""], { gitignore: false })).toHaveLength(5);
  });

  it("does not keep a file or folder from being read that was given itself", async () => {
    put("secret.txt", "logs/b.md", "logs/c.log");
    mkdirSync(join(root, ".git"));
    writeFileSync(join(root, ".gitignore"), "*.txt\nlogs/\n");
    expect(await found(["", "secret.txt", "logs"])).toEqual(["logs/b.md", "secret.txt"]);
  });

  it("that is too long to be one is said", async () => {
    put("a.md", ".gitignore");
    truncateSync(join(root, ".gitignore"), 1024 * 1024 + 1);
    expect((await look([""])).leftOut.paths.unreadable).toEqual([join(root, ".gitignore")]);
  });

  it("that is a pipe or a link is not read", async () => {
    put("a.md", "rules");
    writeFileSync(join(root, "rules"), "*.md");
    symlinkSync("rules", join(root, ".gitignore"));
    execFileSync("mkfifo", [join(root, "pipe")]);
    expect(await found([""])).toEqual(["a.md"]);
    rmSync(join(root, ".gitignore"));
    execFileSync("mkfifo", [join(root, ".gitignore")]);
    expect(await found([""])).toEqual(["a.md"]);
  });
});

it("findFiles ends when it is told to", async () => {
  put("a.md", "sub/b.md");
  const selection = selectionOf([root]);
  expect((await findFiles(selection, () => true)).files).toEqual([]);
});
