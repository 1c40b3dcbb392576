import fc from "fast-check";
import { expect, test } from "vitest";
import { LruCache } from "../../../src/base/lru.js";

test("what was used longest ago goes first", () => {
  const cache = new LruCache<string, number>(3, () => 1);
  for (const [key, value] of [
    ["a", 1],
    ["b", 2],
    ["c", 3],
  ] as const)
    cache.set(key, value);
  cache.get("a");
  cache.set("d", 4);
  expect([cache.get("a"), cache.get("b"), cache.get("c"), cache.get("d")]).toEqual([1, undefined, 3, 4]);
});

test("a value heavier than the whole capacity is not kept and pushes nothing out", () => {
  const cache = new LruCache<string, number>(10, (value) => value);
  cache.set("a", 6);
  cache.set("b", 11);
  expect([cache.get("a"), cache.get("b")]).toEqual([6, undefined]);
});

test("with capacity 0 nothing is kept", () => {
  const cache = new LruCache<string, number>(0, () => 1);
  cache.set("a", 1);
  expect(cache.size).toBe(0);
});

test("it never weighs more than its capacity and never answers an old value", () => {
  const step = fc.record({ key: fc.integer({ min: 0, max: 9 }), weight: fc.integer({ min: 0, max: 7 }) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), fc.integer({ min: 0, max: 20 }), (steps, capacity) => {
      const cache = new LruCache<number, { weight: number; at: number }>(capacity, ({ weight }) => weight);
      const newest = new Map<number, number>();
      steps.forEach(({ key, weight }, at) => {
        cache.set(key, { weight, at });
        newest.set(key, at);
        let total = 0;
        for (let k = 0; k < 10; k++) {
          const value = cache.get(k);
          if (value === undefined) continue;
          expect(value.at).toBe(newest.get(k));
          total += value.weight;
        }
        expect(total).toBeLessThanOrEqual(capacity);
      });
    }),
    { seed: 7, numRuns: 100 },
  );
});
