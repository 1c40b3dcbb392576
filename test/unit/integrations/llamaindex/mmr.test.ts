import { maximalMarginalRelevance } from "@langchain/core/utils/math";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { diverse } from "../../../../integrations/llamaindex/mmr.js";
import type { Hit } from "../../../../src/index.js";

const cosine = (a: number[], b: number[]) =>
  a.reduce((sum, x, i) => sum + x * b[i]!, 0) / (Math.hypot(...a) * Math.hypot(...b));
const hit = (id: string, score: number, vector?: number[]): Hit => ({
  id,
  text: id,
  metadata: {},
  score,
  ...(vector && { vector: Float32Array.from(vector) }),
});
const component = fc.integer({ min: -1000, max: 1000 }).map((n) => n / 100 + 0.001);
const vector = fc.array(component, { minLength: 4, maxLength: 4 });

describe("maximal marginal relevance", () => {
  it("chooses what LangChain's own chooses", () => {
    const given = fc.record({
      question: vector,
      vectors: fc.array(vector, { maxLength: 12 }),
      threshold: fc.constantFrom(0.1, 0.3, 0.5, 0.9, 1),
      k: fc.integer({ min: 1, max: 14 }),
    });
    fc.assert(
      fc.property(given, ({ question, vectors, threshold, k }) => {
        const near = vectors.toSorted((a, b) => cosine(question, b) - cosine(question, a));
        const hits = near.map((one, i) => hit(String(i), cosine(question, one), one));
        const theirs = near.length === 0 ? [] : maximalMarginalRelevance(question, near, threshold, k);
        expect(diverse(hits, k, threshold).map(({ id }) => Number(id))).toEqual(theirs);
      }),
      { numRuns: 300, seed: 11 },
    );
  });

  it("passes over hits without a vector, and takes the first of equals", () => {
    const hits = [hit("a", 0.9), hit("b", 0.8, [1, 0]), hit("c", 0.8, [1, 0]), hit("d", 0.1, [0, 1])];
    expect(diverse(hits, 9, 1).map(({ id }) => id)).toEqual(["b", "c", "d"]);
    expect(diverse(hits, 2, 0).map(({ id }) => id)).toEqual(["b", "d"]);
    expect(diverse(hits, 2, 0).map(({ score }) => score)).toEqual([0.8, 0.1]);
    expect(diverse([], 3, 0.5)).toEqual([]);
  });

  it("compares with all that is chosen, not with the last alone", () => {
    const hits = [hit("a", 0.9, [1, 0]), hit("b", 0.8, [0, 1]), hit("a again", 0.89, [1, 0.01]), hit("c", 0.7, [1, 1])];
    expect(diverse(hits, 3, 0.5).map(({ id }) => id)).toEqual(["a", "b", "c"]);
  });
});
