import { chmodSync, chownSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { ChildPool } from "../../support/child_pool.js";
import { type Campaign, inScratchFolder, runTrials } from "./campaign.js";
import { ENVIRONMENT_CASES } from "./environment_cases.js";

/** Which case the child is to run, and in which folder. */
export interface EnvironmentQuestion {
  place: number;
  folder: string;
}

/** `works`, or the code of the error, and what it said. */
export interface EnvironmentAnswer {
  result: string;
  message: string;
}

const TIMEOUT_MS = 30_000;
/** Whom files belong to that nobody else's rights apply to: to the administrator all is allowed, so it becomes this one. */
const NOBODY = 65_534;

/** Runs every case of the table once, as a user with no special rights: `trials` is of no account. */
export const environment: Campaign = (options) =>
  inScratchFolder(async (scratch) => {
    const isRoot = process.getuid?.() === 0;
    const user = isRoot ? { uid: NOBODY, gid: NOBODY } : {};
    if (isRoot) chmodSync(scratch, 0o755);
    const pool = new ChildPool<EnvironmentQuestion, EnvironmentAnswer>("environment_child", TIMEOUT_MS, 1_000, user);
    try {
      return await runTrials({ ...options, trials: ENVIRONMENT_CASES.length }, async (n) => {
        const { name, may } = ENVIRONMENT_CASES[n]!;
        const folder = join(scratch, `case-${n}`);
        mkdirSync(folder);
        if (isRoot) chownSync(folder, NOBODY, NOBODY);
        const reply = await pool.ask({ place: n, folder });
        if ("failure" in reply) return [`${name}: ${reply.failure}`];
        const { result, message } = reply.value;
        return may.includes(result) ? [] : [`${name}: expected ${may.join(" or ")}, but it is ${result} (${message})`];
      });
    } finally {
      pool.close();
    }
  }, true);
