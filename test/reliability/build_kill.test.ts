import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { VectorStore } from "../../src/index.js";
import { runCommand, startCommand } from "../support/command_line.js";
import { embeddingServer } from "../support/embedding_server.js";

const KILLS = 20;
const FILES = 25;
const SECTIONS = 100;
const SEED = 20260305;
/** The kill comes up to so long after one of the requests that a whole build makes: while the server answers, or after. */
const REQUESTS = 40;
const LATEST_KILL_MS = 60;

/** A generator with 32 bits of state (mulberry32), so that a failing run can be had again. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

function writeCorpus(folder: string): void {
  for (let file = 0; file < FILES; file++) {
    const section = (i: number) =>
      `## Part ${i}\n\n${Array.from({ length: 25 }, (_, j) => `f${file}s${i}w${j}`).join(" ")}\n`;
    writeFileSync(join(folder, `f${file}.md`), Array.from({ length: SECTIONS }, (_, i) => section(i)).join("\n"));
  }
}

/** Opens what the kill left: all that was told is there, all that is there is whole. */
async function inspect(path: string, told: number): Promise<Set<string>> {
  const texts = new Set<string>();
  // A kill may come between the making of the file and the first write to it.
  if (!existsSync(path) || statSync(path).size === 0) {
    expect(told).toBe(0);
    return texts;
  }
  const store = await VectorStore.open(path, { create: false });
  try {
    expect(await store.count()).toBeGreaterThanOrEqual(told);
    expect(await store.verify()).toMatchObject({ ok: true, problems: [] });
    for await (const { text } of store.passages()) texts.add(text);
    return texts;
  } finally {
    await store.close();
  }
}

it(`build, killed at ${KILLS} random moments, keeps what it told and goes on with the rest`, async () => {
  const folder = mkdtempSync(join(tmpdir(), "embedless-kill-"));
  let onRequest = () => {};
  const server = await embeddingServer({ delayMs: 30, before: () => onRequest() });
  const next = random(SEED);
  try {
    writeCorpus(folder);
    const store = join(folder, "s.db");
    const args = ["build", store, folder, "--model", "fake", "--url", server.url];
    expect((await runCommand(args)).code).toBe(0);
    const passages = FILES * SECTIONS;
    let kills = 0;
    let killedAfterCommit = 0;
    let stored = await inspect(store, passages);
    expect(stored.size).toBe(passages);

    for (let run = 0; kills < KILLS; run++) {
      expect(run).toBeLessThan(5 * KILLS);
      if (stored.size === passages) {
        for (const suffix of ["", "-wal", "-shm"]) rmSync(store + suffix, { force: true });
        stored = new Set();
      }
      server.texts.length = 0;
      const running = startCommand(args);
      const fatal = Math.floor(next() * REQUESTS);
      const later = next() * LATEST_KILL_MS;
      let requests = 0;
      onRequest = () => {
        if (requests++ === fatal) setTimeout(() => running.child.kill("SIGKILL"), later);
      };
      const { code, stdout } = await running.ended;
      expect(["SIGKILL", 0]).toContain(code);
      const committed = [...stdout.matchAll(/^committed ([\d,]+)/gm)].map(([, text]) =>
        Number(text!.replace(/,/g, "")),
      );
      if (code === "SIGKILL") kills++;
      if (code === "SIGKILL" && (committed.at(-1) ?? 0) > 0) killedAfterCommit++;
      expect(server.texts.filter((text) => stored.has(text))).toEqual([]);
      stored = await inspect(store, committed.at(-1) ?? 0);
    }

    server.texts.length = 0;
    const last = await runCommand(args);
    expect(last.code).toBe(0);
    expect(server.texts.filter((text) => stored.has(text))).toEqual([]);
    expect((await inspect(store, passages)).size).toBe(passages);
    // Not all kills may fall before the first commit, or nothing was tested.
    expect(killedAfterCommit).toBeGreaterThan(KILLS / 5);
  } finally {
    await server.close();
    rmSync(folder, { recursive: true, force: true });
  }
}, 600_000);
