import { describe, expect, it } from "vitest";
import type { NativeCoder } from "../../../src/native.js";
import { isImpossible, ModelDoubt } from "../../../src/search/model_doubt.js";
import type { HitExplanation } from "../../../src/types.js";

const coder = { rowBytes: 384, dims: 384 } as NativeCoder; // usual mean square 1
const other = { rowBytes: 27, dims: 384 } as NativeCoder; // usual mean square 5.2

const hits = (...pairs: [estimate: number | undefined, exact: number | undefined][]): HitExplanation[] =>
  pairs.map(([estimate, exact]) => ({
    estimate,
    sigma: 0.01,
    bound: undefined,
    exact,
    source: "recompute",
    keyword: undefined,
  }));

describe("the model is doubted", () => {
  it("when errors stay four times as large as usual, not for one odd question", () => {
    const doubt = new ModelDoubt();
    expect(doubt.observe(coder, { count: 16, sumSquares: 16 * 30 })).toBe(false); // too few to tell
    for (let i = 0; i < 10; i++) expect(doubt.observe(coder, { count: 16, sumSquares: 16 })).toBe(false);
  });

  it("as soon as there are enough, and then afresh", () => {
    const doubt = new ModelDoubt();
    const verdicts = Array.from({ length: 6 }, () => doubt.observe(coder, { count: 16, sumSquares: 16 * 4.5 }));
    expect(verdicts).toEqual([false, false, true, false, false, true]);
  });

  it("in units of what is usual for the code", () => {
    const doubt = new ModelDoubt();
    for (let i = 0; i < 20; i++) expect(doubt.observe(other, { count: 16, sumSquares: 16 * 4.5 })).toBe(false);
  });

  it("never by searches that compared nothing", () => {
    const doubt = new ModelDoubt();
    for (let i = 0; i < 100; i++) expect(doubt.observe(coder, { count: 0, sumSquares: 0 })).toBe(false);
  });
});

describe("an answer is impossible", () => {
  it("when its hits are far from their codes", () => {
    expect(isImpossible(coder, hits([0.5, 0.1], [0.4, 0.1], [0.4, 0.05], [0.3, 0]))).toBe(true);
    expect(isImpossible(coder, hits([0.5, 0.48], [0.4, 0.41], [0.4, 0.39], [0.3, 0.33]))).toBe(false);
  });

  it("not by three hits, nor by estimates alone, nor by words", () => {
    expect(isImpossible(coder, hits([0.5, 0.1], [0.4, 0.1], [0.4, 0.05]))).toBe(false);
    expect(isImpossible(coder, hits([0.5, undefined], [0.4, undefined], [undefined, 0.4], [0.2, undefined]))).toBe(
      false,
    );
  });

  it("not where the code claims to be more exact than models are from machine to machine", () => {
    const precise = hits([0.5, 0.51], [0.4, 0.39], [0.4, 0.41], [0.3, 0.29]).map((hit) => ({ ...hit, sigma: 1e-5 }));
    expect(isImpossible(coder, precise)).toBe(false);
  });
});
