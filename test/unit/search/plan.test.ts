import fc from "fast-check";
import { expect, test } from "vitest";
import { epsFor, planSearch } from "../../../src/search/plan.js";

test("a higher recall target never recomputes less", () => {
  const scores = fc.constantFrom("exact" as const, "approx" as const);
  const target = fc.double({ min: 0.5, max: 0.999, noNaN: true });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 200 }), target, target, scores, (k, a, b, of) => {
      const [low, high] = a < b ? [a, b] : [b, a];
      expect(epsFor(k, high, of)).toBeGreaterThanOrEqual(epsFor(k, low, of) - 1e-9);
      expect(planSearch(k, high).cap).toBeGreaterThanOrEqual(planSearch(k, low).cap);
    }),
    { seed: 3 },
  );
});

test("batch, cap and pool follow k and the target", () => {
  expect(planSearch(3, 0.95)).toMatchObject({ batch: 4, cap: 64, pool: 512 });
  expect(planSearch(4, 0.95)).toMatchObject({ batch: 4 });
  expect(planSearch(5, 0.95)).toMatchObject({ batch: 8 });
  expect(planSearch(10, 0.97)).toMatchObject({ batch: 8, cap: 64 });
  expect(planSearch(10, 0.98)).toMatchObject({ cap: 160, pool: 1280 });
  expect(planSearch(100, 0.95)).toMatchObject({ cap: 400, pool: 3200 });
});

test("the caller's limit is the cap, and 0 still keeps candidates for the estimates", () => {
  expect(planSearch(10, 0.95, 17)).toMatchObject({ cap: 17, pool: 400, batch: 8 });
  expect(planSearch(10, 0.95, 15)).toMatchObject({ cap: 15, batch: 7 });
  expect(planSearch(10, 0.95, 10)).toMatchObject({ cap: 10, batch: 5 });
  expect(planSearch(1000, 0.95, 0)).toMatchObject({ cap: 0, pool: 2000 });
});

test("a limit below k leaves the batch as it is: there is but one round", () => {
  for (const limit of [0, 1, 9]) expect(planSearch(10, 0.95, limit)).toMatchObject({ cap: limit, batch: 8 });
});

test("approximate scores have margins of their own, never below 0, and whole batches", () => {
  expect(planSearch(10, 0.95, 15, "approx")).toMatchObject({ scores: "approx", cap: 15, batch: 8 });
  expect(planSearch(10, 0.95)).toMatchObject({ scores: "exact" });
  for (const k of [1, 3, 10, 40]) {
    for (const recall of [0.5, 0.8, 0.95, 0.999]) {
      expect(epsFor(k, recall, "approx")).toBeGreaterThanOrEqual(Math.max(0, epsFor(k, recall) - 0.3));
    }
  }
});
