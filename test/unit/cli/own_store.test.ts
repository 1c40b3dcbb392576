import { execFile } from "node:child_process";
import { linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { VectorStore } from "../../../src/index.js";
import { runCommand, startCommand } from "../../support/command_line.js";
import { embeddingServer } from "../../support/embedding_server.js";
import { programPath } from "../../support/programs.js";

vi.setConfig({ testTimeout: 90_000 });

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "embedless-own-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const at = (name: string) => join(folder, name);

/** Paragraphs that are too long to be merged, so that each is a passage. */
function paragraphs(count: number): string {
  const words = (i: number) => Array.from({ length: 60 }, (_, j) => `p${i}w${j}`).join(" ");
  return Array.from({ length: count }, (_, i) => words(i)).join("\n\n");
}

async function passagesIn(file: string): Promise<number> {
  const store = await VectorStore.open(file, { create: false, readOnly: true });
  try {
    expect((await store.verify()).problems).toEqual([]);
    return await store.count();
  } finally {
    await store.close();
  }
}

/** Another process opens the store, adds six passages and closes. */
async function addFromOutside(name: string): Promise<void> {
  await promisify(execFile)(process.execPath, [programPath("writer"), at("a.db"), name, "2", "3", "http:fake"]);
}

/** A server that answers the requests that make the store, some of 64 texts, and then waits for `open`. */
async function gatedServer() {
  let open: () => void = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  let requests = 0;
  const server = await embeddingServer({ before: () => (++requests > 18 ? opened : undefined) });
  return { server, open };
}

it("build reads no file of the store that it writes, and loses nothing beside other writers", async () => {
  const { server, open } = await gatedServer();
  const model = ["--model", "fake", "--url", server.url];
  try {
    mkdirSync(at("docs"));
    writeFileSync(at("docs/z.md"), paragraphs(1));
    await runCommand(["build", "a.db", "docs", ...model], { cwd: folder });
    linkSync(at("a.db"), at("hard_link.md"));
    symlinkSync(".", at("linked"));
    writeFileSync(at("docs/z.md"), paragraphs(700));
    // While this process has the store open, all files of an open store lie in the folder.
    const store = await VectorStore.open(at("a.db"), { create: false });
    await store.count();
    const roots = [".", "linked", "a.db-shm"];
    const running = startCommand(["build", "a.db", ...roots, ...model, "--include", "**"], { cwd: folder });
    while (!/committed [1-9]/.test(running.stdout()) && running.child.exitCode === null) {
      await new Promise((done) => setTimeout(done, 5));
    }
    await store.close();
    for (const name of ["first", "second", "third"]) await addFromOutside(name);
    open();
    const { code, stderr, stdout } = await running.ended;
    expect([code, stderr]).toEqual([0, ""]);
    const acknowledged = Number(/^ {2}added ([\d,]+)/m.exec(stdout)?.[1]?.replace(",", ""));
    expect(acknowledged).toBeGreaterThan(1_000);
    expect(await passagesIn(at("a.db"))).toBe(1 + acknowledged + 18);
    expect(stdout).toMatch(/left out, the store itself:/);
    const again = await runCommand(["build", "a.db", ".", ...model, "--include", "**", "--json"], { cwd: folder });
    expect(JSON.parse(again.stdout).leftOut.storeItself.sort()).toEqual(
      ["a.db", "a.db-shm", "a.db-wal", "hard_link.md"].map(at),
    );
  } finally {
    open();
    await server.close();
  }
});

it("import reads no file of the store that it writes", async () => {
  const server = await embeddingServer();
  try {
    writeFileSync(at("in.jsonl"), '{"text": "one"}\n');
    const model = ["--model", "fake", "--url", server.url];
    await runCommand(["import", "a.db", "in.jsonl", ...model], { cwd: folder });
    symlinkSync("a.db", at("link.jsonl"));
    const { code, stderr } = await runCommand(["import", "a.db", "link.jsonl", ...model], { cwd: folder });
    expect([code, stderr]).toEqual([1, expect.stringMatching(/"link\.jsonl" is the store itself\. \(IO\)\n$/)]);
    expect(await passagesIn(at("a.db"))).toBe(1);
  } finally {
    await server.close();
  }
});
