import { copyFileSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { VectorStore } from "../../../src/index.js";
import { ChildPool, type Reply } from "../../support/child_pool.js";
import { type CampaignOptions, type CampaignResult, inScratchFolder, runTrials } from "./campaign.js";
import { contentOf, FULL_KINDS, type FullKind, fullOptions, type Outcome, task } from "./full_disk_tasks.js";
import { makeScarce, type Scarcity, smallFiles } from "./scarcity.js";

/** What the child is to do. */
export type FullQuestion = { step: "attempt" | "retry"; kind: FullKind; path: string };

/** No operation needs more room than this. */
const MOST_BYTES = 600_000;
const TIMEOUT_MS = 20_000;

/** Runs every operation with too little space, from none at all to enough, step by step; then makes room and tries again. */
export function fullDisk(options: CampaignOptions): Promise<CampaignResult> {
  return inScratchFolder((folder) => tryAll(options, folder, makeScarce(folder)), true);
}

/** The same with a limit on the size of files, whether or not a disk can be mounted. */
export function fullFiles(options: CampaignOptions): Promise<CampaignResult> {
  return inScratchFolder((folder) => tryAll(options, folder, smallFiles(folder)), true);
}

async function tryAll(options: CampaignOptions, folder: string, scarcity: Scarcity | undefined) {
  if (scarcity === undefined) {
    return { n: 0, failures: [], skipped: "neither may a disk be mounted here nor is there prlimit (util-linux)" };
  }
  const counts: Record<string, number> = { [scarcity.name]: 1 };
  const count = (what: string) => {
    counts[what] = (counts[what] ?? 0) + 1;
  };
  const pool = new ChildPool<FullQuestion, Outcome>("full_disk_child", TIMEOUT_MS, Number.POSITIVE_INFINITY);
  try {
    const template = join(folder, "template.db");
    await task("compact").prepare(template);
    const steps = Math.max(1, Math.ceil(options.trials / FULL_KINDS.length) - 1);
    const trial = async (n: number) => {
      const kind = FULL_KINDS[n % FULL_KINDS.length]!;
      const bytes = Math.round((Math.floor(n / FULL_KINDS.length) * MOST_BYTES) / steps);
      const failures = await tryOne({ pool, scarcity, template, count }, kind, bytes, n);
      return failures.map((failure) => `${kind} with ${bytes} bytes left (${scarcity.name}): ${failure}`);
    };
    return { ...(await runTrials(options, trial, 1)), counts };
  } finally {
    pool.close();
    scarcity.end();
  }
}

interface Parts {
  pool: ChildPool<FullQuestion, Outcome>;
  scarcity: Scarcity;
  template: string;
  count(what: string): void;
}

async function tryOne({ pool, scarcity, template, count }: Parts, kind: FullKind, bytes: number, n: number) {
  const home = join(scarcity.folder, `trial-${n}`);
  mkdirSync(home);
  const path = join(home, "store.db");
  const { before, after } = task(kind);
  if (kind !== "create") copyFileSync(template, path);
  const failures: string[] = [];
  try {
    const first = await pool.ask({ step: "attempt", kind, path }, (pid) => scarcity.leave(bytes, pid));
    failures.push(...judge(first, before, after));
    const second = await pool.ask({ step: "retry", kind, path }, (pid) => scarcity.lift(pid));
    if ("failure" in second) return [...failures, second.failure];
    if (second.value.error) failures.push(`with room again: ${second.value.error} ${second.value.message}`);
    if ("value" in first) count(first.value.error ?? "enough room");
    failures.push(...(await inspect(path, after)));
    if (kind === "backup") failures.push(...(await inspect(`${path}.backup`, after)));
    return failures;
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

function judge(first: Reply<Outcome>, before: string, after: string): string[] {
  if ("failure" in first) return [first.failure];
  const { error, message, content } = first.value;
  if (error !== undefined && error !== "NO_SPACE" && error !== "IO") return [`fails with ${error} (${message})`];
  // Whoever could open it can go on reading, whatever else failed.
  const wanted = error === undefined ? after : before;
  if (content !== undefined && content !== wanted)
    return [`after ${error ?? "success"} it reads otherwise: ${content.slice(0, 200)}`];
  return [];
}

async function inspect(path: string, wanted: string): Promise<string[]> {
  try {
    const store = await VectorStore.open(path, { ...fullOptions(), create: false });
    try {
      const { ok, problems } = await store.verify();
      const failures = ok ? [] : [`verify finds ${problems.slice(0, 3).join("; ")}`];
      if ((await contentOf(store)) !== wanted) failures.push("in the end it holds something else");
      return failures;
    } finally {
      await store.close();
    }
  } catch (error) {
    return [`in the end: ${error}`];
  }
}
