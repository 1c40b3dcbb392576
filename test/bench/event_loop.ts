import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { type AddItem, type Embedder, VectorStore } from "../../src/index.js";
import { fakeEmbedder } from "../support/fake_embedder.js";
import type { Bench, BenchContext } from "./bench.js";
import { round } from "./report.js";

const PASSAGES = 20_000;
const SEARCHES = 300;
const AT_ONCE = 20;
const DIMS = 384;
/** A timer that is due is looked at so often. */
const RESOLUTION_MS = 1;
/** What whoever shares the event loop may be kept waiting. */
const P99_MS = 20;
const LONGEST_MS = 100;

/** How long others on the event loop wait while a store works. */
export const eventLoop: Bench = {
  name: "event-loop",
  about: `how long the event loop stands still while ${PASSAGES.toLocaleString("en")} passages are added, searched, listed, deleted`,
  needsData: false,
  run: measureEventLoop,
};

async function measureEventLoop({ report }: BenchContext): Promise<void> {
  const folder = mkdtempSync(path.join(tmpdir(), "embedless-loop-"));
  // The embedder computes on this thread; what it takes itself is no business of the store's.
  const embedder = remembering(fakeEmbedder({ dims: DIMS }));
  const items = Array.from({ length: PASSAGES }, (_, i) => itemOf(i));
  await embedder.embedDocuments(items.map(({ text }) => text));
  const questions = Array.from({ length: SEARCHES }, (_, i) => itemOf(i * 61).text.slice(0, 80));
  for (const question of questions) await embedder.embedQuery(question);
  const file = path.join(folder, "store.db");
  const options = { embedder, index: "vamana", keywords: true } as const;
  let store = await VectorStore.open(file, options);
  const search = async (more: object) => {
    for (const question of questions) await store.search(question, { k: 10, ...more });
  };
  const inCrowds = async (work: (question: string) => Promise<unknown>) => {
    for (let at = 0; at < SEARCHES; at += AT_ONCE) await Promise.all(questions.slice(at, at + AT_ONCE).map(work));
  };
  const works: [name: string, work: () => Promise<unknown>][] = [
    ["add, an array", () => store.add(items)],
    ["add again, all unchanged", () => store.add(items.values())],
    ["search", () => search({})],
    [`search, ${AT_ONCE} at once`, () => inCrowds((question) => store.search(question, { k: 10 }))],
    ["search, filtered", () => search({ filter: { n: { $lt: PASSAGES / 10 } } })],
    ["search, a function filters", () => store.search(questions[0]!, { filter: ({ text }) => text.includes("7") })],
    ["search by words", () => search({ mode: "keyword" })],
    ["compact, building the graph", () => store.compact()],
    ["search, walking", () => search({ walk: {} })],
    [
      "passages",
      async () => {
        for await (const _ of store.passages());
      },
    ],
    ["verify", () => store.verify()],
    ["backup", () => store.backup(path.join(folder, "copy.db"))],
    ["delete half by filter", () => store.delete({ filter: { n: { $lt: PASSAGES / 2 } } })],
    ["compact, giving space back", () => store.compact()],
    [
      "close and open",
      async () => {
        await store.close();
        store = await VectorStore.open(file, options);
      },
    ],
  ];
  try {
    const rows = [];
    for (const [work, run] of works) rows.push({ record: { work, ...(await watched(run)) } });
    report.figures("event-loop", rows);
    for (const { work, p99Ms, longestMs } of rows.map(({ record }) => record)) {
      report.target(
        `${work}: p99 below ${P99_MS} ms, never above ${LONGEST_MS} ms`,
        p99Ms < P99_MS && longestMs < LONGEST_MS,
      );
    }
  } finally {
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** How long the event loop stood still while `work` ran, beyond the timer's own resolution. */
async function watched(work: () => Promise<unknown>) {
  const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delays.enable();
  const before = performance.now();
  await work();
  const seconds = round((performance.now() - before) / 1000, 2);
  delays.disable();
  const ms = (nanoseconds: number) => round(Math.max(0, nanoseconds / 1e6 - RESOLUTION_MS), 1);
  return { seconds, p50Ms: ms(delays.percentile(50)), p99Ms: ms(delays.percentile(99)), longestMs: ms(delays.max) };
}

function itemOf(i: number): AddItem {
  const words = Array.from({ length: 90 }, (_, j) => `w${((i * 7919 + j * 104_729) % 9973).toString(36)}`);
  return { id: `p${i}`, text: `Passage ${i}. ${words.join(" ")}`, metadata: { n: i, even: i % 2 === 0 } };
}

/** The same embedder, answering what it was asked before at once. */
function remembering(embedder: Embedder): Embedder {
  const known = new Map<string, ArrayLike<number>>();
  return {
    ...embedder,
    id: embedder.id,
    dims: DIMS,
    embedDocuments: async (texts, options) => {
      const fresh = texts.filter((text) => !known.has(text));
      const vectors = fresh.length > 0 ? await embedder.embedDocuments(fresh, options) : [];
      for (const [i, text] of fresh.entries()) known.set(text, vectors[i]!);
      return texts.map((text) => known.get(text)!);
    },
    embedQuery: async (text, options) => {
      const vector = known.get(text) ?? (await embedder.embedQuery(text, options));
      known.set(text, vector);
      return vector;
    },
  };
}
