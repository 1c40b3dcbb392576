import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Bench, BenchContext } from "./bench.js";
import { writeLargeStore } from "./large_store.js";
import type { OpenedLarge } from "./open_large.js";
import { percentile, round } from "./report.js";

/** Codes of a store, and the most seconds that opening it may take. */
const SIZES = [
  { codes: 1_000_000, seconds: 0.5, full: false },
  { codes: 10_000_000, seconds: 5, full: true },
];
const LONGEST_MS = 10;
/** Resident memory may grow by so many times the code bytes, and this much more. */
const GROWTH = 1.2;
const SPARE_BYTES = 24e6;
/** Most times the plain read that the scan may take with AVX-512 VBMI. */
const VBMI_READS = 1.8;
/** Processes that open the store; the median counts. */
const STARTS = 3;

/** Opening and scanning large stores. */
export const size: Bench = {
  name: "size",
  about: "opening and scanning a store of 1,000,000 codes; with --full 10,000,000 too (0.5 GB on disk and in memory)",
  needsData: false,
  run: measureSizes,
};

async function measureSizes({ report, full }: BenchContext): Promise<void> {
  for (const wanted of SIZES.filter((one) => full || !one.full)) {
    const folder = mkdtempSync(path.join(tmpdir(), "embedless-size-"));
    try {
      const file = path.join(folder, "large.db");
      const codeBytes = await writeLargeStore(file, wanted.codes);
      const runs: OpenedLarge[] = [];
      for (let i = 0; i < STARTS; i++) runs.push(await openInFreshProcess(file));
      const { codes } = wanted;
      const median = (read: (run: OpenedLarge) => number) => percentile(runs.map(read), 0.5);
      const openMs = median((run) => run.openMs);
      const longestMs = median((run) => run.longestMs);
      const rssBytes = Math.round(median((run) => run.rssBytes));
      const scans = bestScans(runs);
      report.figures(
        "size",
        scans.map(({ isa, threads, scanMs, readMs }) => ({
          record: {
            codes,
            threads,
            isa,
            scanMs: round(scanMs, 2),
            readMs: round(readMs, 2),
            openMs: round(openMs, 1),
            rssBytes,
          },
          beside: {
            ratio: round(scanMs / readMs, 2),
            nsPerCode: round((scanMs * 1e6) / codes, 2),
            longestMs: round(longestMs, 1),
            rssToCodes: round(rssBytes / codeBytes, 2),
          },
        })),
      );
      report.target(`opens in less than ${wanted.seconds} s`, openMs < wanted.seconds * 1000);
      report.target(`the event loop never stands still for more than ${LONGEST_MS} ms`, longestMs <= LONGEST_MS);
      report.target(
        `memory grows by less than ${GROWTH} times the codes plus ${SPARE_BYTES / 1e6} MB`,
        rssBytes < GROWTH * codeBytes + SPARE_BYTES,
      );
      const vbmi = scans.filter(({ isa }) => isa === "avx512vbmi");
      if (vbmi.length === 0) report.note("  skipped  avx512vbmi: this processor does not have it");
      for (const { threads, scanMs, readMs } of vbmi) {
        report.target(
          `avx512vbmi, ${threads} threads: below ${VBMI_READS} times the read`,
          scanMs < VBMI_READS * readMs,
        );
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
}

/** Of each instruction set and number of threads the run in which the scan was fastest. */
function bestScans(runs: readonly OpenedLarge[]): OpenedLarge["scans"] {
  return runs[0]!.scans.map((_, i) => {
    const same = runs.map((run) => run.scans[i]!);
    return same.reduce((best, scan) => (scan.scanMs < best.scanMs ? scan : best));
  });
}

async function openInFreshProcess(file: string): Promise<OpenedLarge> {
  const program = fileURLToPath(new URL("./open_large.js", import.meta.url));
  const threads = [...new Set([1, availableParallelism()])].map(String);
  const { stdout } = await promisify(execFile)(process.execPath, [program, file, ...threads]);
  return JSON.parse(stdout) as OpenedLarge;
}
