import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** How a campaign is run. */
export interface CampaignOptions {
  /** Trials wanted. */
  trials: number;
  /** Same seed, same trials. */
  seed: number;
  /** Ends it early; what was found so far is still answered. */
  signal?: AbortSignal;
  /** Told after each trial. */
  progress?: (done: number, of: number) => void;
}

/** What a campaign found. */
export interface CampaignResult {
  /** Trials run. */
  n: number;
  /** One sentence each, beginning with seed and trial. */
  failures: string[];
  /** Counts for the reader, such as how many trials met what. */
  counts?: Record<string, number>;
  /** Why nothing was run. */
  skipped?: string;
}

/** One kind of fault, tried many times. */
export type Campaign = (options: CampaignOptions) => Promise<CampaignResult>;

/** Runs `trial` for 0 .. `trials - 1`, two at once: what it answers are its failures. */
export async function runTrials(
  { trials, seed, signal, progress }: CampaignOptions,
  trial: (n: number) => Promise<readonly string[]>,
  width = 2,
): Promise<CampaignResult> {
  const failures: string[] = [];
  let next = 0;
  let done = 0;
  const worker = async () => {
    while (next < trials && !signal?.aborted) {
      const n = next++;
      for (const failure of await trial(n)) failures.push(`seed ${seed} trial ${n}: ${failure}`);
      done++;
      progress?.(done, trials);
    }
  };
  await Promise.all(Array.from({ length: width }, worker));
  return { n: done, failures };
}

/** Runs `work` in a new folder that is removed afterwards: in memory where the system has such a place. */
export async function inScratchFolder<T>(work: (folder: string) => Promise<T>, onDisk = false): Promise<T> {
  const root = !onDisk && existsSync("/dev/shm") ? "/dev/shm" : tmpdir();
  const folder = mkdtempSync(join(root, "embedless-faults-"));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
