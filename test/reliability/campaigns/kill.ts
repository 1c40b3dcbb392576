import { type ChildProcess, spawn } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { VectorStore } from "../../../src/index.js";
import { programPath } from "../../support/programs.js";
import { seeded } from "../../support/seeded.js";
import { type Campaign, inScratchFolder, runTrials } from "./campaign.js";
import {
  backupPath,
  type Content,
  fillStore,
  firstItems,
  KILL_KINDS,
  type KillKind,
  type KillTask,
  type KillWord,
  killOptions,
  operation,
} from "./kill_operations.js";

/** The kill comes up to so long after the beginning of one of the first operations. */
const LATEST_KILL_MS = 60;
const FIRST_OPERATIONS = 6;
/** Longest that a child may take to begin. */
const START_MS = 30_000;
const PROGRAM = programPath("kill_child");

/** What a child had told when it died. */
interface Told {
  /** Operations that were acknowledged. */
  done: number;
  /** Whether one more had begun. */
  begun: boolean;
  /** How it died if it was not killed. */
  failure?: string;
}

/** Kills writing processes at random moments and looks at what they leave. The kinds take turns. */
export const kill: Campaign = (options) =>
  inScratchFolder(async (folder) => {
    const templates = new Map<boolean, string>();
    for (const graph of [true, false]) templates.set(graph, await makeTemplate(folder, graph));
    const counts: Record<string, number> = {};
    const result = await runTrials(options, async (n) => {
      const kind = KILL_KINDS[n % KILL_KINDS.length]!;
      const home = join(folder, `trial-${n}`);
      mkdirSync(home);
      const path = join(home, "store.db");
      copyFileSync(templates.get(kind === "compact with a graph")!, path);
      const random = seeded(options.seed * 1_000_003 + n);
      const task: KillTask = { path, kind, seed: Math.floor(random() * 2 ** 31) };
      const told = await runAndKill(task, Math.floor(random() * FIRST_OPERATIONS), random() * LATEST_KILL_MS);
      const during = told.begun ? operation(kind, task.seed, told.done).name : "nothing";
      counts[`killed during ${during}`] = (counts[`killed during ${during}`] ?? 0) + 1;
      const failures = told.failure ? [told.failure] : await inspectAll(task, told);
      rmSync(home, { recursive: true, force: true });
      return failures.map((failure) => `${kind}, killed in operation ${told.done} (${during}): ${failure}`);
    });
    return { ...result, counts };
  }, true);

async function makeTemplate(folder: string, graph: boolean): Promise<string> {
  const kind: KillKind = graph ? "compact with a graph" : "add";
  const path = join(folder, `template-${graph}.db`);
  const store = await VectorStore.open(path, killOptions(kind));
  await fillStore(store);
  if (graph) await store.compact();
  await store.close();
  return path;
}

/** Starts a child, kills it so many milliseconds after that operation began, and reads what it had told. */
async function runAndKill(task: KillTask, fatal: number, afterMs: number): Promise<Told> {
  const child = spawn(process.execPath, [PROGRAM, JSON.stringify(task)], { stdio: ["ignore", "pipe", "pipe"] });
  const told: Told = { done: 0, begun: false };
  let timer = setTimeout(() => child.kill("SIGKILL"), START_MS);
  let rest = "";
  let complaint = "";
  child.stderr!.setEncoding("utf8").on("data", (words: string) => {
    complaint += words;
  });
  child.stdout!.setEncoding("utf8").on("data", (words: string) => {
    const lines = (rest + words).split("\n");
    rest = lines.pop()!;
    for (const line of lines) {
      const word = JSON.parse(line) as KillWord;
      if ("begin" in word) {
        told.begun = true;
        if (word.begin !== fatal) continue;
        clearTimeout(timer);
        timer = setTimeout(() => child.kill("SIGKILL"), afterMs);
      } else {
        told.done = word.done + 1;
        told.begun = false;
      }
    }
  });
  const ended = await endOf(child);
  clearTimeout(timer);
  if (ended !== "SIGKILL") told.failure = `the child ended by itself (${ended}): ${complaint.slice(-600)}`;
  return told;
}

function endOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => resolve(signal ?? String(code)));
  });
}

async function inspectAll(task: KillTask, told: Told): Promise<string[]> {
  const contents: Content[] = [new Map(firstItems().map(({ id, text }) => [id!, text]))];
  const operations = Array.from({ length: told.done + (told.begun ? 1 : 0) }, (_, n) =>
    operation(task.kind, task.seed, n),
  );
  for (const { after } of operations) contents.push(after(contents.at(-1)!));
  const possible = contents.slice(told.done);
  const failures = await inspect(task.path, task.kind, possible);
  if (task.kind !== "backup") return failures;
  // The file of the last backup that was acknowledged, or of the one that was under way.
  const backedUp = operations.flatMap(({ name }, n) => (name === "backup" ? [n] : []));
  const acknowledged = backedUp.filter((n) => n < told.done).at(-1);
  const target = backupPath(task.path);
  if (!existsSync(target)) return acknowledged === undefined ? failures : [...failures, "the backup is gone"];
  const copies = backedUp.filter((n) => n >= (acknowledged ?? 0)).map((n) => contents[n]!);
  const found = await inspect(target, task.kind, copies);
  return [...failures, ...found.map((failure) => `the backup: ${failure}`)];
}

/** What is wrong with a store whose content must be one of those possible; writes to it, too. */
async function inspect(path: string, kind: KillKind, possible: readonly Content[]): Promise<string[]> {
  const failures: string[] = [];
  let store: VectorStore | undefined;
  try {
    store = await VectorStore.open(path, { ...killOptions(kind), create: false });
    const { ok, problems } = await store.verify();
    if (!ok) failures.push(`verify finds ${problems.slice(0, 3).join("; ")}`);
    const content = new Map<string, string>();
    for await (const { id, text } of store.passages()) content.set(id, text);
    const unlike = possible.map((wanted) => differenceOf(content, wanted));
    if (unlike.every((sentence) => sentence !== undefined)) failures.push(unlike.join(" and "));
    await store.add([{ id: "afterwards", text: "What is written once the other is dead." }]);
    const { hits } = await store.search("written once the other is dead", { k: 1 });
    if (hits[0]?.id !== "afterwards") failures.push(`the next write is not found: ${JSON.stringify(hits[0])}`);
    await store.delete({ ids: ["afterwards"] });
  } catch (error) {
    failures.push(String(error));
  } finally {
    await store?.close();
  }
  return failures;
}

function differenceOf(content: Content, wanted: Content): string | undefined {
  const lost = [...wanted].filter(([id, text]) => content.get(id) !== text);
  const surplus = [...content].filter(([id]) => !wanted.has(id));
  if (lost.length + surplus.length === 0) return undefined;
  return `${lost.length} passages lost or older (${lost[0]?.[0]}), ${surplus.length} too many (${surplus[0]?.[0]})`;
}
