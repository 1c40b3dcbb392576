import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { type SearchCost, VectorStore } from "../../src/index.js";
import { type DataPassage, readPassages, readQueries } from "../support/data.js";
import { choose, seeded } from "../support/seeded.js";
import type { Bench, BenchContext } from "./bench.js";
import { mean, percentile, round } from "./report.js";

const PASSAGES = 5_000;
const QUESTIONS = 200;
/** Processes that are started for the time to the first answer; the median counts. */
const STARTS = 5;
/** The file must be smaller than this share of the texts. */
const WANTED_SIZE = 0.7;

/** What is put in and asked. */
interface Task {
  readonly passages: readonly DataPassage[];
  readonly questions: readonly { readonly text: string; readonly relevant: readonly string[] }[];
}

/** A whole store with the bundled model. */
export const store: Bench = {
  name: "store",
  about: "5,000 real passages end to end: size of the file, time of questions, time to the first answer",
  needsData: true,
  run: measureStore,
};

async function measureStore({ report, data }: BenchContext): Promise<void> {
  const folder = mkdtempSync(path.join(tmpdir(), "embedless-bench-"));
  const file = path.join(folder, "store.db");
  try {
    const task = chooseTask(data);
    const built = await build(file, task.passages);
    const asked = await ask(file, task.questions, built.idOf);
    const firstAnswerMs = await timeToFirstAnswer(file, task.questions[0]!.text);
    const { rawBytes, fileBytes } = built;
    const totals = asked.costs.map((cost) => cost.totalMs);
    report.figures("store", [
      {
        record: {
          passages: task.passages.length,
          rawBytes,
          fileBytes,
          p50Ms: round(percentile(totals, 0.5), 1),
          p95Ms: round(percentile(totals, 0.95), 1),
          meanRecomputes: round(mean(asked.costs.map((cost) => cost.recomputed)), 2),
          firstAnswerMs,
        },
        beside: { fileToRaw: round(fileBytes / rawBytes, 3), addSeconds: built.seconds, answered: asked.answered },
      },
    ]);
    report.aside("mean milliseconds of a question", [timeSpent(asked.costs)]);
    report.target(`the file is smaller than ${WANTED_SIZE} of the texts`, fileBytes < WANTED_SIZE * rawBytes);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Questions, the passages that answer them, and others to fill up, all by one seed. */
function chooseTask(data: string): Task {
  const random = seeded(3);
  const set = readQueries(data, "questions");
  const all = set.texts.map((text, i) => ({ text, relevant: set.relevant[i]! }));
  const questions = choose(
    all.filter((question) => question.relevant.length > 0),
    QUESTIONS,
    random,
  );
  const needed = new Set(questions.flatMap((question) => question.relevant));
  const passages = readPassages(data);
  const answers = passages.filter((passage) => needed.has(passage.id));
  const others = passages.filter((passage) => !needed.has(passage.id));
  const mixed = [...answers, ...choose(others, PASSAGES - answers.length, random)];
  return { passages: choose(mixed, PASSAGES, random), questions };
}

/** Adds all passages under ids that the store makes, and closes it. */
async function build(file: string, passages: readonly DataPassage[]) {
  const before = performance.now();
  const made = await VectorStore.open(file);
  const { ids } = await made.add(passages.map(({ text }) => ({ text })));
  await made.close();
  const seconds = round((performance.now() - before) / 1000, 1);
  const log = `${file}-wal`;
  const fileBytes = statSync(file).size + (existsSync(log) ? statSync(log).size : 0);
  const rawBytes = passages.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0);
  return { seconds, fileBytes, rawBytes, idOf: new Map(passages.map(({ id }, i) => [id, ids[i]!])) };
}

/** Asks each question once. No vector is kept from one question to the next, so each pays in full. */
async function ask(
  file: string,
  questions: Task["questions"],
  idOf: ReadonlyMap<string, string>,
): Promise<{ costs: SearchCost[]; answered: number }> {
  const opened = await VectorStore.open(file, { cacheBytes: 0 });
  try {
    await opened.search("Is the model loaded?");
    const costs: SearchCost[] = [];
    let answered = 0;
    for (const { text, relevant } of questions) {
      const { hits, cost } = await opened.search(text);
      costs.push(cost);
      const wanted = new Set(relevant.map((id) => idOf.get(id)));
      if (hits.some(({ id }) => wanted.has(id))) answered++;
    }
    return { costs, answered: round(answered / questions.length, 3) };
  } finally {
    await opened.close();
  }
}

/** Mean milliseconds of searches by what they went into. */
export function timeSpent(costs: readonly SearchCost[]) {
  const of = (read: (cost: SearchCost) => number) => round(mean(costs.map(read)), 2);
  return {
    question: of((cost) => cost.queryMs),
    scan: of((cost) => cost.scanMs),
    readTexts: of((cost) => cost.readMs),
    recompute: of((cost) => cost.recomputeMs),
    rest: of((cost) => cost.totalMs - cost.queryMs - cost.scanMs - cost.readMs - cost.recomputeMs),
    total: of((cost) => cost.totalMs),
  };
}

/** From the start of a process to its first hit, in milliseconds. */
async function timeToFirstAnswer(file: string, question: string): Promise<number> {
  const program = fileURLToPath(new URL("./first_answer.js", import.meta.url));
  const times: number[] = [];
  for (let i = 0; i < STARTS; i++) {
    const before = performance.now();
    const child = spawn(process.execPath, [program, file, question], { stdio: ["ignore", "pipe", "inherit"] });
    const ended = once(child, "exit");
    const answer = once(child.stdout, "data").then(() => times.push(performance.now() - before));
    const [status] = await ended;
    if (status !== 0) throw new Error(`The process that asks the first question ended with status ${status}.`);
    await answer;
  }
  return Math.round(percentile(times, 0.5));
}
