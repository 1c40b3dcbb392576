// Starts workers that are busy in native code and terminates them, or exits around them; told by argument.
import { Worker } from "node:worker_threads";

const [file, work, ending] = process.argv.slice(2);
const workers = [0, 1].map(
  () => new Worker(new URL("./teardown_worker.mjs", import.meta.url), { workerData: [file, work, ending] }),
);
for (const worker of workers) {
  worker.on("error", (error) => {
    console.error(error);
    process.exit(3);
  });
}
await Promise.all(workers.map((worker) => new Promise((resolve) => worker.once("message", resolve))));
if (ending === "exit") process.exit(0);
const started = performance.now();
await Promise.all(workers.map((worker) => worker.terminate()));
console.log(`terminated after ${Math.round(performance.now() - started)} ms`);
