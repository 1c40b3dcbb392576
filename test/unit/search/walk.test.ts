import { describe, expect, it } from "vitest";
import type { NativeGraph, NativeIndex } from "../../../src/native.js";
import { chooseWalk } from "../../../src/search/walk.js";
import { addon, codebook, filledIndex } from "../native/corpus.js";

const usual = { asked: undefined, k: 10, cap: 64, maxRecomputes: undefined, allowed: undefined };
const graph = { count: 1 } as NativeGraph;
/** Only its counts are looked at. */
const sized = (live: number, count = live) => ({ live, count }) as NativeIndex;

describe("a search walks", () => {
  it("never without a graph, and never when a scan is asked for", () => {
    expect(chooseWalk(sized(1e7), undefined, { ...usual, asked: { window: 50 } })).toEqual({});
    expect(chooseWalk(sized(1e7), graph, { ...usual, asked: "scan" })).toEqual({});
  });

  it("never over a graph that knows more nodes than the rows in memory", () => {
    const ahead = { count: 501 } as NativeGraph;
    expect(chooseWalk(sized(500), ahead, { ...usual, asked: { window: 50 } })).toEqual({});
    expect(chooseWalk(sized(501), ahead, { ...usual, asked: { window: 50 } }).mode).toBe("guided");
  });

  it("by itself only where it looks at fewer codes than a scan", () => {
    expect(chooseWalk(sized(8000), graph, usual)).toEqual({});
    expect(chooseWalk(sized(8001), graph, usual)).toEqual({ mode: "guided", graph, searchWindow: 400 });
    // Of a million, 90,000 allowed are worth a walk, 80,000 are scanned sooner.
    expect(chooseWalk(sized(1e6), graph, { ...usual, allowed: 80_000 })).toEqual({});
    expect(chooseWalk(sized(1e6), graph, { ...usual, allowed: 90_000 }).mode).toBe("guided");
    expect(chooseWalk(sized(1e6), graph, { ...usual, allowed: 0 })).toEqual({});
  });

  it("as wide as the recomputes and the hits need", () => {
    expect(chooseWalk(sized(1e6), graph, { ...usual, cap: 500 }).searchWindow).toBe(1000);
    expect(chooseWalk(sized(1e6), graph, { ...usual, k: 3000 }).searchWindow).toBe(3000);
    expect(chooseWalk(sized(10), graph, { ...usual, asked: { window: 7 } }).searchWindow).toBe(7);
  });

  it("to its window's end when it recomputes what it meets, unless it is limited", () => {
    const asked = { mode: "two-level", ratio: 0.3, strategy: "local" } as const;
    const walk = { mode: "two-level", graph, searchWindow: 64, ratio: 0.3, strategy: "local" };
    expect(chooseWalk(sized(500), graph, { ...usual, asked })).toEqual({ ...walk, cap: 500 });
    expect(chooseWalk(sized(500), graph, { ...usual, asked, maxRecomputes: 20 })).toEqual({ ...walk, cap: 20 });
  });
});

it("makes options that a search takes", async () => {
  const { index, all } = await filledIndex(await codebook(), 300);
  const built = await addon.buildGraph(index, { kind: "vamana" });
  const walk = chooseWalk(index, built, { ...usual, asked: { window: 60 } });
  const query = all.slice(0, index.coder.dims);
  const session = await index.search(query, { k: 5, eps: 0.5, batch: 8, cap: 0, pool: 100, ...walk });
  expect(session.result().nodes[0]).toBe(0);
  expect(session.scanned).toBeLessThan(300);
});
