import { describe, expect, test } from "vitest";
import type { Codes, Metric } from "../../../src/index.js";
import { scoreOf } from "../../support/brute_force.js";
import { seeded } from "../../support/seeded.js";
import { openStore, temporaryFile } from "../../support/store.js";
import { seedOf, tableEmbedder } from "../../support/table_embedder.js";

const DIMS = 16;
/** Enough for a codebook. */
const COUNT = 4096;

type Draw = (random: () => number) => Float32Array;
const oneHot: Draw = (random) => {
  const vector = new Float32Array(DIMS);
  vector[Math.floor(random() * DIMS)] = 1;
  return vector;
};
const twoClusters: Draw = (random) => new Float32Array(DIMS).fill(random() < 0.5 ? 1 : -1).fill(0.5, 0, 1);
const offset: Draw = (random) => Float32Array.from({ length: DIMS }, () => 1000 + (random() - 0.5) * 0.01);
const gauss: Draw = (random) => Float32Array.from({ length: DIMS }, () => random() + random() + random() - 1.5);

const projected: Codes = { leanvec: { dims: DIMS / 2, primary: "lvq4", training: "pca" } };

const passages = Array.from({ length: COUNT }, (_, i) => ({ id: `p${i}`, text: `text ${i}` }));

describe.each<[name: string, draw: Draw, metric: Metric, codes: Codes]>([
  ["one-hot vectors, projected", oneHot, "cosine", projected],
  ["one-hot vectors", oneHot, "l2", { bytes: 48 }],
  ["two tight clusters", twoClusters, "l2", "lvq4"],
  ["a common offset", offset, "l2", { bytes: 48 }],
])("%s", (_, draw, metric, codes) => {
  test("is answered with exact scores, and no more recall is expected than is reached", async () => {
    const vectorOf = (text: string) => draw(seeded(seedOf(text)));
    const store = await openStore(await temporaryFile(), {
      embedder: tableEmbedder(DIMS, vectorOf),
      metric,
      codes,
      durability: "normal",
    });
    await store.add(passages);
    for (const question of ["text 7", "a question", "another question", "text 1234"]) {
      const query = vectorOf(question);
      const scores = passages.map(({ text }) => scoreOf(metric, query, vectorOf(text))).sort((a, b) => b - a);
      const { hits, expectedRecall = 0 } = await store.search(question, { k: 10, recall: 0.99, explain: true });
      expect(hits).toHaveLength(10);
      const largest = metric === "cosine" ? 1 : (2 * Math.hypot(...query)) ** 2;
      let reached = 0;
      for (const { text, score, explain } of hits) {
        expect(explain?.exact).toBe(score);
        expect(Math.abs(score - scoreOf(metric, query, vectorOf(text)))).toBeLessThan(1e-6 * largest);
        if (score >= scores[9]! - 1e-12 * largest) reached += 0.1;
      }
      expect(expectedRecall).toBeLessThan(reached + 0.35);
    }
  });
});

test("codes of other texts answer exact scores and expect little, for the canaries prove the model right", async () => {
  let changed = 0;
  // The canaries are no texts of this form, and stay as they are.
  const vectorOf = (text: string) => gauss(seeded(seedOf(/^text /.test(text) ? text + changed : text)));
  const embedder = tableEmbedder(DIMS, vectorOf);
  const store = await openStore(await temporaryFile(), {
    embedder,
    codes: "lvq8",
    durability: "normal",
    cacheBytes: 0,
  });
  await store.add(passages);
  const ask = async () => await store.search("a question", { k: 10, explain: true });
  expect((await ask()).expectedRecall).toBeGreaterThan(0.9);
  changed = 1;
  for (let i = 0; i < 3; i++) {
    const { hits, expectedRecall = 0, cost } = await ask();
    for (const { text, score } of hits) {
      expect(score).toBeCloseTo(scoreOf("cosine", vectorOf("a question"), vectorOf(text)), 5);
    }
    expect(expectedRecall).toBeLessThan(0.5);
    expect(cost.embedded).toBeGreaterThanOrEqual(cost.recomputed);
  }
  // Once the errors of these codes are known, the canaries are not asked with every search.
  const { cost } = await ask();
  embedder.documents = 0;
  await ask();
  expect(embedder.documents).toBe(cost.embedded);
});
