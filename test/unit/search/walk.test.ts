import { describe, expect, it } from "vitest";
import { planSearch } from "../../../src/codes/plan.js";
import type { NativeGraph, NativeIndex } from "../../../src/native/surface.js";
import { searchIndex } from "../../../src/search/session.js";
import { chooseWalk, shareMet, shareOfWalk, windowFor } from "../../../src/search/walk.js";
import { addon, codebook, filledIndex } from "../native/corpus.js";
import { vectorIndex } from "../native/graphs.js";

const usual = { asked: undefined, k: 10, recall: 0.95, maxRecomputes: undefined, allowed: undefined };
/** Only its traits are looked at. */
const sizedGraph = (count: number, degree = 30) => ({ kind: "vamana", count, edges: count * degree }) as NativeGraph;
const graph = sizedGraph(1);
/** Only its counts and the kind of its rows are looked at. */
const sized = (live: number, kind = "pq") => ({ live, count: live, coder: { kind } }) as NativeIndex;

describe("a search walks", () => {
  it("never without a graph, and never when a scan is asked for", () => {
    expect(chooseWalk(sized(1e7), undefined, { ...usual, asked: { window: 50 } })).toEqual({});
    expect(chooseWalk(sized(1e7), graph, { ...usual, asked: "scan" })).toEqual({});
  });

  it("by itself only where it looks at fewer codes than a scan", () => {
    const { searchWindow = 0 } = chooseWalk(sized(1e6), graph, usual);
    const looks = 20 * searchWindow;
    expect(chooseWalk(sized(looks), graph, usual)).toEqual({});
    expect(chooseWalk(sized(looks + 1), graph, usual)).toEqual({ mode: "guided", graph, searchWindow });
    // Of allowed nodes a walk meets as many times more as they are rarer, a scan only themselves.
    const enough = Math.ceil(Math.sqrt(looks * 1e6));
    expect(chooseWalk(sized(1e6), graph, { ...usual, allowed: enough - 1 })).toEqual({});
    expect(chooseWalk(sized(1e6), graph, { ...usual, allowed: enough + 1 }).mode).toBe("guided");
    expect(chooseWalk(sized(1e6), graph, { ...usual, allowed: 0 })).toEqual({});
    // Nodes with fewer edges have fewer neighbors to look at.
    const thin = sizedGraph(1e5, 15);
    const wide = chooseWalk(sized(1e7), thin, usual).searchWindow ?? 0;
    expect(chooseWalk(sized(Math.max(1e5, 10 * wide + 1)), thin, usual).mode).toBe("guided");
  });
});

describe("a walk is as wide", () => {
  const whole = sizedGraph(50_000);
  const width = (index: NativeIndex, asked: object) =>
    chooseWalk(index, whole, { ...usual, asked: { mode: "guided" }, ...asked }).searchWindow;

  it("on codes as half a percent less than a scan takes, or half of what may be missed", () => {
    for (const kind of ["pq", "lvq", "leanvec"]) {
      const index = sized(50_000, kind);
      expect(width(index, {})).toBe(windowFor(whole, 10, 0.995));
      expect(width(index, { recall: 0.8 })).toBe(windowFor(whole, 10, 0.995));
      expect(width(index, { recall: 0.996 })).toBe(windowFor(whole, 10, 0.998));
      expect(width(index, { k: 3000 })).toBe(windowFor(whole, 3000, 0.995));
    }
  });

  it("on vectors as the recall takes", () => {
    for (const kind of ["float32", "float16", "lvq8", "int8"]) {
      for (const recall of [0.5, 0.95, 0.99]) {
        expect(width(sized(50_000, kind === "lvq8" ? "lvq8" : kind), { recall })).toBe(windowFor(whole, 10, recall));
      }
    }
  });

  it("as the recall takes when it recomputes what it meets", () => {
    for (const mode of ["exact", "two-level"] as const) {
      for (const recall of [0.9, 0.99]) {
        expect(width(sized(50_000), { recall, asked: { mode } })).toBe(windowFor(whole, 10, recall));
      }
    }
  });

  it("as the living need: dead nodes have no edges", () => {
    const halfDead = { live: 50_000, count: 100_000, coder: { kind: "pq" } } as NativeIndex;
    const before = { kind: "vamana", count: 100_000, edges: 50_000 * 30 } as NativeGraph;
    const walk = chooseWalk(halfDead, before, { ...usual, asked: { mode: "guided" } });
    expect(walk.searchWindow).toBe(windowFor(whole, 10, 0.995));
  });

  it("as the caller says", () => {
    expect(width(sized(50_000), { asked: { window: 7 } })).toBe(7);
  });

  it("and goes to its window's end when it recomputes what it meets, unless it is limited", () => {
    const asked = { mode: "two-level", ratio: 0.3, strategy: "local", window: 64 } as const;
    const walk = { mode: "two-level", graph, searchWindow: 64, ratio: 0.3, strategy: "local" };
    expect(chooseWalk(sized(500), graph, { ...usual, asked })).toEqual({ ...walk, cap: 500 });
    expect(chooseWalk(sized(500), graph, { ...usual, asked, maxRecomputes: 20 })).toEqual({ ...walk, cap: 20 });
  });
});

describe("of a walk over 300 nodes", () => {
  it("the options are such as a search takes", async () => {
    const { index, all } = await filledIndex(await codebook(), 300);
    const built = await addon.buildGraph(index, { kind: "vamana" });
    const walk = chooseWalk(index, built, { ...usual, asked: { window: 60 } });
    const query = all.slice(0, index.coder.dims);
    const session = await index.search(query, { k: 5, cap: 0, pool: 100, ...walk });
    expect(session.result().nodes[0]).toBe(0);
    expect(session.scanned).toBeLessThan(300);
  });

  it("the expected recall counts what it does not meet", async () => {
    const { all } = await filledIndex(await codebook(), 300);
    const index = await vectorIndex(all, "cosine");
    const built = await addon.buildGraph(index, { kind: "vamana" });
    const query = all.slice(0, index.coder.dims);
    const source = {
      vectorsOf: async (nodes: readonly number[]) => ({
        vectors: nodes.map((node) => all.slice(node * index.coder.dims, (node + 1) * index.coder.dims)),
        sources: nodes.map(() => "kept" as const),
        embedded: 0,
        readMs: 0,
      }),
    };
    const expectedRecall = async (asked: { window: number } | "scan") => {
      const walk = chooseWalk(index, built, { ...usual, asked });
      const plan = planSearch(10, 0.95, { code: index.coder });
      return (await searchIndex(index, query, { k: 10, plan, source, walk })).expectedRecall!;
    };
    const scan = await expectedRecall("scan");
    expect(scan).toBeGreaterThan(0.99);
    expect(await expectedRecall({ window: 12 })).toBeCloseTo(scan * shareMet(built, 10, 12), 10);
    expect(await expectedRecall({ window: 12 })).toBeLessThan(await expectedRecall({ window: 60 }));
    expect(await expectedRecall({ window: 300 })).toBe(scan);
    expect(shareOfWalk({}, index, 10)).toBe(1);
  });
});
