import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Metric } from "../../../src/api/codes.js";
import type { MachineSpeed, PlannedStore } from "../../../src/api/stats.js";
import { codeRowBytes, forecast, keptRowBytes, queryCost } from "../../../src/codes/forecast.js";
import { addon, vectors } from "../native/corpus.js";

const SPEED: MachineSpeed = { questionMs: 6, passageMs: 15, scanNsPerByte: 0.1, rowNsPerDim: 0.2 };
const DIMS = 40;
const CODES: readonly PlannedStore["codes"][] = [
  { bytes: 24 },
  { bytes: 48 },
  "lvq4",
  "lvq8",
  "lvq4x8",
  { leanvec: { dims: 16, primary: "lvq4", training: "pca" } },
  { leanvec: { dims: 16, primary: "lvq8", training: "pca" } },
];

describe("bytes foretold are those of the native coders", () => {
  const cases = CODES.flatMap((codes) => (["cosine", "ip", "l2"] as const).map((metric) => ({ codes, metric })));
  test.each(cases)(
    "$codes under $metric",
    async ({ codes, metric }: { codes: PlannedStore["codes"]; metric: Metric }) => {
      const coder = await addon.trainCodebook(vectors(300, 3, DIMS), { dims: DIMS, metric, code: codes });
      expect(codeRowBytes(codes, DIMS, metric)).toBe(coder.rowBytes);
    },
  );

  test.each(["float32", "float16", "lvq8"] as const)("kept %s", (form) => {
    expect(keptRowBytes(form, DIMS)).toBe(addon.createVectorCoder(form, DIMS, "cosine").rowBytes);
    expect(keptRowBytes("recompute", DIMS)).toBe(0);
  });
});

const goals = fc.record({
  passages: fc.integer({ min: 1, max: 10_000_000 }),
  budget: fc.double({ min: 30, max: 5_000, noNaN: true }),
  recall: fc.double({ min: 0.5, max: 0.999, noNaN: true }),
  k: fc.integer({ min: 1, max: 100 }),
});

test("the best is the quickest within the budget, and more bytes never make it slower", () => {
  fc.assert(
    fc.property(goals, (goal) => {
      const { best, choices } = forecast(goal, SPEED, 384);
      const fitting = choices.filter(({ bytesPerPassage }) => bytesPerPassage <= goal.budget);
      expect(choices.filter(({ fits }) => fits)).toEqual(fitting);
      expect(best.queryMs).toBe(Math.min(...fitting.map(({ queryMs }) => queryMs)));
      for (const { recomputes } of choices) expect(recomputes).toBeLessThanOrEqual(goal.passages);
      const wider = forecast({ ...goal, budget: goal.budget * 2 }, SPEED, 384);
      expect(wider.best.queryMs).toBeLessThanOrEqual(best.queryMs);
    }),
    { seed: 8 },
  );
});

test("what a question costs is its embedding, the scan and the recomputes", () => {
  const goal = { k: 10, recall: 0.95 };
  const { recomputes, queryMs } = queryCost(
    { codes: { bytes: 48 }, vectors: "recompute", passages: 1e6, dims: 384 },
    goal,
  );
  expect(recomputes).toBeGreaterThan(10);
  expect(queryMs(SPEED)).toBeCloseTo(6 + (1e6 * 50 * 0.1) / 1e6 + recomputes * 15, 6);
  const kept = queryCost({ codes: { bytes: 48 }, vectors: "lvq8", passages: 1e6, dims: 384 }, goal);
  expect(kept.recomputes).toBe(recomputes);
  expect(kept.queryMs(SPEED)).toBeLessThan(6 + 5 + recomputes);
});

test("a budget below the smallest code is refused with what it takes", () => {
  const goal = { passages: 1000, budget: 20, recall: 0.95, k: 10 };
  expect(() => forecast(goal, SPEED, 384)).toThrowError(/at least 27\.2/);
  expect(() => forecast({ ...goal, budget: 27.2 }, SPEED, 384)).not.toThrow();
});
