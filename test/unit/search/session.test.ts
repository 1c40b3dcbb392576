import { setTimeout as sleep } from "node:timers/promises";
import { beforeAll, expect, test } from "vitest";
import { planSearch } from "../../../src/codes/plan.js";
import type { ExactVectors, NodeVectors } from "../../../src/memory/vectors.js";
import type { NativeIndex } from "../../../src/native/surface.js";
import { Deadline, searchIndex } from "../../../src/search/session.js";
import { stoppedTimers, until } from "../../support/clock.js";
import { codebook, dims, filledIndex, vectors } from "../native/corpus.js";

const FOREVER_MS = 2 ** 30;

let index: NativeIndex;
let all: Float32Array;
const query = vectors(1, 2);
/** Of a search that goes on to its cap. */
const plan = { ...planSearch(10, 0.95), recall: 1, cap: 40 };

/** Nodes that the first round asks for. */
let first: Uint32Array;

beforeAll(async () => {
  ({ index, all } = await filledIndex(await codebook(), 500));
  first = (await index.search(query, { k: 10, ...plan })).wants();
});

/** A source that tells what it was asked. */
function recording({
  delay = 0,
  answers = Number.POSITIVE_INFINITY,
  lanes,
  gone = [] as number[],
}: {
  /** Milliseconds that each call takes. */
  delay?: number;
  /** Calls that are answered; later ones end with their signal. */
  answers?: number;
  /** What it says of itself. */
  lanes?: number;
  gone?: number[];
} = {}) {
  const calls: number[][] = [];
  let underWay = 0;
  const state = { calls, peak: 0, aborted: 0 };
  const source: ExactVectors = {
    async vectorsOf(nodes, signal): Promise<NodeVectors> {
      calls.push([...nodes]);
      underWay += nodes.length;
      state.peak = Math.max(state.peak, underWay);
      try {
        const wait = calls.length > answers ? FOREVER_MS : delay;
        if (wait > 0) await sleep(wait, undefined, signal ? { signal } : {});
      } catch (error) {
        state.aborted++;
        throw error;
      } finally {
        underWay -= nodes.length;
      }
      return {
        vectors: nodes.map((node) => (gone.includes(node) ? undefined : all.slice(node * dims, (node + 1) * dims))),
        sources: nodes.map((node) => (gone.includes(node) ? undefined : ("kept" as const))),
        embedded: nodes.length,
        readMs: 2 ** -12,
      };
    },
    ...(lanes !== undefined && { lanes: async () => lanes }),
  };
  return { source, state };
}

test("without a deadline a round is asked for at once", async () => {
  const { source, state } = recording({ lanes: 2 });
  const found = await searchIndex(index, query, { k: 10, plan, source });
  expect(state.calls[0]).toEqual([...first]);
  expect(state.calls.length).toBeGreaterThan(1);
  expect(found.cost.recomputed).toBe(plan.cap);
  expect(found.cost.readMs).toBeCloseTo(2 ** -12 * state.calls.length, 10);
  expect(found.cost.recomputeMs).toBeGreaterThanOrEqual(0);
});

test.each([1, 3, 64])(
  "with a deadline each vector comes by itself, %i at a time, to the same answer",
  async (lanes) => {
    const deadline = new Deadline(60_000);
    const { source, state } = recording({ lanes, delay: 1 });
    const found = await searchIndex(index, query, { k: 10, plan, source, deadline });
    deadline.end();
    expect(state.peak).toBe(Math.min(lanes, Math.max(first.length, plan.cap - first.length)));
    expect(state.calls.every((call) => call.length === 1)).toBe(true);
    const { cost: _, ...unhurried } = await searchIndex(index, query, { k: 10, plan, source: recording().source });
    expect(found).toMatchObject({ ...unhurried, vectors: expect.anything() });
    expect(new Set(found.vectors.keys())).toEqual(new Set(unhurried.vectors.keys()));
  },
);

test("a source that has its vectors ready is asked for a round at once, deadline or not", async () => {
  const deadline = new Deadline(60_000);
  const { source, state } = recording();
  await searchIndex(index, query, { k: 10, plan, source, deadline });
  deadline.end();
  expect(state.calls[0]).toEqual([...first]);
});

test("at the deadline what has come counts, and what is under way is abandoned", async () => {
  const { source, state } = recording({ lanes: 2, answers: 5 });
  const pass = stoppedTimers();
  const searching = searchIndex(index, query, { k: 10, plan, source, deadline: new Deadline(600_000) });
  await until(() => state.calls.length === 7);
  pass(600_000);
  const found = await searching;
  const exact = found.explanations.filter((one) => one.exact !== undefined);
  expect(found.nodes).toHaveLength(10);
  expect(found.cost).toMatchObject({ recomputed: 5, embedded: 5 });
  expect(found.vectors.size).toBe(5);
  expect(exact).toHaveLength(5);
  expect([state.aborted, state.calls.length]).toEqual([2, 7]);
});

test("a deadline that is over asks for nothing", async () => {
  const { source, state } = recording({ lanes: 2 });
  const found = await searchIndex(index, query, { k: 10, plan, source, deadline: new Deadline(0) });
  expect(state.calls).toEqual([]);
  expect(found.explanations.map(({ exact, source }) => [exact, source])).toEqual(Array(10).fill([undefined, "none"]));
  expect(found.expectedRecall).toBeGreaterThan(0);
  expect(found.expectedRecall).toBeLessThan(1);
});

test("an abort before the deadline is an abort", async () => {
  const { source } = recording({ lanes: 2, delay: 30 });
  const deadline = new Deadline(60_000);
  const signal = AbortSignal.timeout(10);
  await expect(searchIndex(index, query, { k: 10, plan, source, deadline, signal })).rejects.toMatchObject({
    code: "ABORTED",
  });
  deadline.end();
});

test("a node that is gone is left out, and the search goes on with the next", async () => {
  const gone = [first[0]!, first[3]!];
  for (const deadline of [undefined, new Deadline(60_000)]) {
    const found = await searchIndex(index, query, {
      k: 10,
      plan,
      source: recording({ lanes: 4, gone }).source,
      deadline,
    });
    deadline?.end();
    expect(found.cost.recomputed).toBe(plan.cap);
    for (const node of gone) expect(found.nodes).not.toContain(node);
  }
});

test("explanations tell estimate, exact score, source and chance", async () => {
  const found = await searchIndex(index, query, { k: 10, plan, source: recording().source });
  found.explanations.forEach(({ estimate, sigma, chance, exact, source }, i) => {
    expect(Math.abs(estimate! - exact!)).toBeLessThan(6 * sigma!);
    expect(chance).toBeGreaterThan(0);
    expect(chance).toBeLessThanOrEqual(1);
    expect(exact).toBe(found.scores[i]);
    expect(source).toBe("kept");
  });
  const unseen = { ...plan, recall: 0.05, scores: "approx" as const };
  const taken = await searchIndex(index, query, { k: 10, plan: unseen, source: recording().source });
  taken.explanations.forEach(({ estimate, exact, source }, i) => {
    expect([estimate, exact, source]).toEqual([taken.scores[i], undefined, "none"]);
  });
});

test("a filter and a scale of sigma reach the session", async () => {
  const filter = new Uint8Array(63);
  filter[2] = 0xff;
  const found = await searchIndex(index, query, { k: 10, plan, source: recording().source, filter });
  expect([...found.nodes].sort((a, b) => a - b)).toEqual([16, 17, 18, 19, 20, 21, 22, 23]);
  expect(found.cost.scanned).toBe(8);
  expect(found.expectedRecall).toBe(1);
  const options = { k: 10, plan: { ...plan, recall: 0.9, cap: 500 } };
  const wide = await searchIndex(index, query, { ...options, source: recording().source, sigmaScale: 2 });
  const narrow = await searchIndex(index, query, { ...options, source: recording().source });
  expect(wide.cost.recomputed).toBeGreaterThan(narrow.cost.recomputed);
});
