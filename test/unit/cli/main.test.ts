import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Hit } from "../../../src/api/search.js";
import { VectorStore } from "../../../src/index.js";
import { type Ended, runCommand } from "../../support/command_line.js";

let folder: string;
let built: Ended;
const run = (...args: string[]) => runCommand(args, { cwd: folder });

/** One store of the bundled model for all tests of this file. */
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "embedless-cli-"));
  const topics = {
    "ferry.md": "# Ferry\n\nThe ferry to the island leaves at nine in the morning and costs four euros.\n",
    "bread.md": "# Bread\n\nMix flour, water, salt and yeast, and let the dough rise for two hours before baking.\n",
    "engine.md": "# Engine\n\nChange the engine oil every ten thousand kilometres, and the filter with it.\n",
    "index.d.ts": "/** Opens the window and lets fresh air into the room. */\nexport function openWindow(): void;\n",
    "not_a_store.db": "this is a text file, not a database, whatever its name says\n",
  };
  for (const [name, text] of Object.entries(topics)) writeFileSync(join(folder, name), text);
  built = await run("build", "s.db", ".");
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("with the bundled model", () => {
  it("builds", () => {
    expect([built.code, built.stderr]).toEqual([0, ""]);
    expect(built.stdout).toMatch(/^committed 4\b/m);
    expect(built.stdout).toMatch(/4 files, 4 passages in .*s\.db/);
  });

  it("finds the passage that answers, with its place, score and cost", async () => {
    const { code, stdout, stderr } = await run("search", "s.db", "When does the boat go?");
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/^ 1 {2}0\.\d{3} {2}ferry\.md:1-3 {2}Ferry\n {4}The ferry to the island/m);
    expect(stdout).toMatch(/\n[\d.,]+ ms · \d of 4 passages embedded again\n$/);
    for (const line of stdout.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
  });

  it("explains", async () => {
    const { stdout } = await run("search", "s.db", "oil", "--k", "2", "--explain");
    expect(stdout).toMatch(/^hit +estimate +sigma +exact +sigmas off +chance +vector from\n1 +0\.\d{4} /m);
    expect(stdout).toMatch(/^recompute +[\d.,]+ ms +\d+ %$/m);
    expect(stdout).toMatch(/^4 codes scanned/m);
    expect(stdout).toMatch(/^expected recall [01]\.\d{3}$/m);
  });

  it("looks only where the filter says", async () => {
    const filter = { source: { $ne: "ferry.md" }, "lines.from": 1 };
    const { code, stdout } = await run("search", "s.db", "boat", "--filter", JSON.stringify(filter), "--json");
    expect(code).toBe(0);
    const { hits, cost } = JSON.parse(stdout);
    expect(hits.map((hit: { metadata: { source: string } }) => hit.metadata.source)).not.toContain("ferry.md");
    expect([hits.length, cost.scanned]).toEqual([3, 3]);
    const none = await run("search", "s.db", "boat", "--filter", '{"source": "x"}');
    expect([none.code, none.stderr]).toEqual([0, ""]);
    expect(none.stdout).toContain("No passage matches.");
  });

  it("builds a graph", async () => {
    const made = await run("build", "g.db", "ferry.md", "bread.md", "--index", "hnsw");
    expect(made.code).toBe(0);
    expect((await run("stats", "g.db")).stdout).toMatch(/^ +index +hnsw, not built yet/m);
    const { code, stdout } = await run("compact", "g.db");
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^2 passages linked, \d+ B\.\n$/)]);
    expect((await run("stats", "g.db")).stdout).toMatch(/^ +index +hnsw, 2 passages linked/m);
    expect((await run("compact", "s.db")).stdout).toBe("Nothing to build: all codes are scanned.\n");
  });

  it("drops the codes of what was deleted", async () => {
    await run("build", "d.db", "ferry.md", "bread.md", "engine.md");
    const store = await VectorStore.open(join(folder, "d.db"));
    await store.delete({ filter: { source: "bread.md" } });
    await store.close();
    expect((await run("compact", "d.db")).stdout).toBe(
      "Nothing to build: all codes are scanned; codes of 1 deleted passage removed.\n",
    );
    expect((await run("verify", "d.db")).code).toBe(0);
    expect((await run("search", "d.db", "When does the boat go?")).stdout).toContain("ferry.md");
  });

  it("predicts what a question costs", async () => {
    const stats = await run("stats", "s.db", "--measure");
    expect(stats.code).toBe(0);
    expect(stats.stdout).toMatch(/per question +4\.0 passages embedded, [\d.,]+ ms on this machine/);
    const plan = await run("plan", "100000", "--total-bytes", "1e7");
    expect(plan.code).toBe(0);
    expect(plan.stdout).toMatch(/^100,000 passages, 10 hits at recall 0\.95/);
    expect(plan.stdout).toMatch(/^ {2}> \d+ +none +\d+/m);
    expect(plan.stdout).toMatch(/^ {2}- 48 +float32 +1587/m);
    for (const line of plan.stdout.split("\n")) expect(line.length).toBeLessThanOrEqual(100);
    const wrong = await run("plan", "many");
    expect([wrong.code, wrong.stderr]).toEqual([
      2,
      expect.stringMatching(/Expected a whole number of passages from 1\.\n$/),
    ]);
  }, 120_000);

  it("prints one JSON object", async () => {
    const { stdout } = await run("search", "s.db", "baking", "--k", "3", "--json", "--explain");
    const result = JSON.parse(stdout);
    expect(result).toMatchObject({ question: "baking", passages: 4, cost: { scanned: 4 } });
    expect(result.hits).toHaveLength(3);
    expect(result.hits[0]).toMatchObject({
      rank: 1,
      text: expect.stringContaining("yeast"),
      metadata: { source: "bread.md", lines: { from: 1, to: 3 }, heading: "Bread" },
      explain: { source: expect.stringMatching(/^(cache|recompute)$/), exact: result.hits[0].score },
    });
    expect(result.expectedRecall).toBe(1);
  });

  it("turns its flags into limits", async () => {
    const cost = async (...flags: string[]) => {
      const { stdout } = await run("search", "s.db", "oil", "--json", "--explain", ...flags);
      const { cost, hits } = JSON.parse(stdout);
      expect(hits).toHaveLength(4);
      return { recomputed: cost.recomputed, exact: hits.filter((hit: Hit) => hit.explain?.exact !== undefined).length };
    };
    expect(await cost()).toEqual({ recomputed: 4, exact: 4 });
    expect(await cost("--max-recomputes", "1")).toEqual({ recomputed: 1, exact: 1 });
    for (const flag of [["--estimates"], ["--deadline", "0"], ["--approx"]]) {
      // Four hits of four passages are beyond doubt, so that approximate scores need no recompute.
      expect(await cost(...flag)).toEqual({ recomputed: 0, exact: 0 });
    }
  });

  it("says what the store holds", async () => {
    const { code, stdout } = await run("stats", "s.db");
    expect(code).toBe(0);
    expect(stdout).toMatch(/^ {2}passages +4$/m);
    expect(stdout).toMatch(/^ {2}embedder +all-MiniLM-L6-v2/m);
    expect(stdout).toMatch(/^ {2}codes +product quantisation, 48 bytes$/m);
    expect(stdout).toMatch(/^ {2}vectors +none kept; as float32 they would take 6\.1 kB$/m);
    for (const line of stdout.split("\n").slice(1)) expect(line.length).toBeLessThanOrEqual(80);
    const json = JSON.parse((await run("stats", "s.db", "--json")).stdout);
    expect(json).toMatchObject({ passages: 4, dims: 384, metric: "cosine", vectorBytes: 4 * 384 * 4 });
    expect(json).toMatchObject({ codes: { bytes: 48 }, vectors: "recompute", keptBytes: 0 });
  });
});

describe("bad input ends in one sentence", () => {
  it.each([
    [["search", "missing.db", "x"], 1, /NOT_FOUND/],
    [["stats", "missing.db"], 1, /NOT_FOUND/],
    [["stats", "no/such/folder/s.db"], 1, /NOT_FOUND/],
    [["stats", "not_a_store.db"], 1, /NOT_A_STORE/],
    [["search", "not_a_store.db", "x"], 1, /NOT_A_STORE/],
    [["build", "not_a_store.db", "ferry.md"], 1, /NOT_A_STORE/],
    [["search", "s.db", ""], 1, /INVALID_TEXT/],
    [["search", "s.db", "x", "--k", "0"], 2, /whole number from 1/],
    [["search", "s.db", "x", "--k", "-1"], 2, /whole number from 1/],
    [["search", "s.db", "x", "--k", "2.5"], 2, /whole number from 1/],
    [["search", "s.db", "x", "--k", "many"], 2, /whole number from 1/],
    [["search", "s.db", "x", "--recall", "1"], 2, /0\.5 to 0\.999/],
    [["search", "s.db", "x", "--recal", "0.9"], 2, /Did you mean --recall/],
    [["search", "s.db", "x", "--max-recomputes", "0"], 2, /whole number from 1/],
    [["search", "s.db", "x", "--deadline", "-1"], 2, /milliseconds from 0/],
    [["search", "s.db", "x", "--estimates", "--deadline", "9"], 2, /cannot be used with option '--deadline/],
    [["search", "s.db", "x", "--filter", "source=ferry.md"], 2, /Expected JSON for --filter, such as/],
    [["search", "s.db", "x", "--filter", '{"source": {"$like": "f"}}'], 1, /filter\.source.*INVALID_FILTER/],
    [["search", "s.db", "x", "--filter", "null"], 1, /INVALID_FILTER/],
    [["serach", "s.db", "x"], 2, /Did you mean search/],
    [["search", "s.db"], 2, /missing required argument/],
    [["build", "s.db"], 2, /missing required argument/],
    [["build", "s.db", ""], 2, /one path is empty/],
    [["build", "s.db", "ferry.md", "--url", "http://127.0.0.1:9"], 2, /--url needs --model/],
    [["build", "s.db", "ferry.md", "--model", "./no/folder"], 1, /NOT_FOUND/],
    [["build", "new.db", "ferry.md", "--exclude", "a[b"], 1, /INVALID_ARGUMENT/],
    [["build", "no/such/folder/s.db", "ferry.md"], 1, /NOT_FOUND|IO/],
    [["build", "new.db", "ferry.md", "--codes", "50"], 1, /24, 32, 48, 64, 96, 128, 192 .*codes\.bytes/],
    [["build", "new.db", "ferry.md", "--codes", "lvq5"], 1, /"lvq4", "lvq8", "lvq4x8", "none" for codes/],
    [["build", "new.db", "ferry.md", "--vectors", "float8"], 1, /"float32", "float16", "lvq8" for vectors/],
  ] as const)("%j", async (args, code, message) => {
    const before = existsSync(join(folder, "missing.db"));
    const ended = await run(...args);
    expect([ended.code, ended.stderr]).toEqual([code, expect.stringMatching(/^embedless: [^\n]+\n$/)]);
    expect(ended.stderr).toMatch(message);
    expect(ended.stderr).not.toMatch(/ {4}at |node:internal|\.js:\d/);
    expect([before, existsSync(join(folder, "missing.db")), existsSync(join(folder, "new.db"))]).toEqual([
      false,
      false,
      false,
    ]);
    expect(readFileSync(join(folder, "not_a_store.db"), "utf8")).toContain("this is a text file");
  });

  it("shows the stack only when asked", async () => {
    const { stderr } = await runCommand(["stats", "missing.db"], { cwd: folder, env: { EMBEDLESS_DEBUG: "1" } });
    expect(stderr).toMatch(/^embedless: /);
    expect(stderr).toMatch(/\n {4}at /);
  });
});

it("explains itself", async () => {
  const help = await run("--help");
  expect(help.code).toBe(0);
  for (const verb of ["build", "search", "stats", "bench", "compile"]) expect(help.stdout).toContain(verb);
  expect((await run("search", "--help")).stdout).toContain("--recall");
  const { version } = JSON.parse(readFileSync(new URL("../../../package.json", import.meta.url), "utf8"));
  expect((await run("--version")).stdout).toBe(`${version}\n`);
});
