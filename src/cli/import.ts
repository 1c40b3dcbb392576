/** `embedless import`: adds passages from lines of JSON, such as `embedless export` prints. */

import { existsSync, rmSync } from "node:fs";
import { VectorStore } from "../index.js";
import type { AddResult } from "../types.js";
import { updateAddress } from "./address.js";
import { withModel } from "./embedders.js";
import { Interrupted } from "./failures.js";
import { count, counted, duration, itemsIn } from "./figures.js";
import { ImportedLines } from "./imported_lines.js";
import { Interruption } from "./interruption.js";
import { LineReader } from "./line_reader.js";
import { type NewStoreOptions, traitsOf } from "./new_store.js";
import { Progress } from "./progress.js";
import { printJson, terminalOf } from "./terminal.js";

/** Options of the command line. */
export interface ImportOptions extends NewStoreOptions {
  json?: boolean;
}

/**
 * Adds what the lines say; what the store has already, text for text, is not embedded again. Passages of nothing but white
 * space are skipped and counted. A wrong line ends the import: what came before it is safe in the store, and the same
 * command goes on from there once the line is mended.
 *
 * @throws Interrupted after Ctrl-C, UsageError, EmbedlessError.
 */
export async function importPassages(path: string, file: string, options: ImportOptions): Promise<void> {
  const started = performance.now();
  const terminal = terminalOf(options.json ? process.stderr : process.stdout);
  const lines = new LineReader(file);
  const items = new ImportedLines(lines);
  const interruption = new Interruption();
  interruption.onFirst = () => lines.stop();
  try {
    await withModel(options, path, async (opening) => {
      const isNew = !existsSync(path);
      const store = await VectorStore.open(path, { ...traitsOf(options), ...opening });
      const progress = new Progress(terminal);
      let result: AddResult;
      let leavesNothing = false;
      try {
        result = await store.add(items.passages(), {
          onProgress: ({ done, committed }) => progress.update({ done, committed, share: lines.share }),
        });
        const done = itemsIn(result);
        progress.update({ done, committed: done, share: lines.share });
      } catch (error) {
        leavesNothing = isNew && (await store.count()) === 0;
        throw items.named(error);
      } finally {
        progress.finish();
        await store.close();
        if (leavesNothing) rmSync(path);
      }
      if (opening.embedder) await updateAddress(path, opening.embedder);
      if (interruption.stopped) {
        const message = `Stopped with ${count(itemsIn(result))} passages safe in the store; the same command goes on from here.`;
        throw new Interrupted(message, interruption.exitCode);
      }
      const { ids, ...counts } = result;
      const seconds = (performance.now() - started) / 1000;
      const { skipped } = items;
      const { encoding, guessed } = lines.encoding ?? { encoding: "utf-8", guessed: false };
      if (options.json) {
        printJson({ store: store.path, ...counts, skipped, encoding, guessed, seconds });
        return;
      }
      terminal.line(summary(counts, skipped, seconds));
      if (encoding !== "utf-8") terminal.line(`  read as ${encoding}${guessed ? ", a guess" : ""}`);
    });
  } finally {
    interruption.end();
  }
}

function summary(result: Omit<AddResult, "ids">, skipped: number, seconds: number): string {
  const { added, updated, unchanged, truncated } = result;
  const cut = truncated > 0 ? ` · ${counted(truncated, "passage")} longer than the model's window` : "";
  const blank = skipped > 0 ? ` · skipped ${count(skipped)} without text` : "";
  return `added ${count(added)} · replaced ${count(updated)} · unchanged ${count(unchanged)}${blank}${cut} after ${duration(seconds)}`;
}
