import { hasData } from "../support/data.js";
import type { Report } from "./report.js";

/** What a benchmark is given. */
export interface BenchContext {
  readonly report: Report;
  /** Folder of real passages with their vectors. */
  readonly data: string;
  /** Whether to do also what takes gigabytes or many minutes. */
  readonly full: boolean;
  /** Names of the codes to measure; all that the benchmark knows unless said. */
  readonly codes?: readonly string[] | undefined;
}

/** One benchmark of `npm run bench -- <name>`. */
export interface Bench {
  readonly name: string;
  /** One line of the help. */
  readonly about: string;
  /** Whether it cannot run without the data folder. */
  readonly needsData: boolean;
  run(context: BenchContext): Promise<void>;
}

/** Runs one benchmark, or says why it is skipped. */
export async function runBench(bench: Bench, context: BenchContext): Promise<void> {
  if (bench.needsData && !hasData(context.data)) {
    process.stderr.write(`Skipped ${bench.name}: there is no data in ${context.data}; name its folder with --data.\n`);
    return;
  }
  await bench.run(context);
}
