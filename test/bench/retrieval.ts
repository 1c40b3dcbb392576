import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { type Embedder, minilm, type SearchOptions, VectorStore } from "../../src/index.js";
import { DATA_DIMS, readPassages, readQueries, readVectors, rowOf, SET_NAMES } from "../support/data.js";
import { seeded } from "../support/seeded.js";
import type { Bench, BenchContext } from "./bench.js";
import { mean, percentile, round } from "./report.js";

const MODES = ["vector", "keyword", "hybrid"] as const;
/** Places in which an answer is looked for. */
const K = 10;
const ADD_SLICE = 2_000;

/** How often the passage that answers a question comes first, among the first five, and how high in the mean. */
export const retrieval: Bench = {
  name: "retrieval",
  about: "hit@1, hit@5 and MRR@10 of search by meaning, by words and by both, on 50,000 passages",
  needsData: true,
  run: measureRetrieval,
};

async function measureRetrieval({ report, data }: BenchContext): Promise<void> {
  const folder = mkdtempSync(path.join(tmpdir(), "embedless-bench-"));
  const embedder = knownVectors(data);
  const store = await VectorStore.open(path.join(folder, "store.db"), {
    embedder,
    keywords: true,
    durability: "normal",
  });
  try {
    const passages = readPassages(data);
    for (let at = 0; at < passages.length; at += ADD_SLICE) {
      await store.add(passages.slice(at, at + ADD_SLICE).map(({ id, text }) => ({ id, text })));
    }
    const rows: Awaited<ReturnType<typeof ask>>[] = [];
    for (const set of SET_NAMES) {
      for (const mode of MODES) rows.push(await ask(store, data, set, mode));
    }
    report.figures("retrieval", rows);
    const { keywordBytes, codeBytes } = await store.stats();
    report.note(
      `  bytes a passage: words ${round(keywordBytes / passages.length, 1)}, codes ${round(codeBytes / passages.length, 1)}`,
    );
    const mrrOf = (set: string, mode: string) =>
      rows.find(({ record }) => record.set === set && record.mode === mode)!.record.mrr;
    for (const set of SET_NAMES) {
      const single = Math.max(mrrOf(set, "vector"), mrrOf(set, "keyword"));
      report.target(`hybrid at least as good as the better of the two (${set})`, mrrOf(set, "hybrid") >= single);
    }
  } finally {
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function ask(store: VectorStore, data: string, name: (typeof SET_NAMES)[number], mode: SearchOptions["mode"]) {
  const set = readQueries(data, name);
  const places: number[] = [];
  const times: number[] = [];
  for (const [i, text] of set.texts.entries()) {
    const relevant = new Set(set.relevant[i]);
    if (relevant.size === 0) continue;
    const { hits, cost } = await store.search(text, { k: K, mode: mode! });
    places.push(hits.findIndex(({ id }) => relevant.has(id)) + 1);
    times.push(cost.totalMs);
  }
  const share = (isHit: (place: number) => boolean) => round(mean(places.map((place) => (isHit(place) ? 1 : 0))), 4);
  return {
    record: {
      set: name,
      mode,
      hit1: share((place) => place === 1),
      hit5: share((place) => place >= 1 && place <= 5),
      mrr: round(mean(places.map((place) => (place > 0 ? 1 / place : 0))), 4),
    },
    beside: {
      questions: places.length,
      p50Ms: round(percentile(times, 0.5), 1),
      p95Ms: round(percentile(times, 0.95), 1),
    },
  };
}

/** The model's vectors by text, so that nothing is embedded twice; any other text gets a random one of its own. */
function knownVectors(data: string): Embedder {
  const known = new Map<string, Float32Array>();
  const vectors = readVectors(data);
  for (const [i, { text }] of readPassages(data).entries()) known.set(text, rowOf(vectors, i));
  for (const name of SET_NAMES) {
    const set = readQueries(data, name);
    for (const [i, text] of set.texts.entries()) known.set(`? ${text}`, rowOf(set.vectors, i));
  }
  const other = (text: string) => {
    const random = seeded([...text].reduce((sum, letter) => sum * 31 + letter.codePointAt(0)!, 7) >>> 0);
    return Float32Array.from({ length: DATA_DIMS }, () => random() - 0.5);
  };
  const { codebook } = minilm();
  return {
    id: "bench:known-vectors",
    dims: DATA_DIMS,
    ...(codebook && { codebook }),
    embedDocuments: async (texts) => texts.map((text) => known.get(text) ?? other(text)),
    embedQuery: async (text) => known.get(`? ${text}`) ?? other(text),
  };
}
