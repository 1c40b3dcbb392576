import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { inBatches } from "../../../src/base/concurrency.js";

describe("inBatches", () => {
  it("gives every item once, in order, in batches of the size", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(40),
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 1, max: 5 }),
        async (n, size, lanes) => {
          const items = Array.from({ length: n }, (_, i) => i);
          const starts: number[] = [];
          const seen: number[] = [];
          let under = 0;
          await inBatches(items, { size, lanes }, async (batch) => {
            expect(++under).toBeLessThanOrEqual(lanes);
            starts.push(batch.start);
            await Promise.resolve();
            for (const [i, item] of batch.items.entries()) seen[batch.start + i] = item;
            under--;
          });
          expect(seen).toEqual(items);
          expect(starts).toEqual(Array.from({ length: Math.ceil(n / size) }, (_, i) => i * size));
        },
      ),
    );
  });

  it("fires the others' signal at the first failure and throws that", async () => {
    const stopped: number[] = [];
    const running = inBatches([0, 1, 2, 3, 4], { size: 1, lanes: 3 }, ({ start }, signal) =>
      start === 1
        ? Promise.reject(new Error("one"))
        : new Promise((_, reject) =>
            signal.addEventListener("abort", () => {
              stopped.push(start);
              reject(signal.reason);
            }),
          ),
    );
    await expect(running).rejects.toThrow("one");
    expect(stopped).toEqual([0, 2]);
  });
});
