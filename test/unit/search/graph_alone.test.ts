import { describe, expect, it } from "vitest";
import type { NativeGraph, NativeIndex } from "../../../src/native/surface.js";
import { walkWithoutCodes } from "../../../src/search/walk.js";

const usual = {
  asked: undefined,
  k: 10,
  recall: 0.95,
  scores: "exact",
  maxRecomputes: undefined,
  allowed: undefined,
} as const;
/** 30 edges a node: 20 nodes are met for each of the window. */
const graph = { kind: "vamana", count: 1000, edges: 30_000 } as NativeGraph;
/** Only its counts are looked at. */
const sized = (live: number, count = live) => ({ live, count }) as NativeIndex;

describe("without codes", () => {
  it("a search walks where that meets fewer passages than there are", () => {
    expect(walkWithoutCodes(sized(1e6), graph, usual)).toMatchObject({ mode: "exact", graph, cap: 1e6 });
    const few = walkWithoutCodes(sized(500), graph, usual);
    expect(few).toMatchObject({ mode: "exact", cap: 500 });
    expect(few.graph).toBeUndefined();
  });

  it("it weighs what a filter lets through against what a walk would pass", () => {
    // A walk with window 10 meets 200 of a million allowed ones, ten times as many when every tenth is allowed.
    const asked = { window: 10 };
    const among = (allowed: number) => walkWithoutCodes(sized(1e6), graph, { ...usual, asked, allowed }).graph;
    expect(among(14_000)).toBeUndefined();
    expect(among(14_200)).toBe(graph);
    expect(among(0)).toBeUndefined();
  });

  it("it goes to the end of its window, unless it is limited", () => {
    const asked = { mode: "exact", window: 77 } as const;
    expect(walkWithoutCodes(sized(1e6), graph, { ...usual, asked }).searchWindow).toBe(77);
    expect(walkWithoutCodes(sized(1e6), graph, { ...usual, asked, maxRecomputes: 12 }).cap).toBe(12);
    const wide = walkWithoutCodes(sized(1e6), graph, { ...usual, k: 500 });
    expect(wide.searchWindow).toBeGreaterThanOrEqual(500);
  });
});
