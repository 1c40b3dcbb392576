/** `embedless compact`: builds a store's graph, or brings it up to date. */

import { VectorStore } from "../index.js";
import { bytes, count, counted } from "./figures.js";
import { terminalOf } from "./terminal.js";
import { Working } from "./working.js";

const DOING = { renumber: "Dropping codes of deleted passages", embed: "Embedding passages", link: "Linking passages" };

/** Links what a store has; without a graph to build it says so. */
export async function compact(path: string, options: { json?: boolean }): Promise<void> {
  const store = await VectorStore.open(path, { create: false });
  try {
    const working = new Working(terminalOf(process.stderr));
    const result = await working.at(DOING.link, (progress) =>
      store.compact({ onProgress: ({ phase, done, total }) => total > 0 && progress(done / total, DOING[phase]) }),
    );
    if (options.json) process.stdout.write(`${JSON.stringify(result)}\n`);
    else {
      const { linked, graphBytes, dropped, freedBytes } = result;
      const graph =
        linked === 0
          ? "Nothing to build: all codes are scanned"
          : `${count(linked)} passages linked, ${bytes(graphBytes)}`;
      const gone = dropped > 0 ? `; codes of ${counted(dropped, "deleted passage")} dropped` : "";
      process.stdout.write(`${graph}${gone}${freedBytes > 0 ? `; ${bytes(freedBytes)} given back` : ""}.\n`);
    }
  } finally {
    await store.close();
  }
}
