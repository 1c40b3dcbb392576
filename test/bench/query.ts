import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import path from "node:path";
import { needsExactBytes } from "../../src/embed/forked_model.js";
import { minilm } from "../../src/embed/minilm/minilm.js";
import { type Embedder, type SearchCost, VectorStore } from "../../src/index.js";
import { type DataPassage, readPassages, readQueries, readVectors, rowOf } from "../support/data.js";
import { choose, seeded } from "../support/seeded.js";
import { BareModels } from "./bare_models.js";
import type { Bench, BenchContext } from "./bench.js";
import { mean, percentile, round } from "./report.js";
import { timeSpent } from "./store.js";

const QUESTIONS = 60;
const RECALL = 0.95;
const KS = [10, 3];
/** Passages that the bare model runs: some of those that the questions find. */
const BARE_TEXTS = 128;
/** Most times the bare model's time for the recomputed passages, embedding the question not counted. */
const ALLOWED = 1.25;
/** A question asked before, its passages still in memory. */
const REPEATED_MS = 5;

/** What a search of a large store costs with the bundled model. */
export const query: Bench = {
  name: "query",
  about: "questions to a store of all 50,000 real passages, beside the bare model's time for what is recomputed",
  needsData: true,
  run: measureQueries,
};

async function measureQueries({ report, data }: BenchContext): Promise<void> {
  const folder = mkdtempSync(path.join(tmpdir(), "embedless-query-"));
  try {
    const file = path.join(folder, "store.db");
    await build(file, readPassages(data), readVectors(data));
    const questions = choose(readQueries(data, "questions").texts, QUESTIONS, seeded(4));
    const workers = availableParallelism();
    const bare = await BareModels.start(workers, await textsFound(file, questions), needsExactBytes());
    try {
      for (const k of KS) await measureK({ report, file, questions, bare, workers }, k);
    } finally {
      bare.end();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** All passages by the vectors that are known: the embedder hands them out, so that none is run here. */
async function build(file: string, passages: readonly DataPassage[], vectors: Float32Array): Promise<void> {
  const known = new Map(passages.map(({ text }, i) => [text, rowOf(vectors, i)]));
  const real = minilm();
  const embedder: Embedder = {
    id: real.id,
    source: real.source,
    dims: real.dims,
    batch: 512,
    codebook: real.codebook,
    embedDocuments: async (texts, options) => {
      const given = texts.map((text) => known.get(text));
      const unknown = texts.filter((_, i) => given[i] === undefined);
      const made = unknown.length === 0 ? [] : await real.embedDocuments(unknown, options);
      return given.map((vector) => vector?.slice() ?? made.shift()!);
    },
    embedQuery: (text, options) => real.embedQuery(text, options),
  } as Embedder;
  const store = await VectorStore.open(file, { embedder, durability: "normal" });
  await store.add(passages.map(({ text }) => ({ text })).values());
  await store.close();
  await real.close?.();
}

/** Texts like those that searches embed: hits of the questions, by estimates alone. */
async function textsFound(file: string, questions: readonly string[]): Promise<string[]> {
  const store = await VectorStore.open(file, { readOnly: true });
  try {
    const texts: string[] = [];
    for (const question of questions) {
      const { hits } = await store.search(question, { k: 24, recompute: 0 });
      texts.push(...hits.map(({ text }) => text));
    }
    return choose(texts, BARE_TEXTS, seeded(5));
  } finally {
    await store.close();
  }
}

interface Setting {
  readonly report: BenchContext["report"];
  readonly file: string;
  readonly questions: readonly string[];
  readonly bare: BareModels;
  readonly workers: number;
}

async function measureK({ report, file, questions, bare, workers }: Setting, k: number): Promise<void> {
  // The bare model runs before, between and after the questions: the machine's speed drifts.
  const bareMs: number[] = [];
  const runBare = async () => {
    const before = performance.now();
    await bare.run();
    bareMs.push(((performance.now() - before) * workers) / BARE_TEXTS);
  };
  await runBare();
  const half = Math.ceil(questions.length / 2);
  const costs = await ask(file, questions.slice(0, half), k);
  await runBare();
  costs.push(...(await ask(file, questions.slice(half), k)));
  await runBare();
  const bareMsPerPassage = mean(bareMs);
  const repeated = await askAgain(file, questions.slice(0, 20), k);

  const recomputes = mean(costs.map((cost) => cost.recomputed));
  const ratios = costs.map((cost) => (cost.totalMs - cost.queryMs) / ((cost.recomputed * bareMsPerPassage) / workers));
  const busy = costs.map((cost) => (cost.recomputed * bareMsPerPassage) / (workers * cost.recomputeMs));
  const ratio = percentile(ratios, 0.5);
  const repeatedMs = percentile(repeated, 0.5);
  report.figures("query", [
    {
      record: {
        k,
        target: RECALL,
        p50Ms: round(
          percentile(
            costs.map((cost) => cost.totalMs),
            0.5,
          ),
          1,
        ),
        meanRecomputes: round(recomputes, 2),
        bareMsPerPassage: round(bareMsPerPassage, 2),
        workers,
        utilisation: round(mean(busy), 3),
      },
      beside: {
        p95Ms: round(
          percentile(
            costs.map((cost) => cost.totalMs),
            0.95,
          ),
          1,
        ),
        toBare: round(ratio, 3),
        repeatedMs: round(repeatedMs, 2),
      },
    },
  ]);
  report.aside(`mean milliseconds of a question, k ${k}`, [timeSpent(costs)]);
  report.target(`below ${ALLOWED} times the bare model's time for the recomputed passages`, ratio < ALLOWED);
  report.target(`a question asked before below ${REPEATED_MS} ms`, repeatedMs < REPEATED_MS);
}

/** Each question once, no vector kept from one to the next. */
async function ask(file: string, questions: readonly string[], k: number): Promise<SearchCost[]> {
  const store = await VectorStore.open(file, { readOnly: true, cacheBytes: 0 });
  try {
    await store.search("Is the model loaded?");
    const costs: SearchCost[] = [];
    for (const question of questions) costs.push((await store.search(question, { k, recall: RECALL })).cost);
    return costs;
  } finally {
    await store.close();
  }
}

/** Milliseconds of each question when it is asked the second time. */
async function askAgain(file: string, questions: readonly string[], k: number): Promise<number[]> {
  const store = await VectorStore.open(file, { readOnly: true });
  try {
    const times: number[] = [];
    for (const question of questions) {
      await store.search(question, { k, recall: RECALL });
      times.push((await store.search(question, { k, recall: RECALL })).cost.totalMs);
    }
    return times;
  } finally {
    await store.close();
  }
}
