/** `embedless compact`: builds a store's graph, or brings it up to date. */

import { VectorStore } from "../index.js";
import type { CompactResult } from "../types.js";
import { type ModelOptions, withModel } from "./embedders.js";
import { bytes, count, counted } from "./figures.js";
import { printJson, terminalOf } from "./terminal.js";
import { Working } from "./working.js";

const DOING = { renumber: "Dropping codes of deleted passages", embed: "Embedding passages", link: "Linking passages" };

/** Options of the command line. */
export interface CompactCommandOptions extends ModelOptions {
  json?: boolean;
}

/** Links what a store has; without a graph to build it says so. */
export async function compact(path: string, options: CompactCommandOptions): Promise<void> {
  await withModel(options, async (opening) => {
    const store = await VectorStore.open(path, { create: false, ...opening });
    try {
      const working = new Working(terminalOf(process.stderr));
      const result = await working.at(DOING.link, (progress) =>
        store.compact({ onProgress: ({ phase, done, total }) => total > 0 && progress(done / total, DOING[phase]) }),
      );
      if (options.json) printJson(result);
      else terminalOf(process.stdout).line(sentenceOf(result));
    } finally {
      await store.close();
    }
  });
}

function sentenceOf({ linked, graphBytes, dropped, freedBytes }: CompactResult): string {
  const graph =
    linked === 0 ? "Nothing to build: all codes are scanned" : `${count(linked)} passages linked, ${bytes(graphBytes)}`;
  const gone = dropped > 0 ? `; codes of ${counted(dropped, "deleted passage")} dropped` : "";
  const given = freedBytes > 0 ? `; ${bytes(freedBytes)} given back` : "";
  return `${graph}${gone}${given}.`;
}
