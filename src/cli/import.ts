/** `embedless import`: adds passages from lines of JSON, such as `embedless export` prints. */

import { EmbedlessError, isError } from "../errors.js";
import { VectorStore } from "../index.js";
import type { AddItem, AddResult } from "../types.js";
import { updateAddress } from "./address.js";
import { withModel } from "./embedders.js";
import { Interrupted } from "./failures.js";
import { count, counted, duration, itemsIn } from "./figures.js";
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
 * Adds what the lines say; what the store has already, text for text, is not embedded again. A wrong line ends the import:
 * what came before it is safe in the store, and the same command goes on from there once the line is mended.
 *
 * @throws Interrupted after Ctrl-C, UsageError, EmbedlessError.
 */
export async function importPassages(path: string, file: string, options: ImportOptions): Promise<void> {
  const started = performance.now();
  const terminal = terminalOf(options.json ? process.stderr : process.stdout);
  const lines = new LineReader(file);
  const interruption = new Interruption();
  interruption.onFirst = () => lines.stop();
  try {
    await withModel(options, path, async (opening) => {
      const store = await VectorStore.open(path, { ...traitsOf(options), ...opening });
      const progress = new Progress(terminal);
      let result: AddResult;
      try {
        const skipped: number[] = [];
        result = await store
          .add(itemsOf(lines, skipped), {
            onProgress: ({ done, committed }) => progress.update({ done, committed, share: lines.share }),
          })
          .catch((error: unknown) => {
            throw namingLine(error, lines.name, skipped);
          });
        const done = itemsIn(result);
        progress.update({ done, committed: done, share: lines.share });
      } finally {
        progress.finish();
        await store.close();
      }
      if (opening.embedder) await updateAddress(path, opening.embedder);
      if (interruption.stopped) {
        const message = `Stopped with ${count(itemsIn(result))} passages safe in the store; the same command goes on from here.`;
        throw new Interrupted(message, interruption.exitCode);
      }
      const { ids, ...counts } = result;
      const seconds = (performance.now() - started) / 1000;
      if (options.json) printJson({ store: store.path, ...counts, seconds });
      else terminal.line(summary(counts, seconds));
    });
  } finally {
    interruption.end();
  }
}

function summary({ added, updated, unchanged, truncated }: Omit<AddResult, "ids">, seconds: number): string {
  const cut = truncated > 0 ? ` · ${counted(truncated, "passage")} longer than the model's window` : "";
  return `added ${count(added)} · replaced ${count(updated)} · unchanged ${count(unchanged)}${cut} after ${duration(seconds)}`;
}

/**
 * Passages out of lines of JSON, read as they are asked for.
 *
 * @param skipped Gets, for each empty line, how many passages came before it.
 */
async function* itemsOf(lines: LineReader, skipped: number[]): AsyncGenerator<AddItem> {
  let items = 0;
  for await (const { line, number } of lines.lines()) {
    if (line.trim() === "") skipped.push(items);
    else {
      items++;
      yield itemOf(line, `Line ${number} of ${lines.name}`);
    }
  }
}

/** An error with the line of the file in place of the item that the store speaks of. */
function namingLine(error: unknown, name: string, skipped: readonly number[]): unknown {
  if (!isError(error)) return error;
  error.message = error.message.replace(/\bitems\[(\d+)\](?:\.(\w+))?/, (_, index: string, part?: string) => {
    const before = skipped.filter((items) => items <= Number(index)).length;
    const line = `line ${Number(index) + 1 + before} of ${name}`;
    return part === undefined ? line : `the ${part} of ${line}`;
  });
  return error;
}

function itemOf(line: string, place: string): AddItem {
  const refuse = (why: string) => new EmbedlessError("INVALID_ARGUMENT", `${place} is no passage: ${why}.`);
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    throw refuse((error as Error).message);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw refuse("it is not a JSON object");
  const { id, text, metadata, vector } = value as AddItem;
  if (typeof text !== "string") throw refuse('it has no "text"');
  return {
    text,
    ...(id !== undefined && { id }),
    ...(metadata !== undefined && { metadata }),
    ...(vector !== undefined && { vector }),
  };
}
