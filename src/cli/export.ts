/** `embedless export`: prints a store's passages as lines of JSON. */

import { once } from "node:events";
import { VectorStore } from "../index.js";
import { readFilter } from "./code_names.js";
import { jsonLine, printJsonLines } from "./terminal.js";

/** Options of the command line. */
export interface ExportOptions {
  /** A filter as JSON. */
  filter?: string;
}

/** Characters written in one call. */
const CHUNK_CHARACTERS = 2 ** 16;

/** Prints the passages in the order they were added. No model is needed, and nothing is embedded. */
export async function exportPassages(path: string, options: ExportOptions): Promise<void> {
  const filter = options.filter === undefined ? undefined : readFilter(options.filter);
  const store = await VectorStore.open(path, { create: false, readOnly: true });
  try {
    let lines = "";
    for await (const passage of store.passages(filter === undefined ? {} : { filter })) {
      lines += jsonLine(passage);
      if (lines.length < CHUNK_CHARACTERS) continue;
      await print(lines);
      lines = "";
    }
    await print(lines);
  } finally {
    await store.close();
  }
}

async function print(text: string): Promise<void> {
  if (!printJsonLines(text)) await once(process.stdout, "drain");
}
