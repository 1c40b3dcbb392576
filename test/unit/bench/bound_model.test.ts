import { beforeAll, expect, test } from "vitest";
import type { NativeIndex } from "../../../src/native.js";
import { planSearch, type SearchPlan } from "../../../src/search/plan.js";
import { searchIndex } from "../../../src/search/search.js";
import { type Candidates, FAR, modelSearch } from "../../bench/bound_model.js";
import { addon, bruteForce, codebook, dims, filledIndex, vectors } from "../native/corpus.js";

const POOL = 400;

let index: NativeIndex;
let all: Float32Array;

beforeAll(async () => {
  ({ index, all } = await filledIndex(await codebook(), 900));
});

async function candidates(query: Float32Array): Promise<Candidates> {
  const session = await index.search(query, { k: POOL, eps: 0, batch: 8, cap: 0, pool: POOL });
  const { nodes, estimates, sigmas } = session.result();
  const scores = Float32Array.from(nodes, (node) => addon.score("cosine", query, vectorOf(node)));
  const nearest = bruteForce("cosine", query, all).slice(0, 50);
  const rankOf = new Map(nearest.map(({ node }, rank) => [node, rank]));
  const ranks = Uint8Array.from(nodes, (node) => rankOf.get(node) ?? FAR);
  return { nodes, estimates, sigmas, scores, ranks };
}

function vectorOf(node: number): Float32Array {
  return all.slice(node * dims, (node + 1) * dims);
}

const source = {
  vectorsOf: async (nodes: readonly number[]) => ({
    vectors: nodes.map(vectorOf),
    sources: nodes.map(() => "recompute" as const),
    embedded: nodes.length,
    readMs: 0,
  }),
};

const plans: [string, number, SearchPlan][] = [];
for (const scores of ["exact", "approx"] as const) {
  for (const k of [1, 3, 10, 30]) {
    for (const eps of [-1, 0, 0.7, 2]) {
      for (const cap of [0, 1, k - 1, k, k + 1, 64, 300]) {
        const plan = { ...planSearch(k, 0.95, { maxRecomputes: cap, scores }), eps, pool: POOL };
        plans.push([`${scores} scores, k ${k}, eps ${eps}, cap ${cap}`, k, plan]);
      }
    }
  }
}

test.each(plans)("%s: the model recomputes and answers what a search does", async (_, k, plan) => {
  for (const seed of [21, 22, 23]) {
    const query = vectors(1, seed);
    const known = await candidates(query);
    const found = await searchIndex(index, query, { k, plan, source });
    const { looks, hits } = modelSearch(known, k, plan);
    const recomputed = looks.map((place) => known.nodes[place]!);
    expect([...found.vectors.keys()].sort((a, b) => a - b)).toEqual(recomputed.sort((a, b) => a - b));
    const rankOf = new Map([...known.nodes].map((node, place) => [node, known.ranks[place]!]));
    expect(hits).toBe(found.nodes.filter((node) => rankOf.get(node)! < k).length);
  }
});
