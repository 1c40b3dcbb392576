import { expect, test } from "vitest";
import { LiveCalibration, usualSquare } from "../../../src/codes/plan.js";
import type { NativeCoder } from "../../../src/native/surface.js";

function coder(rowBytes: number): NativeCoder {
  return { kind: "pq", dims: 384, metric: "cosine", rowBytes } as NativeCoder;
}

const code = coder(51);
/** A first round of 16 whose misses are `times` the usual ones. */
const round = (times: number, of = code) => ({ count: 16, sumSquares: 16 * times ** 2 * usualSquare(of) });

function after(queries: number, times: number): number {
  const live = new LiveCalibration();
  for (let i = 0; i < queries; i++) live.observe(code, round(times));
  return live.scaleFor(code);
}

test("before any query, and after queries as usual, the bound stays as it is", () => {
  expect(after(0, 1)).toBe(1);
  expect(after(500, 1)).toBeCloseTo(1, 12);
});

test("it moves slowly at first and gets to what it sees", () => {
  expect(after(1, 1.5)).toBeCloseTo(Math.sqrt((64 + 16 * 2.25) / 80), 12);
  expect(after(1000, 1.5)).toBeCloseTo(1.5, 1);
  expect(after(1000, 0.7)).toBeCloseTo(0.7, 1);
});

test("it keeps between 0.5 and 2", () => {
  expect(after(1000, 2.9)).toBe(2);
  expect(after(1000, 0)).toBe(0.5);
});

test("one freak query hardly counts", () => {
  const live = new LiveCalibration();
  for (let i = 0; i < 200; i++) live.observe(code, round(1));
  live.observe(code, { count: 16, sumSquares: 1e12 });
  expect(live.scaleFor(code)).toBeLessThan(1.04);
});

test("it forgets: what has changed shows after a few hundred queries", () => {
  const live = new LiveCalibration();
  for (let i = 0; i < 2000; i++) live.observe(code, round(1.8));
  for (let i = 0; i < 600; i++) live.observe(code, round(1));
  expect(live.scaleFor(code)).toBeLessThan(1.1);
});

test("a query without a first round tells nothing", () => {
  const live = new LiveCalibration();
  live.observe(code, { count: 0, sumSquares: 0 });
  expect(live.scaleFor(code)).toBe(1);
});

test("another code starts afresh", () => {
  const live = new LiveCalibration();
  for (let i = 0; i < 100; i++) live.observe(code, round(1.8));
  const other = coder(99);
  expect(live.scaleFor(other)).toBe(1);
  live.observe(other, round(1, other));
  expect(live.scaleFor(other)).toBeCloseTo(1, 12);
  expect(live.scaleFor(code)).toBe(1);
});

test("coarser codes are usually further off", () => {
  const squares = [10, 27, 40, 51, 75, 99, 150, 195, 384, 1536].map((rowBytes) => usualSquare(coder(rowBytes)));
  expect(squares).toEqual([...squares].sort((a, b) => b - a));
  expect(squares.at(-1)).toBe(1);
});
