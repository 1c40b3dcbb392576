import fc from "fast-check";
import { expect, test } from "vitest";
import { epsFor, planSearch } from "../../../src/search/plan.js";

test("a higher recall target never recomputes less", () => {
  const target = fc.double({ min: 0.5, max: 0.999, noNaN: true });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 200 }), target, target, (k, a, b) => {
      const [low, high] = a < b ? [a, b] : [b, a];
      expect(epsFor(k, high)).toBeGreaterThanOrEqual(epsFor(k, low) - 1e-9);
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
