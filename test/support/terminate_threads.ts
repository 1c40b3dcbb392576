/**
 * Ends threads that work on a store, again and again, each a few milliseconds after it got busy:
 * `node terminate_threads.js <file> <task> <times> <terminate | close | exit>`. `terminate` does so from outside; the
 * others tell the thread. Prints how many ended.
 */

import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { seeded } from "./seeded.js";

const [file, task, times, ending] = process.argv.slice(2);
const random = seeded(1);
for (let i = 0; i < Number(times); i++) {
  const worker = new Worker(new URL("./store_thread.js", import.meta.url), {
    workerData: { file, task, name: `t${i}`, rounds: 10_000 },
  });
  worker.on("error", (error) => {
    console.error(error);
    process.exit(3);
  });
  await once(worker, "message");
  await sleep(random() * 30);
  if (ending === "terminate") {
    await worker.terminate();
    continue;
  }
  const ended = once(worker, "exit");
  worker.postMessage(ending);
  await ended;
}
console.log(`ended ${times}`);
