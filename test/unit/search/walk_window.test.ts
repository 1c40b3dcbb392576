import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { shareMet, windowFor } from "../../../src/search/walk.js";

const graph = { kind: "vamana", count: 50_000, edges: 50_000 * 30.45 } as const;
const graphs = fc.record({
  kind: fc.constantFrom("vamana" as const, "hnsw" as const),
  count: fc.integer({ min: 1, max: 5_000_000 }),
  degree: fc.double({ min: 0, max: 128, noNaN: true }),
});
const share = fc.double({ min: 0.5, max: 0.999, noNaN: true });
const ks = fc.integer({ min: 1, max: 2000 });
const traits = ({ kind, count, degree }: { kind: "vamana" | "hnsw"; count: number; degree: number }) => ({
  kind,
  count,
  edges: count * degree,
});

describe("the window of a walk", () => {
  it("holds at least k, and grows with the share, with k and with the nodes", () => {
    fc.assert(
      fc.property(graphs, ks, ks, share, share, (one, k, l, a, b) => {
        const window = windowFor(traits(one), k, a);
        expect(window).toBeGreaterThanOrEqual(k);
        expect(Number.isInteger(window)).toBe(true);
        expect(windowFor(traits(one), k, Math.max(a, b))).toBeGreaterThanOrEqual(window);
        expect(windowFor(traits(one), Math.max(k, l), a)).toBeGreaterThanOrEqual(window);
        expect(windowFor(traits({ ...one, count: 2 * one.count }), k, a)).toBeGreaterThanOrEqual(window);
      }),
      { seed: 3 },
    );
  });

  it("grows as edges get fewer, and is wider for hnsw", () => {
    const widths = [64, 30.45, 20, 12].map((degree) => windowFor({ ...graph, edges: 50_000 * degree }, 10, 0.95));
    expect(widths).toEqual([...widths].sort((a, b) => a - b));
    expect(new Set(widths).size).toBe(4);
    expect(windowFor({ ...graph, kind: "hnsw" }, 10, 0.95)).toBeGreaterThan(windowFor(graph, 10, 0.95));
  });

  it("of a graph without edges is a number still", () => {
    expect(windowFor({ kind: "vamana", count: 1, edges: 0 }, 10, 0.95)).toBeGreaterThanOrEqual(10);
    expect(shareMet({ kind: "vamana", count: 1, edges: 0 }, 10, 5)).toBe(1);
  });
});

describe("the share that a walk meets", () => {
  it("is the share that its window was made for, or a little more", () => {
    fc.assert(
      fc.property(graphs, ks, share, (one, k, asked) => {
        const window = windowFor(traits(one), k, asked);
        if (window >= one.count) return;
        // The window is a whole number and holds k, so it may meet more.
        expect(shareMet(traits(one), k, window)).toBeGreaterThanOrEqual(asked - 1e-6);
        if (asked > 0.9 && window > k && window > 200 && one.count >= 50_000)
          expect(shareMet(traits(one), k, window)).toBeLessThan(asked + 0.3 * (1 - asked) + 0.03);
      }),
      { seed: 4 },
    );
  });

  it("is a share, grows with the window, and is all when the window holds every node", () => {
    fc.assert(
      fc.property(graphs, ks, fc.integer({ min: 1, max: 5000 }), fc.integer({ min: 1, max: 5000 }), (one, k, a, b) => {
        const [low, high] = [Math.min(a, b), Math.max(a, b)].map((window) => shareMet(traits(one), k, window));
        expect(low).toBeGreaterThanOrEqual(0.5);
        expect(high).toBeGreaterThanOrEqual(low!);
        expect(high).toBeLessThanOrEqual(1);
        expect(shareMet(traits(one), k, one.count)).toBe(1);
      }),
      { seed: 5 },
    );
  });
});
