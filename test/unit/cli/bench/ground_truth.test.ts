import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Metric } from "../../../../src/api/codes.js";
import { exactNearest, kRecallAt } from "../../../../src/cli/bench/ground_truth.js";
import { normal, seeded } from "../../../support/seeded.js";

const METRICS: readonly Metric[] = ["cosine", "ip", "l2"];

async function* inChunks(rows: Float32Array, dims: number, chunk: number) {
  const total = rows.length / dims;
  for (let first = 0; first < total; first += chunk) {
    const count = Math.min(chunk, total - first);
    yield { first, count, rows: rows.subarray(first * dims, (first + count) * dims) };
  }
}

/** Every score by the definition, sorted. */
function byDefinition(rows: Float32Array, query: Float32Array, metric: Metric, depth: number): number[] {
  const dims = query.length;
  const scored = Array.from({ length: rows.length / dims }, (_, node) => {
    const row = Array.from(rows.subarray(node * dims, (node + 1) * dims));
    const dot = row.reduce((sum, value, i) => sum + value * query[i]!, 0);
    const norms = Math.hypot(...row) * Math.hypot(...query);
    const squared = row.reduce((sum, value, i) => sum + (value - query[i]!) ** 2, 0);
    return { node, score: { cosine: norms > 0 ? dot / norms : 0, ip: dot, l2: -squared }[metric] };
  });
  scored.sort((a, b) => b.score - a.score || a.node - b.node);
  return scored.slice(0, depth).map(({ node }) => node);
}

describe.each(METRICS)("exactNearest by %s", (metric) => {
  it.each([
    [1, 1],
    [5, 3],
    [40, 17],
    // Eight vectors of 4,096 numbers make a block.
    [7, 4096],
    [8, 4096],
    [9, 4096],
  ])("is what comparing %i vectors of %i dims one by one gives", async (count, dims) => {
    const random = seeded(count * dims);
    const rows = Float32Array.from({ length: count * dims }, () => normal(random) * 10 ** (4 * random() - 2));
    const queries = Float32Array.from({ length: 3 * dims }, () => normal(random));
    for (const depth of [1, 4, count, count + 2]) {
      const done: number[] = [];
      const found = await exactNearest(inChunks(rows, dims, 3), queries, { dims, metric, depth }, (n) => done.push(n));
      const wanted = [0, 1, 2].map((i) =>
        byDefinition(rows, queries.subarray(i * dims, (i + 1) * dims), metric, depth),
      );
      expect(found).toEqual(wanted);
      expect([done.at(-1), done.every((n, i) => i === 0 || n > done[i - 1]!)]).toEqual([count, true]);
    }
  });

  it("puts equal scores in order of number", async () => {
    const rows = Float32Array.from({ length: 30 }, (_, i) => (i % 2 === 0 ? 1 : -1));
    const found = await exactNearest(inChunks(rows, 2, 4), Float32Array.of(1, -1), { dims: 2, metric, depth: 15 });
    expect(found).toEqual([Array.from({ length: 15 }, (_, i) => i)]);
  });
});

it("finds nothing in nothing", async () => {
  const options = { dims: 2, metric: "l2" as const, depth: 3 };
  expect(await exactNearest(inChunks(new Float32Array(), 2, 1), Float32Array.of(1, 2), options)).toEqual([[]]);
  expect(await exactNearest(inChunks(Float32Array.of(1, 2), 2, 1), new Float32Array(), options)).toEqual([]);
  await expect(exactNearest(inChunks(new Float32Array(), 2, 1), [], { ...options, depth: 0 })).rejects.toMatchObject({
    code: "INVALID_ARGUMENT",
  });
});

describe("kRecallAt", () => {
  it("counts the first k of the truth among the first n of the answer", () => {
    const truth = [[1, 2, 3, 4]];
    expect(kRecallAt(truth, [[2, 9, 1, 3]], 1)).toBe(0);
    expect(kRecallAt(truth, [[2, 9, 1, 3]], 2)).toBe(0.5);
    expect(kRecallAt(truth, [[2, 9, 1, 3]], 2, 3)).toBe(1);
    expect(kRecallAt(truth, [[2, 9, 1, 3]], 3, 4)).toBe(1);
    expect(kRecallAt(truth, [Uint32Array.of(4)], 4)).toBe(0.25);
    expect(kRecallAt([Int32Array.of(1), Int32Array.of(2)], [[1], []], 1)).toBe(0.5);
    expect(kRecallAt(truth, [[1, 1, 1]], 3)).toBeCloseTo(1 / 3, 12);
    expect(kRecallAt([], [], 1)).toBeNaN();
  });

  it("agrees with sets", () => {
    const ids = fc.uniqueArray(fc.nat(30), { minLength: 5, maxLength: 20 });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(ids, ids), { minLength: 1 }),
        fc.integer({ min: 1, max: 5 }),
        fc.nat(15),
        (all, k, more) => {
          const [truth, found] = [all.map(([a]) => a), all.map(([, b]) => b)];
          const shares = all.map(
            ([a, b]) => a.slice(0, k).filter((id) => b.slice(0, k + more).includes(id)).length / k,
          );
          const mean = shares.reduce((sum, share) => sum + share, 0) / shares.length;
          expect(kRecallAt(truth, found, k, k + more)).toBeCloseTo(mean, 12);
        },
      ),
    );
  });

  it.each([
    [[[1]], [[1]], 0, 1, /for k/],
    [[[1]], [[1]], 1.5, 2, /for k/],
    [[[1, 2]], [[1, 2]], 2, 1, /for n/],
    [[[1]], [[1]], 2, 2, /truth\[0\]/],
    [[[1], [2]], [[1]], 1, 1, /found/],
  ])("refuses %j, %j, k %d, n %d", (truth, found, k, n, message) => {
    expect(() => kRecallAt(truth, found, k, n)).toThrow(message);
  });
});
