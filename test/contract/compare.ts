/**
 * `npm run compare [-- --json]`: what a LangChain vector store should do, and which ones do it. Runs the contract suite
 * against ours, LangChain's own in memory, and each peer that is installed.
 */
import { rowsOf, runSuite, tableOf } from "./comparison.js";
import { availableSubjects, INSTALL } from "./subjects.js";

const json = process.argv.includes("--json");
const { names, missing } = availableSubjects();
const stores = new Map<string, Awaited<ReturnType<typeof runSuite>>>();
for (const name of names) {
  if (!json) console.error(`${name} ...`);
  stores.set(name, await runSuite(name));
}
const rows = rowsOf(stores);
if (json) console.log(JSON.stringify({ bench: "contract", stores: names, missing, rows }));
else console.log(`\n${tableOf(rows)}`);
const silent = names.filter((name) => stores.get(name)?.size === 0);
if (silent.length > 0) console.error(`\nThe suite did not end with ${silent.join(", ")}: nothing of it counts.`);
if (missing.length > 0) console.error(`\nNot installed and left out: ${missing.join(", ")}. \`${INSTALL}\` gets them.`);
