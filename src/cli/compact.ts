/** `embedless compact`: trains a waiting codebook, and builds or updates a store's graph. */

import type { CompactResult } from "../api/upkeep.js";
import { VectorStore } from "../index.js";
import { type ModelOptions, withModel } from "./embedders.js";
import { bytes, count, counted } from "./figures.js";
import { Working } from "./progress.js";
import { printJson, terminalOf } from "./terminal.js";

const DOING = {
  train: "Training the codebook",
  embed: "Embedding passages",
  link: "Linking passages",
  renumber: "Removing codes of deleted passages",
  merge: "Merging the table of words",
};

/** Options of the command line. */
export interface CompactCommandOptions extends ModelOptions {
  json?: boolean;
}

/** Compacts a store and prints what was done. */
export async function compact(path: string, options: CompactCommandOptions): Promise<void> {
  await withModel(options, path, async (opening) => {
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

function sentenceOf(result: CompactResult): string {
  const { linked, graphBytes, trained, dropped, keywordBytes, keywordBytesBefore, freedBytes } = result;
  const codes = trained > 0 ? `Codebook trained, ${counted(trained, "passage")} coded; ` : "";
  const graph =
    linked > 0
      ? `${count(linked)} passages linked, ${bytes(graphBytes)}`
      : trained > 0
        ? "all codes are scanned"
        : "Nothing to build: all codes are scanned";
  const gone = dropped > 0 ? `; codes of ${counted(dropped, "deleted passage")} removed` : "";
  const words =
    keywordBytes < keywordBytesBefore
      ? `; words take ${bytes(keywordBytes)} instead of ${bytes(keywordBytesBefore)}`
      : "";
  const given = freedBytes > 0 ? `; ${bytes(freedBytes)} given back` : "";
  return `${codes}${graph}${gone}${words}${given}.`;
}
