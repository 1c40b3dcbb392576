/** `embedless backup`: copies a store into another file while it is in use. */

import { statSync } from "node:fs";
import { resolve } from "node:path";
import { VectorStore } from "../index.js";
import { bytes } from "./figures.js";
import { Working } from "./progress.js";
import { printJson, terminalOf } from "./terminal.js";

/** Options of the command line. */
export interface BackupCommandOptions {
  overwrite?: boolean;
  json?: boolean;
}

/** Copies the store. The copy appears whole or not at all. */
export async function backup(
  path: string,
  file: string,
  { overwrite = false, json }: BackupCommandOptions,
): Promise<void> {
  const store = await VectorStore.open(path, { create: false, readOnly: true });
  try {
    const working = new Working(terminalOf(process.stderr));
    await working.at("Copying", (progress) =>
      store.backup(file, { overwrite, onProgress: ({ done, total }) => progress(done / total) }),
    );
  } finally {
    await store.close();
  }
  const copy = { file: resolve(file), bytes: statSync(file).size };
  if (json) printJson(copy);
  else terminalOf(process.stdout).line(`${copy.file}, ${bytes(copy.bytes)}`);
}
