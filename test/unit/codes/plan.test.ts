import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { calibration, calibrationOf } from "../../../src/codes/calibration.js";
import { expectedRecomputes, planSearch } from "../../../src/codes/plan.js";

const target = fc.double({ min: 0.5, max: 0.999, noNaN: true });
const measured = fc.constantFrom(...calibration().codes.map(({ kind, rowBytes }) => ({ kind, rowBytes, dims: 384 })));
const scores = fc.constantFrom("exact" as const, "approx" as const);

test("a higher recall target never recomputes less, whatever the code", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 200 }), target, target, measured, scores, (k, a, b, code, kind) => {
      const settings = { code, scores: kind };
      const [low, high] = [planSearch(k, Math.min(a, b), settings), planSearch(k, Math.max(a, b), settings)];
      expect(high.cap).toBeGreaterThanOrEqual(low.cap);
      expect(high.recall).toBeGreaterThanOrEqual(low.recall - 1e-9);
      for (const { recall } of [low, high]) {
        expect(recall).toBeGreaterThan(0);
        expect(recall).toBeLessThanOrEqual(1);
      }
      expect(low.pool).toBeGreaterThanOrEqual(Math.max(400, 2 * k, low.cap));
      expect(low.cap).toBeGreaterThanOrEqual(4 * k);
    }),
    { seed: 3 },
  );
});

test("cap and pool follow k and the target", () => {
  const { cap, pool } = planSearch(3, 0.95);
  expect(cap).toBeGreaterThanOrEqual(64);
  expect(pool).toBe(Math.max(400, Math.min(4 * cap, 4096)));
  expect(planSearch(5, 0.95, { scores: "approx" })).toMatchObject({ scores: "approx" });
  expect(planSearch(1000, 0.95)).toMatchObject({ cap: 4000, pool: 4096 });
});

test("the caller's limit is the cap, and 0 still keeps candidates for the estimates", () => {
  expect(planSearch(10, 0.95, { maxRecomputes: 17 })).toMatchObject({ cap: 17, pool: 400 });
  expect(planSearch(1000, 0.95, { maxRecomputes: 0 })).toMatchObject({ cap: 0, pool: 2000 });
  expect(planSearch(10, 0.95, { maxRecomputes: 9000 })).toMatchObject({ cap: 9000, pool: 9000 });
});

test("recomputes are foretold within the limit, more for higher targets", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 100 }), target, target, measured, (k, a, b, code) => {
      const low = expectedRecomputes(k, Math.min(a, b), { code });
      expect(expectedRecomputes(k, Math.max(a, b), { code })).toBeGreaterThanOrEqual(0.97 * low);
      expect(low).toBeGreaterThanOrEqual(k);
      expect(low).toBeLessThanOrEqual(planSearch(k, a < b ? a : b, { code }).cap);
      expect(expectedRecomputes(k, a, { code, maxRecomputes: 3 })).toBe(
        Math.min(3, expectedRecomputes(k, a, { code })),
      );
    }),
    { seed: 4 },
  );
});

describe("the calibration of a code", () => {
  test.each([
    ["pq", 51, "48"],
    ["pq", 53, "48"],
    ["pq", 50, "32"],
    ["pq", 27, "24"],
    ["pq", 7, "24"],
    ["pq", 255, "192"],
  ] as const)("%s with %i bytes is that of %s", (kind, rowBytes, code) => {
    expect(calibrationOf({ kind, rowBytes, dims: 768 }).code).toBe(code);
  });

  test("is the code's own for every measured code, and 48 bytes without one", () => {
    for (const { kind, rowBytes, code } of calibration().codes) {
      const found = calibrationOf({ kind, rowBytes, dims: 384 });
      expect([found.kind, found.rowBytes]).toEqual([kind, rowBytes]);
      if (!code.endsWith("-ood")) expect(found.code).toBe(code);
    }
    expect(calibrationOf().code).toBe("48");
  });

  test.each([
    ["lvq", 16 + 64, 128, "lvq4"],
    ["lvq", 16 + 128, 128, "lvq8"],
    ["lvq", 16 + 192, 128, "lvq4x8"],
    ["lvq8", 392, 384, "lvq8"],
    ["int8", 392, 384, "lvq8"],
    ["float16", 768, 384, "lvq4x8"],
    ["float32", 40, 10, "lvq4x8"],
  ] as const)("%s of %i bytes and %i dims is taken for %s", (kind, rowBytes, dims, code) => {
    expect(calibrationOf({ kind, rowBytes, dims }).code).toBe(code);
  });
});

test("with the coarsest code every candidate that is likely enough is looked at, with others none beyond the recall", () => {
  const code = { kind: "pq", rowBytes: 27, dims: 384 } as const;
  for (const recall of [0.5, 0.9, 0.99]) {
    expect(planSearch(10, recall, { code }).leastChance).toBeCloseTo(1 - recall);
    expect(planSearch(10, recall).leastChance).toBe(1);
  }
});

test("approximate scores have stops of their own", () => {
  expect(planSearch(10, 0.95, { maxRecomputes: 15, scores: "approx" })).toMatchObject({ scores: "approx", cap: 15 });
  expect(planSearch(10, 0.95)).toMatchObject({ scores: "exact" });
  // Estimates of the coarsest code tell hardly any candidate from the rest, so exact scores cost less.
  const coarsest = { kind: "pq", rowBytes: 27, dims: 384 } as const;
  expect(planSearch(10, 0.99, { code: coarsest, scores: "approx" })).toMatchObject({ scores: "exact" });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 200 }), target, measured, (k, recall, code) => {
      const looks = (scores: "exact" | "approx") => expectedRecomputes(k, recall, { code, scores });
      expect(looks("approx")).toBeLessThanOrEqual(looks("exact"));
    }),
    { seed: 6 },
  );
});
