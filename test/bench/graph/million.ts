import type { NativeAddon } from "../../../src/native/surface.js";
import { DATA_DIMS, rowOf } from "../../support/data.js";
import { seeded } from "../../support/seeded.js";
import type { BenchContext } from "../bench.js";
import { trainOn } from "../codebook.js";
import { K } from "./engine.js";
import { measureGuided, reportGuided } from "./guided.js";
import type { Asked } from "./ladder.js";
import { BUILD_THREADS } from "./ours.js";

const COUNT = 1_000_000;
/** Vectors made and encoded at once. */
const PART = 32_000;
/** Length of the noise beside a vector of length 1: the copies of a passage are then as far apart as related passages. */
const NOISE = 0.5;
/** Queries of each set. */
const QUERIES = 200;
/** Slowest walk that is still fast, and the most that its share may lie below that of a scan. */
const MOST_US = 1000;
const MOST_LOSS = 0.005;

/** A walk over a million codes of 48 bytes, on a graph built on those codes alone, as a store without vectors has it. */
export async function measureMillion(
  addon: NativeAddon,
  { report }: BenchContext,
  vectors: Float32Array,
  asked: readonly Asked[],
): Promise<void> {
  report.note(
    `\n${COUNT} vectors: each real passage ${COUNT / (vectors.length / DATA_DIMS)} times with noise of its own,`,
  );
  report.note(`  ${NOISE} times as long as the vector; ${QUERIES} queries of each set`);
  const coder = await trainOn(addon, vectors, { threads: BUILD_THREADS });
  const codes = addon.createIndex(coder, { order: "walk" });
  const few = asked.map(({ set, queries }) => ({ set, queries: spread(queries) }));
  const truth = await (async () => {
    // Kept only until the true neighbors are known.
    const whole = addon.createVectorCoder("float16", DATA_DIMS, "cosine");
    const kept = addon.createIndex(whole);
    for (let first = 0; first < COUNT; first += PART) {
      const part = noisy(vectors, first, Math.min(PART, COUNT - first));
      codes.publish({ rows: await coder.encode(part), release: true });
      kept.publish({ rows: await whole.encode(part), release: true });
    }
    const found = new Map<Float32Array, Set<number>>();
    for (const query of few.flatMap(({ queries }) => queries)) {
      const search = await kept.search(query, { k: K, cap: 0, pool: 4 * K });
      found.set(query, new Set(search.result().nodes));
    }
    return found;
  })();
  const start = performance.now();
  const graph = await addon.buildGraph(codes, { kind: "vamana", threads: BUILD_THREADS });
  report.note(
    `  built on the codes in ${Math.round((performance.now() - start) / 1000)} s by ${BUILD_THREADS} threads`,
  );
  const questions = few.map(({ set, queries }) => ({ set, queries, truth: queries.map((query) => truth.get(query)!) }));
  const guided = await measureGuided(codes, graph, questions);
  reportGuided(report, "on codes", codes, guided);
  for (const { set } of few) {
    const good = guided.some((one) => {
      return one.set === set && one.usPerQuery <= MOST_US && one.share >= one.scanShare - MOST_LOSS;
    });
    report.target(`${set}: a walk of at most 1 ms, at most 0.5 points below the scan`, good);
  }
}

function spread(queries: readonly Float32Array[]): Float32Array[] {
  return Array.from({ length: QUERIES }, (_, i) => queries[Math.floor((i * queries.length) / QUERIES)]!);
}

/** Vectors `first` to `first + count - 1` of the large set: real ones over and over, each time with other noise. */
function noisy(vectors: Float32Array, first: number, count: number): Float32Array {
  const random = seeded(first + 1);
  const result = new Float32Array(count * DATA_DIMS);
  // A sum of four uniform numbers is near enough to a normal one; this is its standard deviation.
  const unit = Math.sqrt(4 / 12) * Math.sqrt(DATA_DIMS);
  for (let i = 0; i < count; i++) {
    const row = rowOf(vectors, (first + i) % (vectors.length / DATA_DIMS));
    for (let j = 0; j < DATA_DIMS; j++) {
      const normal = (random() + random() + random() + random() - 2) / unit;
      result[i * DATA_DIMS + j] = row[j]! + NOISE * normal;
    }
  }
  return result;
}
