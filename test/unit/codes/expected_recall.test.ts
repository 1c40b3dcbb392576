import fc from "fast-check";
import { expect, test } from "vitest";
import { calibratedRecall, calibration } from "../../../src/codes/calibration.js";

const measured = fc.constantFrom(...calibration().codes.map(({ kind, rowBytes }) => ({ kind, rowBytes, dims: 384 })));

test("expected recall never falls as the raw figure rises, and is a share", () => {
  const share = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(
    fc.property(
      share,
      share,
      fc.integer({ min: 1, max: 300 }),
      fc.constantFrom(0, 20),
      measured,
      fc.constantFrom("exact" as const, "approx" as const),
      (a, b, k, n, coder, kind) => {
        const answer = { coder, k, recomputed: n, scores: kind };
        const [low, high] = [calibratedRecall(Math.min(a, b), answer), calibratedRecall(Math.max(a, b), answer)];
        expect(low).toBeGreaterThanOrEqual(0);
        expect(high).toBeGreaterThanOrEqual(low);
        expect(high).toBeLessThanOrEqual(1);
      },
    ),
    { seed: 5 },
  );
});
