import { mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { VectorStore } from "../../../src/index.js";
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
  folder = mkdtempSync(join(tmpdir(), "embedless-build-"));
  server.texts.length = 0;
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function put(path: string, text: string | Buffer): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text);
}

/** Sections that are too long to be merged, so that each is a passage. */
function sections(name: string, count: number): string {
  const body = (i: number) => Array.from({ length: 30 }, (_, j) => `${name}${i}word${j}`).join(" ");
  return Array.from({ length: count }, (_, i) => `## ${name} ${i}\n\n${body(i)}\n`).join("\n");
}

interface BuildSummary {
  files: number;
  added: number;
  unchanged: number;
  removed: number;
  leftOut: Record<string, string[]>;
  stats: { passages: number; embedder: string };
}

/** Builds `s.db` in the folder and returns the summary and the texts that were embedded. */
async function build(paths: string[], more: string[] = [], cwd = folder) {
  const before = server.texts.length;
  const args = ["build", join(folder, "s.db"), ...paths, "--model", "fake", "--url", server.url, "--json", ...more];
  const ended = await runCommand(args, { cwd });
  expect(ended.stderr).not.toContain("embedless:");
  expect(ended.code).toBe(0);
  const texts = server.texts.slice(before).filter((text) => /word\d/.test(text));
  return { summary: JSON.parse(ended.stdout) as BuildSummary, texts };
}

async function stored(): Promise<Map<string, string[]>> {
  const store = await VectorStore.open(join(folder, "s.db"), { create: false });
  const bySource = new Map<string, string[]>();
  for await (const { text, metadata } of store.passages()) {
    const source = String(metadata["source"]);
    bySource.set(source, [...(bySource.get(source) ?? []), text]);
  }
  await store.close();
  return bySource;
}

describe("build", () => {
  it("stores each passage with its file, lines and heading", async () => {
    put("docs/a.md", `# Top\n\n${sections("a", 2)}`);
    const { summary } = await build(["docs"]);
    expect(summary).toMatchObject({ files: 1, added: 2, unchanged: 0, removed: 0, stats: { embedder: "http:fake" } });
    const store = await VectorStore.open(join(folder, "s.db"));
    const passages = [];
    for await (const passage of store.passages()) passages.push(passage);
    await store.close();
    expect(passages.map(({ metadata }) => metadata)).toEqual([
      { source: "docs/a.md", lines: { from: 1, to: 5 }, heading: "Top > a 0" },
      { source: "docs/a.md", lines: { from: 7, to: 9 }, heading: "Top > a 1" },
    ]);
    expect(passages[0]!.id).toMatch(/^docs\/a\.md#[\w-]{8}$/);
  });

  it("makes the kind of store that is asked for, and does not change it", async () => {
    put("a.md", sections("a", 3));
    const { summary } = await build(["a.md"], ["--codes", "96", "--vectors", "float16"]);
    expect(summary.stats).toMatchObject({ passages: 3, codes: { bytes: 96 }, vectors: "float16" });
    expect((await build(["a.md"])).summary).toMatchObject({ unchanged: 3, stats: { vectors: "float16" } });
    const ended = await runCommand(["build", join(folder, "s.db"), "a.md", "--codes", "lvq8"], { cwd: folder });
    expect([ended.code, ended.stderr]).toEqual([1, expect.stringMatching(/\{"bytes":96\}.*"lvq8".*INVALID_ARGUMENT/)]);
    const { stdout } = await runCommand(["stats", join(folder, "s.db")], { cwd: folder });
    expect(stdout).toMatch(/^ {2}vectors +kept as float16, \d+ B$/m);
  });

  it("embeds nothing the second time, from whatever folder it is run", async () => {
    put("docs/a.md", sections("a", 5));
    put("docs/b.txt", "Same.\n");
    expect((await build(["docs"])).summary.added).toBe(6);
    const again = await build(["../docs"], [], join(folder, "docs"));
    expect(again.summary).toMatchObject({ added: 0, unchanged: 6, removed: 0 });
    expect(again.texts).toEqual([]);
  });

  it("embeds only the changed passage of an edited file, removes the old one and moves the line numbers", async () => {
    put("a.md", sections("a", 9));
    await build(["a.md"]);
    put("a.md", `Preface.\n\n${sections("a", 9)}`.replace("a4word7", "editedword7"));
    const { summary, texts } = await build(["a.md"]);
    // The edited section, and the first one, which the preface was merged with.
    expect(summary).toMatchObject({ added: 2, unchanged: 7, removed: 2 });
    expect(texts).toHaveLength(2);
    const all = (await stored()).get("a.md")!;
    expect(all).toHaveLength(9);
    expect(all.join("\n")).toContain("editedword7");
    expect(all.join("\n")).not.toContain("a4word7 ");
  });

  it("removes files that vanished below the given paths, and nothing outside them", async () => {
    put("docs/a.md", sections("a", 2));
    put("docs/b.md", sections("b", 3));
    put("docs2/c.md", sections("c", 2));
    put("docs/drafts/d.md", sections("d", 1));
    await build(["docs", "docs2"]);
    for (const path of ["docs/b.md", "docs2/c.md", "docs/drafts/d.md"]) rmSync(join(folder, path));
    const { summary, texts } = await build(["docs"], ["--exclude", "drafts"]);
    expect(summary).toMatchObject({ added: 0, removed: 3 });
    expect(texts).toEqual([]);
    expect([...(await stored()).keys()].sort()).toEqual(["docs/a.md", "docs/drafts/d.md", "docs2/c.md"]);
  });

  it("takes a given file that is gone as vanished if the store knows it, and as a mistake if not", async () => {
    put("a.md", sections("a", 1));
    put("b.md", sections("b", 1));
    await build(["a.md", "b.md"]);
    rmSync(join(folder, "b.md"));
    expect((await build(["a.md", "b.md"])).summary).toMatchObject({ removed: 1, unchanged: 1 });
    const ended = await runCommand(["build", "s.db", "a.md", "b.md", "--model", "fake", "--url", server.url], {
      cwd: folder,
    });
    expect(ended.code).toBe(1);
    expect(ended.stderr).toMatch(/^embedless: There is no file or folder ".*b\.md"\. \(NOT_FOUND\)\n$/);
  });

  it.each([
    ["is missing", () => rmSync(join(folder, "mount"), { recursive: true }), "missing"],
    [
      "is empty",
      () => {
        rmSync(join(folder, "mount"), { recursive: true });
        mkdirSync(join(folder, "mount"));
      },
      "empty",
    ],
  ])("keeps what is stored of a given folder that %s, says so, and removes it with --prune", async (_, take, why) => {
    put("docs/a.md", sections("a", 1));
    put("mount/b.md", sections("b", 2));
    await build(["docs", "mount"]);
    take();
    put("docs/c.md", sections("c", 1));
    const args = ["build", "s.db", "docs", "mount", "--model", "fake", "--url", server.url];
    const ended = await runCommand([...args, "--json"], { cwd: folder });
    expect([ended.code, JSON.parse(ended.stdout)]).toMatchObject([
      1,
      { added: 1, removed: 0, kept: [{ root: join(folder, "mount"), why, files: 1, passages: 2 }] },
    ]);
    expect(ended.stderr).toMatch(/^embedless: Kept 2 passages of 1 file that is gone from .*mount .*--prune .*\n$/m);
    expect([...(await stored()).keys()].sort()).toEqual(["docs/a.md", "docs/c.md", "mount/b.md"]);
    const pruned = await runCommand([...args, "--prune"], { cwd: folder });
    expect([pruned.code, pruned.stderr]).toEqual([0, ""]);
    expect([...(await stored()).keys()].sort()).toEqual(["docs/a.md", "docs/c.md"]);
  });

  it("keeps what is not its own", async () => {
    put("a.md", sections("a", 1));
    await build(["a.md"]);
    const { httpEmbedder } = await import("../../../src/index.js");
    const store = await VectorStore.open(join(folder, "s.db"), {
      embedder: httpEmbedder({ url: server.url, model: "fake" }),
    });
    await store.add([{ id: "mine", text: "my own word1", metadata: { source: "a.md" } }]);
    await store.close();
    rmSync(join(folder, "a.md"));
    expect((await build(["a.md"])).summary).toMatchObject({ removed: 1, stats: { passages: 1 } });
  });

  it("keeps equal passages of one file apart", async () => {
    put("a.md", `${sections("a", 1)}\n${sections("a", 1)}`);
    expect((await build(["a.md"])).summary).toMatchObject({ added: 2, stats: { passages: 2 } });
    expect((await build(["a.md"])).summary).toMatchObject({ added: 0, unchanged: 2 });
  });

  it("leaves out binary and huge files with a note, and removes them if they were stored", async () => {
    put("a.md", sections("a", 1));
    put("b.md", sections("b", 1));
    put("c.md", sections("c", 1));
    await build(["."]);
    put("b.md", Buffer.from([65, 0, 66]));
    truncateSync(join(folder, "c.md"), 2 * 1024 * 1024 + 1);
    const { summary } = await build(["."]);
    expect(summary.removed).toBe(2);
    expect(summary.leftOut["binary"]).toEqual([join(folder, "b.md")]);
    expect(summary.leftOut["tooLarge"]).toEqual([join(folder, "c.md")]);
  });

  it("leaves out what cannot be stored or read, file by file, and stores the rest", async () => {
    const long = join(...Array.from({ length: 12 }, () => "d".repeat(100)), "long.md");
    put(long, sections("l", 1));
    put("a.md", sections("a", 1));
    put("faulty.md", Buffer.concat([Buffer.from(sections("ß", 1)), Buffer.from([0xff])]));
    put("blank.md", " \n\n");
    put("utf16.md", Buffer.from(`\uFEFF${sections("wide", 1)}`, "utf16le"));
    put("dist/generated.md", "x");
    const { summary, texts } = await build(["."]);
    expect(summary).toMatchObject({ files: 2, added: 2 });
    expect(summary.leftOut).toMatchObject({
      nameTooLong: [join(folder, long)],
      faulty: [join(folder, "faulty.md")],
      blank: [join(folder, "blank.md")],
      folders: [join(folder, "dist")],
    });
    expect(texts.join("\n")).toContain("wide0word7");
    const { stdout } = await runCommand(["build", "s.db", ".", "--model", "fake", "--url", server.url], {
      cwd: folder,
    });
    expect(stdout).toMatch(/^ {2}left out, with invalid UTF-8 or UTF-16:\s.*faulty\.md$/m);
    expect(stdout).toMatch(/^ {2}left out, folders of this name \(give them by name to read them\):\s.*dist$/m);
  });

  it("counts many given paths, and names a few", async () => {
    const names = Array.from({ length: 12 }, (_, i) => `f${i}.md`);
    for (const name of names) put(name, "");
    const args = (paths: string[]) => ["build", "s.db", ...paths, "--model", "fake", "--url", server.url];
    const many = await runCommand(args(names), { cwd: folder });
    expect(many.stdout).toMatch(/^Looking for files in 12 paths \.\.\.\n/);
    const few = await runCommand(args(names.slice(0, 2)), { cwd: folder });
    expect(few.stdout).toMatch(/^Looking for files in f0\.md, f1\.md \.\.\.\n/);
  });

  it("makes no store where no file can be read, and says why", async () => {
    put("a.md", Buffer.from([65, 0, 66]));
    const args = ["build", "s.db", ".", "/dev/zero", "--model", "fake", "--url", server.url];
    const { code, stderr } = await runCommand(args, { cwd: folder });
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(/no Markdown.*binary: .*a\.md; left out, not a regular file: \/dev\/zero\. \(NOT_FOUND\)/),
    ]);
    expect(() => readFileSync(join(folder, "s.db"))).toThrow("ENOENT");
  });

  it("reads CRLF, a byte order mark, emoji and an endless line", async () => {
    put("a.md", "\uFEFF# Title\r\n\r\nSome word1 text 😀\r\n");
    put("b.txt", "word1".repeat(20_000));
    const { summary, texts } = await build(["."]);
    expect(summary.files).toBe(2);
    expect(texts.filter((text) => text.startsWith("# Title"))).toEqual(["# Title\r\n\r\nSome word1 text 😀"]);
    expect(texts.filter((text) => !text.startsWith("#")).join("")).toBe("word1".repeat(20_000));
  });

  it("tells on a pipe what is committed, and ends with a summary", async () => {
    put("a.md", sections("a", 600));
    const args = ["build", "s.db", "a.md", "--model", "fake", "--url", server.url];
    const { stdout, stderr, code } = await runCommand(args, { cwd: folder });
    expect([code, stderr]).toEqual([0, ""]);
    const committed = [...stdout.matchAll(/^committed ([\d,]+)/gm)].map(([, number]) =>
      Number(number!.replace(",", "")),
    );
    expect(committed.at(-1)).toBe(600);
    expect(committed).toEqual([...committed].sort((a, b) => a - b));
    expect(stdout).toMatch(
      /^1 file, 600 passages in .*s\.db after [\d.]+ s\n {2}added 600 · unchanged 0 · removed 0$/m,
    );
    expect(stdout).not.toContain("\x1b");
    for (const line of stdout.split("\n")) if (!line.includes("s.db")) expect(line.length).toBeLessThanOrEqual(80);
  });

  it.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)("%s leaves a valid store that the next run completes", async (signal, exitCode) => {
    const slow = await embeddingServer({ delayMs: 100 });
    try {
      put("a.md", sections("a", 1200));
      const args = ["build", "s.db", "a.md", "--model", "fake", "--url", slow.url];
      const running = startCommand(args, { cwd: folder });
      while (!/committed [1-9]/.test(running.stdout())) await new Promise((done) => setTimeout(done, 5));
      running.child.kill(signal);
      const ended = await running.ended;
      expect(ended.code).toBe(exitCode);
      expect(ended.stdout).toContain("Stopping");
      const told = Number(/^embedless: Stopped with ([\d,]+) passages safe/.exec(ended.stderr)?.[1]?.replace(",", ""));
      expect(told).toBeGreaterThan(0); // a commit comes after 512 passages or 3 seconds
      expect(told).toBeLessThan(1200);
      expect((await stored()).get("a.md")).toHaveLength(told);
      const { summary, texts } = await build(["a.md"]);
      expect(summary).toMatchObject({ added: 1200 - told, unchanged: told });
      expect(texts).toHaveLength(1200 - told);
    } finally {
      await slow.close();
    }
  });

  it("names the server that does not answer, and makes no stray passage", async () => {
    put("a.md", sections("a", 1));
    const args = ["build", "s.db", "a.md", "--model", "fake", "--url", "http://127.0.0.1:9/v1"];
    const { code, stderr } = await runCommand(args, { cwd: folder });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^embedless: .*127\.0\.0\.1:9.*\(EMBEDDER_FAILED\)\n$/);
  });

  it("refuses another model than the store's", async () => {
    put("a.md", sections("a", 1));
    await build(["a.md"]);
    const { code, stderr } = await runCommand(["build", "s.db", "a.md", "--model", "minilm"], { cwd: folder });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^embedless: .*http:fake.*\(MODEL_MISMATCH\)\n$/);
  });

  it("makes no store for a path that does not exist or holds nothing to read", async () => {
    put("pictures/x.png", "x");
    const wrong = await runCommand(["build", "s.db", "dosc"], { cwd: folder });
    expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringMatching(/^embedless: .*dosc.*\(NOT_FOUND\)\n$/)]);
    const empty = await runCommand(["build", "s.db", "pictures"], { cwd: folder });
    expect([empty.code, empty.stderr]).toEqual([1, expect.stringMatching(/^embedless: .*pictures.*\(NOT_FOUND\)\n$/)]);
    expect(() => readFileSync(join(folder, "s.db"))).toThrow("ENOENT");
  });
});
