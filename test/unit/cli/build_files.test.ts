import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { runCommand, startCommand } from "../../support/command_line.js";
import { type EmbeddingServer, embeddingServer } from "../../support/embedding_server.js";

vi.setConfig({ testTimeout: 90_000 });

let server: EmbeddingServer;
let folder: string;
beforeAll(async () => {
  server = await embeddingServer();
});
afterAll(() => server.close());
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "embedless-build-files-")));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const at = (path: string) => join(folder, path);

function put(path: string, text: string | Buffer): void {
  mkdirSync(dirname(at(path)), { recursive: true });
  writeFileSync(at(path), text);
}

const model = () => ["--model", "fake", "--url", server.url];
const run = (...args: string[]) => runCommand(["build", ...args, ...model()], { cwd: folder });

async function build(...args: string[]) {
  const ended = await runCommand(["build", ...args, "--json", ...model()], { cwd: folder });
  expect([ended.code, ended.stderr]).toEqual([0, expect.not.stringContaining("embedless:")]);
  return JSON.parse(ended.stdout);
}

/** Files in a store, with how many passages each has. */
async function sources(store: string): Promise<Record<string, number>> {
  const { stdout } = await runCommand(["export", store], { cwd: folder });
  const found: Record<string, number> = {};
  for (const line of stdout.trim().split("\n")) {
    const { source } = JSON.parse(line).metadata;
    found[source] = (found[source] ?? 0) + 1;
  }
  return found;
}

describe("a store that is reached or moved otherwise", () => {
  const same = { added: 0, unchanged: 3, removed: 0, kept: [] };

  beforeEach(async () => {
    put("docs/a.md", "one\n");
    put("docs/sub/b.md", "two\n");
    put("src/a.md", "three\n");
    await build("s.db", "docs", "src");
  });

  it("names files alike when a folder, a file or the store is reached through a link", async () => {
    symlinkSync("docs", at("linked"));
    symlinkSync("../../src/a.md", at("docs/sub/link.md"));
    expect(await build("s.db", "linked", "docs/sub/link.md")).toMatchObject(same);
    mkdirSync(at("elsewhere"));
    symlinkSync("../s.db", at("elsewhere/s.db"));
    expect(await build("elsewhere/s.db", "docs", "src")).toMatchObject(same);
    expect(await sources("s.db")).toEqual({ "docs/a.md": 1, "docs/sub/b.md": 1, "src/a.md": 1 });
  });

  it("keeps what is stored of a link's target that is gone, and removes it with --prune", async () => {
    symlinkSync("docs", at("linked"));
    renameSync(at("docs"), at("away"));
    const ended = await run("s.db", "linked");
    expect([ended.code, ended.stderr]).toEqual([
      1,
      expect.stringMatching(/Kept 2 passages of 2 files .*docs \(missing\)/),
    ]);
    expect(await build("s.db", "linked", "--prune")).toMatchObject({ removed: 2 });
  });

  it("finds its files when it moved, up, down and back", async () => {
    mkdirSync(at("x/y"), { recursive: true });
    renameSync(at("s.db"), at("x/y/s.db"));
    const { stdout } = await run("x/y/s.db", "docs", "src");
    expect(stdout).toMatch(/^The store was moved\. /m);
    expect(stdout).toMatch(/added 0 · unchanged 3 · removed 0$/m);
    put("docs/c.md", "four\n");
    rmSync(at("docs/a.md"));
    expect(await build("x/y/s.db", "docs")).toMatchObject({ added: 1, unchanged: 1, removed: 1 });
    renameSync(at("x/y/s.db"), at("s.db"));
    expect(await build("s.db", "docs", "src")).toMatchObject(same);
    expect(Object.keys(await sources("s.db")).sort()).toEqual(["docs/c.md", "docs/sub/b.md", "src/a.md"]);
  });

  it("finds files outside its folder when it moved", async () => {
    mkdirSync(at("index"));
    mkdirSync(at("x/y/z"), { recursive: true });
    await build("index/t.db", "docs", "src");
    renameSync(at("index/t.db"), at("x/y/z/t.db"));
    expect(await build("x/y/z/t.db", "docs", "src")).toMatchObject(same);
    expect(Object.keys(await sources("x/y/z/t.db"))).toContain("../docs/a.md");
  });

  it("is not taken for moved where another project has a few files of the same names", async () => {
    put("other/docs/a.md", "five\n");
    for (let i = 0; i < 9; i++) put(`other/docs/n${i}.md`, `other ${i}\n`);
    for (const path of ["docs", "src"]) rmSync(at(path), { recursive: true });
    mkdirSync(at("x"));
    renameSync(at("s.db"), at("x/s.db"));
    expect(await build("x/s.db", "other")).toMatchObject({ added: 10, removed: 0 });
    expect(await sources("x/s.db")).toMatchObject({ "docs/a.md": 1, "docs/sub/b.md": 1, "../other/docs/a.md": 1 });
  });
});

describe("files that are left out", () => {
  it("are said with the limit, which --max-file-size moves", async () => {
    put("a.md", "small\n");
    put("b.md", "x".repeat(1_000));
    const cut = await run("s.db", ".", "--max-file-size", "999B");
    expect(cut.stdout).toMatch(/^ {2}left out, over 999 B \(--max-file-size allows more\):\s+.*b\.md$/m);
    expect(await build("s.db", ".", "--max-file-size", "1kB")).toMatchObject({ files: 2, maxFileSize: 1_000 });
    for (const size of ["0", "1TB", "much"]) {
      const ended = await run("s.db", ".", "--max-file-size", size);
      expect([ended.code, ended.stderr]).toEqual([2, expect.stringContaining("Expected a size from 1B to 256MB")]);
    }
  });

  it("by .gitignore, by name, by ending and by --exclude are counted", async () => {
    put(".gitignore", "secret.md\n");
    for (const path of ["a.md", "secret.md", "build/b.md", ".hidden.md", "c.png", "drafts/d.md"]) put(path, "text\n");
    const summary = await build("s.db", ".", "--exclude", "drafts");
    expect(summary.leftOut).toMatchObject({ ignored: [at("secret.md")], folders: [at("build")] });
    expect(summary.passedOver).toEqual({ excluded: 1, otherEnding: 1, hidden: 2 });
    const { stdout } = await run("s.db", ".", "--exclude", "drafts");
    expect(stdout.replace(/\s+/g, " ")).toMatch(
      /passed over, 1 file excluded; 1 file with other extensions \(--include reads them\); 2 hidden/,
    );
    expect(await sources("s.db")).toEqual({ "a.md": 1 });
  });

  it("and were stored before are removed, also where they are most of the files", async () => {
    for (let i = 0; i < 12; i++) put(`logs/${i}.md`, `log ${i}\n`);
    put("a.md", "text\n");
    expect(await build("s.db", ".", "--no-gitignore")).toMatchObject({ added: 13 });
    put(".gitignore", "logs/\n");
    expect(await build("s.db", ".")).toMatchObject({ removed: 12, kept: [], leftOut: { ignored: [at("logs")] } });
  });

  it("for their name are read when --include names them", async () => {
    put(".gitignore", "build/\n");
    put("build/a.md", "text\n");
    put("b.md", "text\n");
    expect(await build("s.db", ".", "--include", "build/**", "*.md")).toMatchObject({ files: 2 });
  });
});

describe("files in other encodings", () => {
  it("are decoded, and it is said which encodings were guessed", async () => {
    put("latin.md", Buffer.from("# Straße\n\nDie Brücke führt über den Fluss.\n", "latin1"));
    put("mark.md", Buffer.from("\uFEFF# Hütte\n", "utf16le"));
    put("plain.md", "# Hütte\n");
    const { decoded } = await build("s.db", ".");
    expect(decoded).toEqual([
      { path: at("latin.md"), encoding: "windows-1252", guessed: true },
      { path: at("mark.md"), encoding: "utf-16le", guessed: false },
    ]);
    const { stdout } = await run("s.db", ".");
    expect(stdout).toMatch(/^ {2}1 file read as windows-1252, a guess:\s+.*latin\.md$/m);
    expect(stdout).toMatch(/^ {2}1 file read as utf-16le:\s+.*mark\.md$/m);
    const text = (await runCommand(["export", "s.db"], { cwd: folder })).stdout;
    expect(text).toContain("Die Brücke führt über den Fluss.");
    expect(text).not.toContain("\uFFFD");
  });
});

describe("what cannot be read does not end a build", () => {
  it("a pipe that nobody writes to, given itself or found", async () => {
    put("a.md", "text\n");
    execFileSync("mkfifo", [at("pipe.md")]);
    expect((await build("s.db", "pipe.md", ".")).leftOut.special).toEqual([at("pipe.md")]);
    const ended = await run("t.db", "pipe.md");
    expect([ended.code, ended.stderr]).toEqual([1, expect.stringMatching(/not a regular file: .*pipe\.md/)]);
  });

  it("files that vanish while it runs", async () => {
    const texts = (from: number) => Array.from({ length: 60 }, (_, j) => `w${from}x${j}`).join(" ");
    put("a.md", Array.from({ length: 900 }, (_, i) => texts(i)).join("\n\n"));
    put("z.md", "text\n");
    let release: () => void = () => {};
    const gate = new Promise<void>((done) => {
      release = done;
    });
    let requests = 0;
    const slow = await embeddingServer({ before: () => (++requests > 2 ? gate : undefined) });
    try {
      const running = startCommand(["build", "s.db", ".", "--json", "--model", "fake", "--url", slow.url], {
        cwd: folder,
      });
      while (requests < 3 && running.child.exitCode === null) await new Promise((done) => setTimeout(done, 10));
      rmSync(at("z.md"));
      release();
      const { code, stdout } = await running.ended;
      expect([code, JSON.parse(stdout).leftOut.vanished]).toEqual([0, [at("z.md")]]);
    } finally {
      release();
      await slow.close();
    }
  });

  it("a folder that is a circle of links, and a name with a line break", async () => {
    put("a\nb.md", "text\n");
    symlinkSync("loop", at("loop"));
    const { stdout, code } = await run("s.db", ".", "--include", "**");
    expect(code).toBe(0);
    expect(stdout).toMatch(/^ {2}left out, links, which are not followed:\s+.*loop$/m);
    expect((await build("s.db", "loop")).leftOut.unreadable).toEqual([at("loop")]);
    expect(await sources("s.db")).toEqual({ "a\nb.md": 1 });
  });
});
