import { beforeAll, describe, expect, it } from "vitest";
import type { NativeIndex, NativeSearchOptions } from "../../../src/native/surface.js";
import { bruteForce, codebook, dims, feedAll, filledIndex, vectors } from "./corpus.js";

const usual: NativeSearchOptions = { k: 10, recall: 0.95, cap: 64, pool: 400 };
const none = new Uint32Array();

let index: NativeIndex;
let all: Float32Array;

beforeAll(async () => {
  ({ index, all } = await filledIndex(await codebook(), 700));
});

function rowsOf(nodes: Iterable<number>): Float32Array {
  return Float32Array.from([...nodes].flatMap((node) => [...all.subarray(node * dims, (node + 1) * dims)]));
}

/** Runs a search to its end; gives its result and the nodes it asked for. */
async function finished(query: Float32Array, options: Partial<NativeSearchOptions>) {
  const search = await index.search(query, { ...usual, ...options });
  const asked = feedAll(search, all);
  return { asked, ...search.result() };
}

describe("feeding", () => {
  it("takes the wanted nodes in any parts and gives the same result", async () => {
    for (const seed of [2, 3, 4]) {
      const query = vectors(1, seed);
      const { asked: _, ...expected } = await finished(query, {});
      for (const atOnce of [1, 3]) {
        const search = await index.search(query, usual);
        while (!search.done) {
          const wants = search.wants();
          const part = wants.slice(-atOnce);
          search.feed(part, rowsOf(part), none);
          if (wants.length > atOnce) expect(search.wants()).toEqual(wants.slice(0, -atOnce));
        }
        expect(search.result()).toEqual(expected);
      }
    }
  });

  it("of nothing changes nothing", async () => {
    const search = await index.search(vectors(1, 2), usual);
    const wants = search.wants();
    search.feed(none, new Float32Array(), none);
    expect(search.wants()).toEqual(wants);
  });

  it("of a node that has come already is refused", async () => {
    const search = await index.search(vectors(1, 2), usual);
    const first = search.wants().slice(0, 1);
    search.feed(first, rowsOf(first), none);
    expect(() => search.feed(first, rowsOf(first), none)).toThrow(RangeError);
    expect(() => search.feed(none, new Float32Array(), first)).toThrow(RangeError);
    expect(search.result().recomputed).toBe(1);
  });
});

describe("a cap below k", () => {
  it.each([0, 1, 7, 9, 10, 11])("of %i recomputes so many and fills up with estimates", async (cap) => {
    const { asked, nodes, scores, exact, estimates, recomputed, capped } = await finished(vectors(1, 2), { cap });
    expect(asked).toHaveLength(cap);
    expect(recomputed).toBe(cap);
    expect(capped).toBe(true);
    expect(nodes).toHaveLength(10);
    expect(exact.reduce((sum, one) => sum + one, 0)).toBe(Math.min(cap, 10));
    for (const [i, node] of nodes.entries()) {
      expect(exact[i]).toBe(asked.includes(node) ? 1 : 0);
      if (!exact[i]) expect(scores[i]).toBe(estimates[i]);
    }
    expect([...scores]).toEqual([...scores].sort((a, b) => b - a));
  });
});

describe("approximate scores", () => {
  it("recompute less and find the same nodes where nothing is left to chance", async () => {
    for (const seed of [11, 12, 13, 14]) {
      const query = vectors(1, seed);
      const options = { recall: 0.99999, cap: 700, pool: 700 };
      const full = await finished(query, options);
      const approx = await finished(query, { ...options, scores: "approx" });
      const best = bruteForce("cosine", query, all).slice(0, 10);
      expect(new Set(approx.nodes)).toEqual(new Set(best.map(({ node }) => node)));
      expect(approx.recomputed).toBeLessThanOrEqual(full.recomputed);
      expect(approx.asked).not.toEqual([]);
    }
  });

  it("take the best estimates where these are good enough", async () => {
    const approx = await finished(vectors(1, 2), { recall: 0.01, scores: "approx" });
    const estimates = await finished(vectors(1, 2), { cap: 0 });
    expect(approx.recomputed).toBe(0);
    expect(approx.exact.includes(1)).toBe(false);
    // Of estimates that tie nearly, a less certain one may be the likelier hit.
    expect(approx.expectedRecall).toBeGreaterThanOrEqual(estimates.expectedRecall);
    expect(approx.capped).toBe(false);
  });

  it("keep to the cap", async () => {
    const approx = await finished(vectors(1, 2), { recall: 1, scores: "approx", cap: 3 });
    expect(approx).toMatchObject({ recomputed: 3, capped: true });
    expect(approx.nodes).toHaveLength(10);
  });
});

describe("what a search says of itself", () => {
  it("sigmaScale widens the sigmas, and a search looks at more", async () => {
    const query = vectors(1, 2);
    const asIs = await finished(query, { cap: 0 });
    const wide = await finished(query, { cap: 0, sigmaScale: 2 });
    expect([...wide.sigmas]).toEqual([...asIs.sigmas].map((sigma) => 2 * sigma));
    expect(wide.expectedRecall).toBeLessThan(asIs.expectedRecall);
    const [narrow, wider] = [await finished(query, { cap: 700 }), await finished(query, { cap: 700, sigmaScale: 2 })];
    expect(wider.recomputed).toBeGreaterThan(narrow.recomputed);
  });

  it("leastChance looks at all that are so likely, and then goes on until the recall", async () => {
    const query = vectors(1, 2);
    const few = { recall: 0.4, cap: 700, pool: 700 };
    const asIs = await finished(query, few);
    const likely = await finished(query, { ...few, leastChance: 0.05 });
    expect(likely.recomputed).toBeGreaterThan(asIs.recomputed);
    const both = await finished(query, { ...few, recall: 0.999, leastChance: 0.05 });
    expect(both.expectedRecall).toBeGreaterThan(0.998);
  });

  it("raise goes on where the search had ended, and never looks twice", async () => {
    const search = await index.search(vectors(1, 2), { ...usual, recall: 0.5, cap: 700, pool: 700 });
    const before = feedAll(search, all);
    const { expectedRecall } = search.result();
    search.raise(0.4);
    expect(search.done).toBe(true);
    search.raise(0.99);
    const after = feedAll(search, all);
    expect(after.filter((node) => before.includes(node))).toEqual([]);
    expect(search.result().expectedRecall).toBeGreaterThan(Math.max(expectedRecall, 0.99 - 1e-6));
    for (const recall of [0, -1, 1.5, Number.NaN, "1"]) expect(() => search.raise(recall as number)).toThrow();
  });

  it("each hit tells how likely it is, and together they tell the expected recall", async () => {
    for (const scores of ["exact", "approx"] as const) {
      const { chances, nodes, expectedRecall } = await finished(vectors(1, 2), { scores });
      expect(chances).toHaveLength(nodes.length);
      expect(chances.reduce((sum, chance) => sum + chance, 0) / 10).toBeCloseTo(expectedRecall, 3);
    }
  });

  it("firstRound is the mean square of the first candidates' misses", async () => {
    const search = await index.search(vectors(1, 2), usual);
    const wants = search.wants();
    expect(search.result().firstRound).toEqual({ count: 0, sumSquares: 0 });
    search.feed(wants, rowsOf(wants), none);
    const estimates = (await index.search(vectors(1, 2), { ...usual, k: 400, cap: 0 })).result();
    const scores = new Map(bruteForce("cosine", vectors(1, 2), all).map(({ node, score }) => [node, score]));
    let expected = 0;
    for (const [i, node] of estimates.nodes.entries()) {
      if (!wants.includes(node)) continue;
      expected += ((scores.get(node)! - estimates.estimates[i]!) / estimates.sigmas[i]!) ** 2;
    }
    const { count, sumSquares } = search.result().firstRound;
    expect(count).toBe(wants.length);
    expect(sumSquares).toBeCloseTo(expected, 4);
    feedAll(search, all);
    expect(search.result().firstRound).toEqual({ count, sumSquares });
  });

  it("expects to have found all when all is exact, and less the less is", async () => {
    const query = vectors(1, 2);
    const recalls: number[] = [];
    for (const cap of [700, 40, 16, 0]) {
      recalls.push((await finished(query, { recall: 1, cap, pool: 700 })).expectedRecall);
    }
    expect(recalls[0]).toBe(1);
    expect(recalls).toEqual([...recalls].sort((a, b) => b - a));
    expect(recalls.at(-1)).toBeGreaterThan(0);
    expect(recalls.at(-1)).toBeLessThan(0.999);
  });

  it("an empty answer lacks nothing", async () => {
    const search = await index.search(vectors(1, 2), { ...usual, filter: new Uint8Array() });
    expect(search.result()).toMatchObject({ capped: false, expectedRecall: 1, dismissed: 0 });
  });
});
