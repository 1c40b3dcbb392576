import { describe, expect, it } from "vitest";
import type { HitExplanation } from "../../../src/api/search.js";
import type { NativeCoder } from "../../../src/native/surface.js";
import {
  excessOf,
  isImpossible,
  isRounding,
  largestScore,
  MOST_WIDENED,
  ScoreCheck,
} from "../../../src/search/score_check.js";

const coder = { rowBytes: 384, dims: 384 } as NativeCoder; // usual mean square 1
const other = { rowBytes: 27, dims: 384 } as NativeCoder; // usual mean square 5.2

const hits = (...pairs: [estimate: number | undefined, exact: number | undefined][]): HitExplanation[] =>
  pairs.map(([estimate, exact]) => ({
    estimate,
    sigma: 0.01,
    chance: undefined,
    exact,
    source: "recompute",
    keyword: undefined,
  }));

describe("the model is doubted", () => {
  it("when errors stay four times as large as usual, not for one odd question", () => {
    const doubt = new ScoreCheck();
    expect(doubt.observe(coder, { count: 16, sumSquares: 16 * 30 })).toBe(false); // too few to tell
    for (let i = 0; i < 10; i++) expect(doubt.observe(coder, { count: 16, sumSquares: 16 })).toBe(false);
  });

  it("as soon as there are enough, and then afresh", () => {
    const doubt = new ScoreCheck();
    const verdicts = Array.from({ length: 6 }, () => doubt.observe(coder, { count: 16, sumSquares: 16 * 4.5 }));
    expect(verdicts).toEqual([false, false, true, false, false, true]);
  });

  it("in units of what is usual for the code", () => {
    const doubt = new ScoreCheck();
    for (let i = 0; i < 20; i++) expect(doubt.observe(other, { count: 16, sumSquares: 16 * 4.5 })).toBe(false);
  });

  it("never by searches that compared nothing", () => {
    const doubt = new ScoreCheck();
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

describe("an error is rounding", () => {
  it("below what float16 factors keep of the largest score that such vectors can have", () => {
    const question = Float32Array.of(3, 4);
    const far = [Float32Array.of(0, 1), Float32Array.of(6, 8)];
    expect(largestScore("cosine", question, far)).toBe(1);
    expect(largestScore("ip", question, far)).toBe(50);
    expect(largestScore("l2", question, far)).toBe(225);
    expect(isRounding(hits([-0.1, 0], [0, -0.1]), 225)).toBe(true);
    expect(isRounding(hits([-0.2, 0], [0, -0.2]), 225)).toBe(false);
  });

  it("only where there are errors: estimates alone say nothing", () => {
    expect(isRounding(hits([0.5, undefined]), 1)).toBe(false);
  });
});

describe("errors of a code whose model was proved", () => {
  const off = hits([0.9, 0], [0.9, 0.1], [0.8, 0], [0.8, 0]); // 85 times what they claim

  it("are taken as large as they were seen, by searches with the same code", () => {
    const doubt = new ScoreCheck();
    expect(doubt.scaleFor(coder)).toBe(1);
    expect(excessOf(coder, off)).toBeCloseTo(82.6, 0);
    expect(doubt.widen(coder, off)).toBe(true);
    expect(doubt.scaleFor(coder)).toBeCloseTo(82.6, 0);
    expect(doubt.scaleFor(other)).toBe(1);
    // What the wider errors cover is no reason to ask the canaries again.
    for (let i = 0; i < 10; i++) expect(doubt.observe(coder, { count: 16, sumSquares: 16 * 82 ** 2 })).toBe(false);
  });

  it("are widened to a limit, and a code without errors cannot be widened", () => {
    const doubt = new ScoreCheck();
    const sure = off.map((hit) => ({ ...hit, sigma: 0 }));
    expect(doubt.widen(coder, sure)).toBe(true);
    expect(doubt.scaleFor(coder)).toBe(MOST_WIDENED);
    expect(doubt.widen(coder, sure)).toBe(false);
  });
});
