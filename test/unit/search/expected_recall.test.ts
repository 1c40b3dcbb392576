import fc from "fast-check";
import { expect, test } from "vitest";
import { calibratedRecall, type RecallContext } from "../../../src/search/expected_recall.js";

const context: fc.Arbitrary<RecallContext> = fc.record({
  coder: fc.record({
    kind: fc.constantFrom("pq", "lvq", "leanvec", "int8"),
    dims: fc.constant(384),
    rowBytes: fc.integer({ min: 8, max: 1544 }),
  }),
  k: fc.integer({ min: 1, max: 1000 }),
  eps: fc.double({ min: -1, max: 3, noNaN: true }),
  scores: fc.constantFrom("exact", "approx"),
  cut: fc.boolean(),
});
const share = fc.double({ min: 0, max: 1, noNaN: true });

test("it is a share, rises with the raw figure, and is 1 for what is certain", () => {
  fc.assert(
    fc.property(context, share, share, (of, a, b) => {
      const [low, high] = a < b ? [a, b] : [b, a];
      expect(calibratedRecall(low, of)).toBeGreaterThanOrEqual(0);
      expect(calibratedRecall(high, of)).toBeLessThanOrEqual(1);
      expect(calibratedRecall(low, of)).toBeLessThanOrEqual(calibratedRecall(high, of));
      expect(calibratedRecall(1, of)).toBe(1);
    }),
    { seed: 5 },
  );
});
