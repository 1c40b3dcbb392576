import { usualSquare } from "../../src/codes/plan.js";
import { native } from "../../src/native/native.js";
import { readQueries, readVectors, rowOf, SET_NAMES } from "../support/data.js";
import type { Bench, BenchContext } from "./bench.js";
import { trainOn } from "./codebook.js";
import { mean, round } from "./report.js";
import { Truth } from "./truth.js";

const CODE_SIZES = [24, 48, 96, 192];
/** The first round at k = 10. */
const FIRST_ROUND = 16;
/** Every n-th query: the figure is a mean over 16 candidates of each. */
const EVERY = 4;

/** How far the best estimates are off, in units of the error that the code claims. */
export const misses: Bench = {
  name: "misses",
  about: "how far the estimates of first rounds are off, by code size: the table in src/codes/plan.ts",
  needsData: true,
  run: measure,
};

async function measure({ report, data }: BenchContext): Promise<void> {
  const addon = native();
  const vectors = readVectors(data);
  const truth = await Truth.of(addon, vectors);
  for (const bytes of CODE_SIZES) {
    const coder = await trainOn(addon, vectors, { threads: 2, code: { bytes } });
    const index = addon.createIndex(coder);
    index.publish({ rows: await coder.encode(vectors) });
    for (const set of SET_NAMES) {
      const queries = readQueries(data, set);
      const squares: number[] = [];
      for (let i = 0; i < queries.count; i += EVERY) {
        const query = rowOf(queries.vectors, i);
        const session = await index.search(query, { k: FIRST_ROUND, cap: 0, pool: FIRST_ROUND });
        const { nodes, estimates, sigmas } = session.result();
        const scores = truth.scores(query, nodes);
        for (let j = 0; j < scores.length; j++) squares.push(((scores[j]! - estimates[j]!) / sigmas[j]!) ** 2);
      }
      const record = { code: String(bytes), set, rowBytes: coder.rowBytes, meanSquare: round(mean(squares), 3) };
      report.figures("misses", [{ record, beside: { inTable: round(usualSquare(coder), 3) } }]);
    }
  }
}
