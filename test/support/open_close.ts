/**
 * A process that opens a store, searches, and closes it, over and over: `node open_close.js <file> <warm-up> <rounds>`.
 * Prints what it holds after the warm-up and at the end, as JSON.
 */
import { readdirSync, readFileSync } from "node:fs";
import { VectorStore } from "../../src/index.js";
import { fakeEmbedder } from "./fake_embedder.js";

/** What a process holds at one moment. */
export interface Held {
  /** Open file descriptors. */
  files: number;
  threads: number;
  rssBytes: number;
  /** JavaScript objects and what they hold outside the heap. */
  heapBytes: number;
  /** What keeps the event loop alive. */
  resources: string[];
}

const [file, warmUp, rounds] = process.argv.slice(2);
const embedder = fakeEmbedder();

async function round(n: number): Promise<void> {
  const store = await VectorStore.open(file!, { embedder, keywords: true });
  await store.search(`the river in round ${n % 50}`, { k: 5, mode: n % 3 === 0 ? "hybrid" : "vector" });
  if (n % 10 === 0) await store.add([{ id: "again", text: `Written in round ${n % 50}.` }]);
  await store.close();
  embedder.texts.length = 0; // it keeps all that it was asked
}

async function held(): Promise<Held> {
  globalThis.gc?.();
  // What has ended leaves its handles a turn later.
  await new Promise((resolve) => setTimeout(resolve, 50));
  globalThis.gc?.();
  const threads = /^Threads:\s+(\d+)/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1];
  return {
    files: readdirSync("/proc/self/fd").length,
    threads: Number(threads),
    rssBytes: process.memoryUsage.rss(),
    heapBytes: process.memoryUsage().heapUsed + process.memoryUsage().external,
    resources: process.getActiveResourcesInfo().filter((name) => name !== "PipeWrap" && name !== "Timeout"),
  };
}

for (let n = 0; n < Number(warmUp); n++) await round(n);
const before = await held();
for (let n = 0; n < Number(rounds); n++) await round(n);
console.log(JSON.stringify({ before, after: await held() }));
