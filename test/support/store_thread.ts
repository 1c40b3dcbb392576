/**
 * A thread that works on a store, told by `workerData`. Posts "busy" once the first round is under way and "done" after
 * `rounds` of them; told "close" it closes the store and ends, told "exit" it ends at once. As a program,
 * `node store_thread.js <file> <task>`, it works on the main thread for three rounds, and forgets to close.
 */

import { isMainThread, parentPort, workerData } from "node:worker_threads";
import { VectorStore } from "../../src/index.js";
import { fakeEmbedder } from "./fake_embedder.js";

export interface ThreadWork {
  file: string;
  task: keyof typeof TASKS;
  name: string;
  rounds: number;
}

/** One round of each task. */
const TASKS = {
  add: (store: VectorStore, { name }: ThreadWork, round: number) =>
    store.add(
      Array.from({ length: 10 }, (_, i) => ({
        id: `${name}-${round}-${i}`,
        text: `Thread ${name} wrote line ${i} of round ${round}.`,
      })),
    ),
  search: (store: VectorStore, _: ThreadWork, round: number) =>
    store.search(`What crosses the river in case ${round}?`),
  list: async (store: VectorStore) => {
    for await (const _ of store.passages());
  },
  verify: (store: VectorStore) => store.verify(),
  compact: async (store: VectorStore, work: ThreadWork, round: number) => {
    await TASKS.add(store, work, round);
    await store.compact();
  },
  backup: (store: VectorStore, { file, name }: ThreadWork) => store.backup(`${file}.${name}`, { overwrite: true }),
  churn: async (_: VectorStore, { file }: ThreadWork) => (await VectorStore.open(file)).close(),
};

function open(file: string): Promise<VectorStore> {
  return VectorStore.open(file, { embedder: fakeEmbedder(), lockTimeoutMs: 20_000 });
}

async function work(store: VectorStore, given: ThreadWork, say: (word: string) => void): Promise<void> {
  for (let round = 0; round < given.rounds; round++) {
    const running = TASKS[given.task](store, given, round);
    if (round === 0) say("busy");
    await running;
  }
  say("done");
}

if (isMainThread) {
  const [file, task] = process.argv.slice(2);
  const given = { file: file!, task: task as ThreadWork["task"], name: "main", rounds: 3 };
  await work(await open(file!), given, (word) => console.log(word));
} else {
  const given = workerData as ThreadWork;
  const store = await open(given.file);
  parentPort!.on("message", async (word: "close" | "exit") => {
    if (word === "close") await store.close();
    process.exit(0);
  });
  parentPort!.unref();
  await work(store, given, (word) => parentPort!.postMessage(word)).catch((error: { code?: string }) => {
    if (error.code !== "ABORTED" && error.code !== "CLOSED") throw error;
  });
  await store.close();
}
