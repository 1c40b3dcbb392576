/** A process that changes a store until it is killed: `node kill_child.js <KillTask as JSON>`. Tells what it does on stdout. */
import { writeSync } from "node:fs";
import { VectorStore } from "../../src/index.js";
import { type KillTask, type KillWord, killOptions, operation } from "../reliability/campaigns/kill_operations.js";

const { path, kind, seed } = JSON.parse(process.argv[2]!) as KillTask;
// Written at once: what is acknowledged has left the process.
const tell = (word: KillWord) => writeSync(1, `${JSON.stringify(word)}\n`);

const store = await VectorStore.open(path, killOptions(kind));
for (let n = 0; ; n++) {
  tell({ begin: n });
  await operation(kind, seed, n).run(store);
  tell({ done: n });
}
