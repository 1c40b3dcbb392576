/**
 * The program of a fresh process that opens the store named on its command line and says what that took; then it loads
 * the codes once more to time scans.
 */
import { monitorEventLoopDelay } from "node:perf_hooks";
import { Coders } from "../../src/codes/coders.js";
import { planSearch } from "../../src/codes/plan.js";
import { VectorStore } from "../../src/index.js";
import { CodeIndex } from "../../src/memory/mirror.js";
import { native } from "../../src/native/native.js";
import { Database } from "../../src/storage/database.js";
import { decayingVectors } from "./spectrum.js";

/** What the process prints, as JSON. */
export interface OpenedLarge {
  readonly openMs: number;
  /** The longest time for which the event loop stood still meanwhile. */
  readonly longestMs: number;
  /** Growth of resident memory from before opening to after. */
  readonly rssBytes: number;
  /** Of each instruction set that this machine has, for the whole index. */
  readonly scans: readonly { isa: string; threads: number; scanMs: number; readMs: number }[];
}

const ROUNDS = 7;
const RESOLUTION_MS = 1;

const [file, ...threads] = process.argv.slice(2);
const opened = await open(file!);
const scans = await timeScans(file!, threads.map(Number));
process.stdout.write(JSON.stringify({ ...opened, scans } satisfies OpenedLarge));

async function open(path: string) {
  native();
  const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delays.enable();
  const rss = process.memoryUsage.rss();
  const before = performance.now();
  const store = await VectorStore.open(path, { readOnly: true });
  const openMs = performance.now() - before;
  const rssBytes = process.memoryUsage.rss() - rss;
  delays.disable();
  await store.close();
  return { openMs, rssBytes, longestMs: delays.max / 1e6 - RESOLUTION_MS };
}

async function timeScans(path: string, numbers: readonly number[]): Promise<OpenedLarge["scans"]> {
  const addon = native();
  const database = await Database.open(path, { create: false, readOnly: true, durability: "full", lockTimeoutMs: 0 });
  const codes = new CodeIndex(addon, database, new Coders(addon));
  await codes.refresh();
  const index = codes.current!;
  const query = decayingVectors(1, index.coder.dims, 6);
  const { pool } = planSearch(10, 0.95);
  const found: OpenedLarge["scans"][number][] = [];
  for (const { name: isa, supported } of addon.instructionSets()) {
    if (!supported) continue;
    addon.forceInstructionSet(isa);
    for (const threads of numbers) {
      const { scanNs, readNs } = await addon.timeScan(index, query, { pool, rounds: ROUNDS, threads });
      const [scanMs, readMs] = [scanNs, readNs].map((ns) => (ns * index.count) / 1e6);
      found.push({ isa, threads, scanMs: scanMs!, readMs: readMs! });
    }
  }
  await database.close();
  return found;
}
