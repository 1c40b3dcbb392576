import { availableParallelism } from "node:os";
import { native } from "../../src/native/native.js";
import type { Bench, BenchContext } from "./bench.js";
import { round } from "./report.js";
import { decayingVectors } from "./spectrum.js";

const WIDTHS = [
  { dims: 1536, trainSeconds: 60 },
  { dims: 3072, trainSeconds: 120 },
];
/** Four times what a store trains its codebook on. */
const VECTORS = 16_384;
const ENCODED = 2_048;
const PREPARE_MS = 2;
const ROUNDS = 25;

/** Vectors of large models. */
export const dims: Bench = {
  name: "dims",
  about: "training, encoding and preparing a query at 1,536 and 3,072 dims (synthetic)",
  needsData: false,
  run: measureWidths,
};

async function measureWidths({ report }: BenchContext): Promise<void> {
  const addon = native();
  const threads = availableParallelism();
  const rows = [];
  for (const wanted of WIDTHS) {
    const vectors = decayingVectors(VECTORS, wanted.dims, 7);
    const beforeTraining = performance.now();
    const coder = await addon.trainCodebook(vectors, { dims: wanted.dims, metric: "cosine", threads });
    const trainSeconds = (performance.now() - beforeTraining) / 1000;
    const beforeEncoding = performance.now();
    const encoded = await coder.encode(vectors.subarray(0, ENCODED * wanted.dims));
    const encodePerSecond = ENCODED / ((performance.now() - beforeEncoding) / 1000);
    const index = addon.createIndex(coder);
    index.publish({ rows: encoded });
    const query = decayingVectors(1, wanted.dims, 8);
    const { prepareNs } = await addon.timeScan(index, query, { pool: 400, rounds: ROUNDS });
    rows.push({
      record: {
        dims: wanted.dims,
        threads,
        trainSeconds: round(trainSeconds, 1),
        encodePerSecond: Math.round(encodePerSecond),
        prepareMs: round(prepareNs / 1e6, 3),
      },
      allowedSeconds: wanted.trainSeconds,
    });
  }
  report.figures("dims", rows);
  for (const { record, allowedSeconds } of rows) {
    report.target(`${record.dims} dims: trains in less than ${allowedSeconds} s`, record.trainSeconds < allowedSeconds);
    report.target(`${record.dims} dims: prepares a query in less than ${PREPARE_MS} ms`, record.prepareMs < PREPARE_MS);
  }
}
