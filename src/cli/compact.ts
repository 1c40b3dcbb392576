/** `embedless compact`: builds a store's graph, or brings it up to date. */

import { VectorStore } from "../index.js";
import { bytes, count } from "./figures.js";
import { terminalOf } from "./terminal.js";
import { Working } from "./working.js";

const DOING = { embed: "Embedding passages", link: "Linking passages" };

/** Links what a store has; without a graph to build it says so. */
export async function compact(path: string, options: { json?: boolean }): Promise<void> {
  const store = await VectorStore.open(path, { create: false });
  try {
    const working = new Working(terminalOf(process.stderr));
    const result = await working.at(DOING.link, (progress) =>
      store.compact({ onProgress: ({ phase, done, total }) => total > 0 && progress(done / total, DOING[phase]) }),
    );
    if (options.json) process.stdout.write(`${JSON.stringify(result)}\n`);
    else if (result.linked === 0) process.stdout.write("Nothing to build: all codes are scanned.\n");
    else process.stdout.write(`${count(result.linked)} passages linked, ${bytes(result.graphBytes)}\n`);
  } finally {
    await store.close();
  }
}
