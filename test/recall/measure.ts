import { newestCodebook } from "../../src/embed/minilm/minilm.js";
import { VectorStore } from "../../src/index.js";
import { type Fixture, QUERY_DEPTH } from "./fixture.js";
import type { MeasuredStore, Way } from "./stores.js";

const TARGETS = [0.9, 0.95] as const;
const KS = [1, 3, 4, QUERY_DEPTH] as const;

/** What one way of asking a store gives, in the mean over the queries. */
export interface Figure {
  readonly store: string;
  readonly way: string;
  readonly k: number;
  /** The recall that was asked for. */
  readonly target: number;
  /** Share of the true `k` nearest among the hits. */
  readonly recall: number;
  /** Passages scored exactly. */
  readonly recomputed: number;
}

/** Makes the store in `file`, fills it with the fixture's passages, and asks all queries in all ways. */
export async function measureStore(
  file: string,
  { passages, queries, samples, embedder }: Fixture,
  { name, options, hasShippedCodebook = false, ways }: MeasuredStore,
): Promise<Figure[]> {
  const needsSamples = JSON.stringify(options).includes('"ood"');
  const store = await VectorStore.open(file, {
    ...options,
    embedder: hasShippedCodebook ? { ...embedder, codebook: newestCodebook()! } : embedder,
    durability: "normal",
    // All vectors fit, so that no passage is looked up twice.
    cacheBytes: 2 ** 26,
    ...(needsSamples && { sampleQueries: samples }),
  });
  try {
    await store.add(passages);
    await store.compact();
    const { codebook } = await store.stats();
    if ((codebook === "shipped") !== hasShippedCodebook) throw new Error(`${name} has a codebook that is ${codebook}.`);
    const figures: Figure[] = [];
    for (const way of ways) {
      const asked = queries.filter((_, i) => i % (way.every ?? 1) === 0);
      for (const k of KS) {
        for (const target of TARGETS) {
          figures.push({ store: name, way: way.name, k, target, ...(await ask(store, asked, way, k, target)) });
        }
      }
    }
    return figures;
  } finally {
    await store.close();
  }
}

async function ask(
  store: VectorStore,
  queries: Fixture["queries"],
  { walk, scores }: Way,
  k: number,
  recall: number,
): Promise<Pick<Figure, "recall" | "recomputed">> {
  let [found, recomputed] = [0, 0];
  for (const { text, nearest } of queries) {
    const { hits, cost } = await store.search(text, { k, recall, ...(walk && { walk }), ...(scores && { scores }) });
    const wanted = nearest.slice(0, k);
    found += hits.filter(({ id }) => wanted.includes(id)).length;
    recomputed += cost.recomputed;
  }
  const count = queries.length;
  return { recall: rounded(found / (count * k)), recomputed: rounded(recomputed / count) };
}

function rounded(value: number): number {
  return Math.round(value * 1e4) / 1e4;
}
