import { native } from "../../src/native/native.js";
import type { NativeIndex } from "../../src/native/surface.js";
import { DATA_DIMS, readQueries, readVectors, rowOf } from "../support/data.js";
import type { Bench, BenchContext } from "./bench.js";
import { trainOn } from "./codebook.js";
import { type Row, round } from "./report.js";

const CODES = 1_000_000;
const ROUNDS = 15;
/** Candidates kept. */
const POOL = 512;
/** Most nanoseconds a vector, or most times the plain read, by instruction set. */
const TARGETS: Readonly<Record<string, { ns?: number; reads?: number }>> = {
  scalar: { ns: 14 },
  avx2: { ns: 6 },
  avx512vbmi: { ns: 3.2, reads: 2 },
};

/** The scan of a large index, for each instruction set that this machine has. */
export const scan: Bench = {
  name: "scan",
  about: "nanoseconds a code of the scan at 1,000,000 codes, beside reading the same bytes",
  needsData: true,
  run: measureScan,
};

async function measureScan({ report, data }: BenchContext): Promise<void> {
  const addon = native();
  const index = await largeIndex(readVectors(data));
  const query = rowOf(readQueries(data, "questions").vectors, 0);
  const rows: { record: Row; beside: Row }[] = [];
  try {
    for (const { name, supported } of addon.instructionSets()) {
      if (!supported) {
        report.note(`skipped ${name}: this processor does not have it`);
        continue;
      }
      addon.forceInstructionSet(name);
      const { scanNs, readNs } = await addon.timeScan(index, query, { pool: POOL, rounds: ROUNDS });
      rows.push({
        record: { isa: name, codes: index.count, nsPerVector: round(scanNs, 2), readNsPerVector: round(readNs, 2) },
        beside: { ratio: round(scanNs / readNs, 2) },
      });
    }
  } finally {
    addon.forceInstructionSet(undefined);
  }
  report.figures("scan", rows);
  for (const { record } of rows) {
    const { ns, reads } = TARGETS[String(record["isa"])] ?? {};
    const [scanned, read] = [Number(record["nsPerVector"]), Number(record["readNsPerVector"])];
    if (ns !== undefined) report.target(`${record["isa"]}: at most ${ns} ns`, scanned <= ns);
    if (reads !== undefined)
      report.target(`${record["isa"]}: at most ${reads} times the read`, scanned <= reads * read);
  }
}

/** The data's codes over and over: what the scan costs does not depend on their order. */
async function largeIndex(vectors: Float32Array): Promise<NativeIndex> {
  const addon = native();
  const coder = await trainOn(addon, vectors, { threads: 2 });
  const index = addon.createIndex(coder);
  const rows = await coder.encode(vectors);
  for (let left = CODES; left > 0; left -= vectors.length / DATA_DIMS) index.publish({ rows });
  return index;
}
