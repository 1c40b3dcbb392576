import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Metric } from "../../../../src/api/codes.js";
import { exactNearest } from "../../../../src/cli/bench/ground_truth.js";
import { VecsFile, type VecsRow, writeVecs } from "../../../../src/cli/bench/vecs.js";
import { runCommand } from "../../../support/command_line.js";
import { normal, seeded } from "../../../support/seeded.js";

const DIMS = 32;
const COUNT = 2000;
const QUERIES = 30;
/** On a busy machine work takes so long that it is told of. */
const PROGRESS = expect.stringMatching(/^(\w.* · \d+ s.*\n)*$/);

let folder: string;
const run = (...args: string[]) => runCommand(["bench", ...args], { cwd: folder });

/** Vectors around a few centres, as real ones lie. */
function clustered(count: number, seed: number): Float32Array[] {
  const centres = seeded(1);
  const around = Array.from({ length: 20 }, () => Float32Array.from({ length: DIMS }, () => normal(centres)));
  const random = seeded(seed);
  return Array.from({ length: count }, () => {
    const centre = around[Math.floor(random() * around.length)]!;
    return centre.map((value) => value + 0.7 * normal(random));
  });
}

async function truthOf(metric: Metric, base: readonly VecsRow[], queries: readonly VecsRow[]): Promise<Int32Array[]> {
  const flat = (rows: readonly VecsRow[]) => rows.flatMap((row) => Array.from<number>(row));
  async function* once() {
    yield { first: 0, count: base.length, rows: flat(base) };
  }
  const nearest = await exactNearest(once(), flat(queries), { dims: DIMS, metric, depth: 20 });
  return nearest.map((nodes) => Int32Array.from(nodes));
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "embedless-bench-"));
  const [base, queries] = [clustered(COUNT, 2), clustered(QUERIES, 3)];
  const write = (name: string, rows: readonly VecsRow[]) => writeVecs(join(folder, name), rows);
  const bytesOf = (rows: readonly Float32Array[]) =>
    rows.map((row) => Uint8Array.from(row, (value) => Math.max(0, Math.min(255, 128 + 25 * value))));
  await write("base.fvecs", base);
  await write("queries.fvecs", queries);
  await write("base.bvecs", bytesOf(base));
  await write("queries.bvecs", bytesOf(queries));
  await write("cosine.ivecs", await truthOf("cosine", base, queries));
  await write("l2.ivecs", await truthOf("l2", base, queries));
  await write("bytes_l2.ivecs", await truthOf("l2", bytesOf(base), bytesOf(queries)));
  await write("short.ivecs", (await truthOf("cosine", base, queries)).slice(1));
  await write(
    "alien.ivecs",
    Array.from({ length: QUERIES }, () => Int32Array.from({ length: 20 }, (_, i) => i + COUNT)),
  );
  await write("one.fvecs", base.slice(0, 1));
  await write("empty.fvecs", []);
  await write(
    "narrow.fvecs",
    queries.map((row) => row.slice(1)),
  );
  writeFileSync(join(folder, "cut.fvecs"), readFileSync(join(folder, "base.fvecs")).subarray(0, 1000));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("measures a code", () => {
  it.each([
    ["cosine", "fvecs", "cosine.ivecs"],
    ["l2", "fvecs", "l2.ivecs"],
    ["l2", "bvecs", "bytes_l2.ivecs"],
  ])("by %s on %s", async (metric, format, truth) => {
    const files = [`base.${format}`, `queries.${format}`];
    const given = await run(...files, truth, "--metric", metric, "--codes", "48", "--json");
    expect([given.code, given.stderr]).toEqual([0, PROGRESS]);
    const figures = JSON.parse(given.stdout);
    expect(figures).toMatchObject({ code: "48", bytesPerVector: expect.any(Number) });
    expect(figures.bytesPerVector).toBeGreaterThanOrEqual(32);
    expect(figures.bytesPerVector).toBeLessThan(60);
    for (const name of ["encodePerSecond", "scanNs"]) expect(figures[name]).toBeGreaterThan(0);
    // 48 bytes for 32 numbers rank nearly as the numbers do, and the bounded search ranks the rest.
    expect(figures.recallByEstimate).toBeGreaterThan(0.85);
    expect(figures.recall).toBeGreaterThan(0.95);
    expect(figures.need95).toBeGreaterThanOrEqual(10);
    expect(figures.need99).toBeGreaterThanOrEqual(figures.need95);
    expect(figures.need99).toBeLessThan(40);
    expect(figures.exactLooks).toBeGreaterThanOrEqual(10);
    expect(figures.exactLooks).toBeLessThanOrEqual(64);

    // The truth that it computes itself is the same, and so is all that does not depend on the clock.
    const computed = JSON.parse((await run(...files, "--metric", metric, "--codes", "48", "--json")).stdout);
    const timeless = ({ encodePerSecond: _, scanNs: __, ...rest }: Record<string, number>) => rest;
    expect(timeless(computed)).toEqual(timeless(figures));
  });

  it("prints a table, one line a code", async () => {
    const { code, stdout, stderr } = await run("base.fvecs", "queries.fvecs", "--codes", "24, 48", "--k", "5");
    expect([code, stderr]).toEqual([0, PROGRESS]);
    expect(stdout).toMatch(/^2,000 vectors of 32 dims, 30 queries, cosine\n\ncode +bytes +encoded\/s +recall@5 /);
    expect(stdout).toMatch(/^24 .* ns\n48 .* ns$/m);
    for (const line of stdout.split("\n")) expect(line.length).toBeLessThanOrEqual(100);
  });

  it("takes a single vector", async () => {
    const { code, stdout } = await run("one.fvecs", "queries.fvecs", "--k", "1", "--codes", "48", "--json");
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ recallByEstimate: 1, recall: 1, need95: 1, need99: 1 });
  });
});

describe("bad input ends in one sentence", () => {
  it.each([
    [["missing.fvecs", "queries.fvecs"], 1, /NOT_FOUND/],
    [["base.txt", "queries.fvecs"], 1, /\.fvecs or \.bvecs/],
    [["cosine.ivecs", "queries.fvecs"], 1, /\.fvecs or \.bvecs/],
    [["base.fvecs", "queries.fvecs", "base.fvecs"], 1, /\.ivecs/],
    [["cut.fvecs", "queries.fvecs"], 1, /Record 7 of cut\.fvecs is cut short/],
    [["empty.fvecs", "queries.fvecs"], 1, /empty/],
    [["base.fvecs", "empty.fvecs"], 1, /empty/],
    [["base.fvecs", "narrow.fvecs"], 1, /narrow\.fvecs have 31 dims, those of base\.fvecs 32/],
    [["base.fvecs", "queries.fvecs", "short.ivecs"], 2, /29 queries, but there are 30/],
    [["base.fvecs", "queries.fvecs", "alien.ivecs"], 2, /names vector 2000/],
    [["base.fvecs", "queries.fvecs", "l2.ivecs"], 2, /does not rank by cosine/],
    [["base.fvecs", "queries.fvecs", "cosine.ivecs", "--k", "21"], 2, /20 nearest/],
    [["one.fvecs", "queries.fvecs", "--k", "2"], 2, /at most 1 for --k/],
    [["base.fvecs", "queries.fvecs", "--k", "0"], 2, /whole number from 1/],
    [["base.fvecs", "queries.fvecs", "--metric", "dot"], 2, /cosine, ip, l2/],
    [["base.fvecs", "queries.fvecs", "--codes", "48,pq8"], 2, /received "pq8"/],
    [["base.fvecs", "queries.fvecs", "--codes", "256"], 2, /received "256"/],
    [["base.fvecs", "queries.fvecs", "--codes", ""], 2, /received ""/],
    [["base.fvecs"], 2, /missing required argument/],
  ] as const)("%j", async (args, code, message) => {
    const ended = await run(...args);
    expect([ended.code, ended.stdout, ended.stderr]).toEqual([
      code,
      "",
      expect.stringMatching(/^embedless: [^\n]+\n$/),
    ]);
    expect(ended.stderr).toMatch(message);
  });
});

it("leaves the files as they were", async () => {
  const file = await VecsFile.open(join(folder, "base.fvecs"), ["fvecs"]);
  expect([file.count, file.dims]).toEqual([COUNT, DIMS]);
  await file.close();
});
