import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, it, vi } from "vitest";
import { runCommand } from "../../support/command_line.js";
import { type EmbeddingServer, embeddingServer } from "../../support/embedding_server.js";
import { tamper } from "../storage/temporary_store.js";

vi.setConfig({ testTimeout: 90_000 });

let server: EmbeddingServer;
let folder: string;
const keys: (string | undefined)[] = [];
/** The server under an address that does not belong to this machine alone. */
let remote: string;

const run = (args: string[]) => runCommand(args, { cwd: folder, env: { EMBEDLESS_API_KEY: "sk-of-mine" } });

beforeAll(async () => {
  server = await embeddingServer({ before: (headers) => void keys.push(headers.authorization) });
  remote = server.url.replace("127.0.0.1", "0.0.0.0");
  folder = mkdtempSync(join(tmpdir(), "embedless-address-"));
  writeFileSync(join(folder, "a.md"), "# A\n\nOne text to find.\n");
  writeFileSync(join(folder, "b.md"), "# B\n\nAnother text.\n");
  writeFileSync(join(folder, "in.jsonl"), '{"text": "an imported text"}\n');
  for (const [name, ...more] of [["s.db", "--keywords"], ["graph.db", "--codes", "none"], ["damaged.db"]] as const) {
    expect((await run(["build", name, "a.md", "--model", "fake", "--url", remote, ...more])).code).toBe(0);
  }
  // A graph is made of waiting vectors first; once it is there, every text is embedded for the next one.
  expect((await run(["compact", "graph.db"])).code).toBe(0);
  expect((await run(["build", "graph.db", "b.md", "--model", "fake", "--url", remote])).code).toBe(0);
  tamper(join(folder, "damaged.db"), (raw) => raw.exec("UPDATE meta SET value = '7' WHERE key = 'passages'"));
}, 60_000);
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await server.close();
});
beforeEach(() => {
  server.texts.length = 0;
  keys.length = 0;
});

it.each([
  [["search", "s.db", "text"]],
  [["search", "s.db", "text", "--mode", "hybrid"]],
  [["stats", "s.db", "--measure"]],
  [["import", "s.db", "in.jsonl"]],
  [["build", "s.db", "b.md"]],
  [["compact", "graph.db"]],
  [["repair", "damaged.db"]],
])("%j contacts no address that only the file names, and no server that was confirmed gets a key", async (args) => {
  const refused = await run(args);
  expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining(`"${remote}"`)]);
  expect(refused.stderr).toMatch(/--model NAME --url ADDRESS.*--trust-address.*\(MODEL_MISMATCH\)\n$/);
  expect([keys, server.texts]).toEqual([[], []]);
  const confirmed = await run([...args, "--trust-address"]);
  expect([confirmed.code, confirmed.stderr]).toEqual([0, expect.not.stringContaining("embedless:")]);
  expect(keys.length).toBeGreaterThan(0);
  expect(keys.filter((key) => key !== undefined)).toEqual([]);
});

it.each([
  [["stats", "s.db"]],
  [["search", "s.db", "text", "--mode", "keyword"]],
  [["export", "s.db"]],
  [["verify", "s.db"]],
])("%j needs no model", async (args) => {
  const ended = await run(args);
  expect([ended.code, ended.stderr, keys]).toEqual([0, expect.not.stringContaining("embedless:"), []]);
});

it("a server named on the command line gets the key", async () => {
  const found = await run(["search", "s.db", "text", "--model", "fake", "--url", remote]);
  expect([found.code, found.stderr]).toEqual([0, ""]);
  expect(new Set(keys)).toEqual(new Set(["Bearer sk-of-mine"]));
});

it("build notes where the model is now, once it has proved to be the same", async () => {
  const other = await embeddingServer({ dims: 32 });
  try {
    expect((await run(["build", "moved.db", "a.md", "--model", "fake", "--url", remote])).code).toBe(0);
    const wrong = await run(["build", "moved.db", "a.md", "--model", "fake", "--url", other.url]);
    expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringMatching(/MODEL_MISMATCH/)]);
    expect((await run(["search", "moved.db", "text"])).stderr).toContain(`"${remote}"`);
    expect((await run(["build", "moved.db", "a.md", "--model", "fake", "--url", server.url])).code).toBe(0);
    const found = await run(["search", "moved.db", "text"]); // on this machine now, which needs no confirmation
    expect([found.code, found.stderr]).toEqual([0, ""]);
  } finally {
    await other.close();
  }
});
