import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { httpEmbedder, onnxEmbedder, VectorStore } from "../../../src/index.js";
import { runCommand } from "../../support/command_line.js";
import { type EmbeddingServer, embeddingServer } from "../../support/embedding_server.js";
import { tinyModel } from "../../support/tiny_model.js";

vi.setConfig({ testTimeout: 90_000 });

let folder: string;
const servers: EmbeddingServer[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "embedless-moved-"));
  writeFileSync(join(folder, "a.md"), "# A\n\nOne text to find.\n");
  writeFileSync(join(folder, "in.jsonl"), '{"text": "an imported text"}\n');
});
afterEach(async () => {
  rmSync(folder, { recursive: true, force: true });
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

const run = (...args: string[]) => runCommand(args, { cwd: folder, env: { EMBEDLESS_API_KEY: "sk-of-mine" } });
async function serve(options: Parameters<typeof embeddingServer>[0] = {}): Promise<EmbeddingServer> {
  const server = await embeddingServer(options);
  servers.push(server);
  return server;
}
async function isFine(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await run(...args);
  expect([args, code, stderr]).toEqual([args, 0, expect.not.stringContaining("embedless:")]);
  return stdout;
}

/** A store of a server that is gone. */
async function orphan(): Promise<void> {
  const server = await serve();
  await isFine("build", "s.db", "a.md", "--model", "fake", "--url", server.url);
  await server.close();
  expect((await run("search", "s.db", "text")).stderr).toMatch(/cannot be reached.*\(EMBEDDER_FAILED\)/);
}

describe("a server that moved", () => {
  it("is named by --url alone; build notes where it is, search and stats do not", async () => {
    await orphan();
    const server = await serve();
    expect(await isFine("search", "s.db", "text", "--url", server.url)).toContain("One text to find");
    await isFine("stats", "s.db", "--measure", "--url", server.url);
    expect((await run("search", "s.db", "text")).code).toBe(1);
    await isFine("build", "s.db", "a.md", "--url", server.url.replace("/v1", ""));
    expect(await isFine("search", "s.db", "text")).toContain("One text to find");
  });

  it("is noted by import too", async () => {
    await orphan();
    await isFine("import", "s.db", "in.jsonl", "--url", (await serve()).url);
    expect(await isFine("search", "s.db", "imported")).toContain("an imported text");
  });

  it("is not noted if another model is there, nor for another model's name", async () => {
    await orphan();
    const other = await serve({ dims: 32 });
    for (const command of [
      ["search", "s.db", "text"],
      ["build", "s.db", "a.md"],
    ]) {
      expect((await run(...command, "--url", other.url)).stderr).toMatch(/MODEL_MISMATCH|EMBEDDER_OUTPUT/);
      expect((await run(...command, "--url", other.url, "--model", "else")).stderr).toMatch(/MODEL_MISMATCH/);
    }
    expect((await run("search", "s.db", "text")).stderr).toMatch(/cannot be reached/);
  });

  it("has the prefixes and settings that the store was made with", async () => {
    const before = await serve();
    const made = { url: before.url, model: "fake", dimensions: 64, queryPrefix: "query: ", passagePrefix: "passage: " };
    const store = await VectorStore.open(join(folder, "p.db"), { embedder: httpEmbedder({ ...made, truncate: true }) });
    await store.add([{ text: "a passage" }]);
    await store.close();
    await before.close();
    for (const model of [[], ["--model", "fake"]]) {
      const server = await serve();
      expect(await isFine("search", "p.db", "why", "--url", server.url, ...model)).toContain("a passage");
      expect(server.texts).toEqual(expect.arrayContaining(["query: why", "passage: a passage"]));
    }
  });

  it("gets no headers out of the file", async () => {
    const seen: unknown[] = [];
    const server = await serve({ before: (headers) => void seen.push(headers["x-evil"]) });
    const inner = httpEmbedder({ url: server.url, model: "fake" });
    const source = { kind: "http", url: "http://192.0.2.1/v1", model: "fake", headers: { "x-evil": "1" } } as const;
    const store = await VectorStore.open(join(folder, "h.db"), {
      embedder: {
        id: inner.id,
        dims: undefined,
        embedDocuments: (texts) => inner.embedDocuments(texts),
        embedQuery: (text) => inner.embedQuery(text),
        source,
      },
    });
    await store.add([{ text: "a passage" }]);
    await store.close();
    seen.length = 0;
    expect(await isFine("search", "h.db", "why", "--url", server.url)).toContain("a passage");
    expect([seen.length > 0, seen.filter(Boolean)]).toEqual([true, []]);
  });

  it("of no store still needs a name", async () => {
    const { code, stderr } = await run("build", "new.db", "a.md", "--url", "http://127.0.0.1:9");
    expect([code, stderr]).toEqual([2, expect.stringMatching(/^embedless: --url needs --model/)]);
  });
});

it("a model's folder that moved is run as before, and noted", async () => {
  const before = await tinyModel({}, "fp32", { name: "model" });
  const store = await VectorStore.open(join(folder, "o.db"), {
    embedder: await onnxEmbedder({ folder: before, pooling: "cls", workers: 1 }),
  });
  await store.add([{ text: "the cat sat" }]);
  await store.close();
  const after = join(folder, "model");
  renameSync(before, after);
  expect((await run("search", "o.db", "cat")).stderr).toMatch(/NOT_FOUND/);
  expect(await isFine("search", "o.db", "cat", "--model", after)).toContain("the cat sat");
  await isFine("import", "o.db", "in.jsonl", "--model", after);
  expect(await isFine("search", "o.db", "cat")).toContain("the cat sat");
});

describe("a server with limits", () => {
  it("gets as many texts a request as --batch says", async () => {
    const server = await serve();
    const lines = Array.from({ length: 40 }, (_, i) => `{"text": "text ${i}"}`);
    writeFileSync(join(folder, "in.jsonl"), lines.join("\n"));
    await isFine("import", "b.db", "in.jsonl", "--model", "fake", "--url", server.url, "--batch", "5");
    expect(server.largestRequest).toBe(5);
    expect((await run("search", "b.db", "text", "--batch", "0", "--url", server.url)).code).toBe(2);
    expect((await run("search", "b.db", "text", "--batch", "5")).stderr).toMatch(/--batch is for a server/);
    expect((await run("search", "b.db", "text", "--truncate")).stderr).toMatch(/--truncate is for a server/);
  });

  it("names the text that is too long, or cuts it with --truncate and counts it", async () => {
    const server = await serve({ longest: 200 });
    writeFileSync(
      join(folder, "in.jsonl"),
      `\n{"text": "short"}\n\n{"id": "long one", "text": "${"word ".repeat(99)}"}\n`,
    );
    const command = ["import", "t.db", "in.jsonl", "--model", "fake", "--url", server.url];
    const refused = await run(...command);
    expect([refused.code, refused.stderr]).toEqual([
      1,
      expect.stringMatching(
        /Line 4 of in\.jsonl with the id "long one" is refused: The server .*is too long; .*--truncate.*\(LIMIT\)\n$/,
      ),
    ]);
    expect(await isFine(...command, "--truncate")).toMatch(/added 2 .* 1 passage longer than the model's window/);
    expect(await isFine("search", "t.db", "word word", "--k", "1")).toContain("word word");
  });
});
