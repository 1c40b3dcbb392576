/** `embedless import`: adds passages from lines of JSON, such as `embedless export` prints. */

import { createReadStream, statSync } from "node:fs";
import { createInterface } from "node:readline";
import { EmbedlessError } from "../errors.js";
import { VectorStore } from "../index.js";
import type { AddItem, AddResult } from "../types.js";
import { Interrupted } from "./failures.js";
import { count, counted, duration, itemsIn } from "./figures.js";
import { Interruption } from "./interruption.js";
import { type NewStoreOptions, newStoreEmbedder, traitsOf } from "./new_store.js";
import { Progress } from "./progress.js";
import { terminalOf } from "./terminal.js";

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
  const lines = new Lines(file);
  const interruption = new Interruption();
  const embedder = await newStoreEmbedder(options);
  try {
    const store = await VectorStore.open(path, { ...traitsOf(options), ...(embedder && { embedder }) });
    const progress = new Progress(terminal);
    interruption.onFirst = () => lines.stop();
    let result: AddResult;
    try {
      result = await store.add(lines.items(), {
        onProgress: ({ done, committed }) => progress.update({ done, committed, share: lines.share }),
      });
      const done = itemsIn(result);
      progress.update({ done, committed: done, share: lines.share });
    } finally {
      progress.finish();
      await store.close();
    }
    if (interruption.stopped) {
      const message = `Stopped with ${count(itemsIn(result))} passages safe in the store; the same command goes on from here.`;
      throw new Interrupted(message, interruption.exitCode);
    }
    const { ids, ...counts } = result;
    const seconds = (performance.now() - started) / 1000;
    if (options.json) process.stdout.write(`${JSON.stringify({ store: store.path, ...counts, seconds })}\n`);
    else terminal.line(summary(counts, seconds));
  } finally {
    await embedder?.close?.();
    interruption.end();
  }
}

function summary({ added, updated, unchanged, truncated }: Omit<AddResult, "ids">, seconds: number): string {
  const cut = truncated > 0 ? ` · ${counted(truncated, "passage")} longer than the model's window` : "";
  return `added ${count(added)} · replaced ${count(updated)} · unchanged ${count(unchanged)}${cut} after ${duration(seconds)}`;
}

/** Passages out of lines of JSON, read as they are asked for. */
class Lines {
  readonly #file: string;
  readonly #input: NodeJS.ReadableStream;
  readonly #bytes: number | undefined;
  #read = 0;
  #stopped = false;

  constructor(file: string) {
    this.#file = file;
    if (file === "-") {
      this.#input = process.stdin;
      return;
    }
    const stats = statSync(file, { throwIfNoEntry: false });
    if (stats === undefined) throw new EmbedlessError("NOT_FOUND", `There is no file ${JSON.stringify(file)}.`);
    if (stats.isDirectory())
      throw new EmbedlessError("IO", `Expected a file, but ${JSON.stringify(file)} is a folder.`);
    this.#bytes = stats.size;
    this.#input = createReadStream(file);
  }

  /** How much of the file is read; 0 of a stream whose end nobody knows. */
  get share(): number {
    return this.#bytes === undefined ? 0 : Math.min(1, this.#read / Math.max(1, this.#bytes));
  }

  /** Ends the items after the next one. */
  stop(): void {
    this.#stopped = true;
  }

  async *items(): AsyncGenerator<AddItem> {
    let number = 0;
    for await (const line of createInterface({ input: this.#input, crlfDelay: Number.POSITIVE_INFINITY })) {
      number++;
      this.#read += Buffer.byteLength(line) + 1;
      if (this.#stopped) return;
      if (line.trim() === "") continue;
      yield this.#item(line, number);
    }
  }

  #item(line: string, number: number): AddItem {
    const refuse = (why: string) =>
      new EmbedlessError("INVALID_ARGUMENT", `Line ${number} of ${this.#file} is no passage: ${why}.`);
    let value: unknown;
    try {
      // A file that an editor of Windows saved begins with a mark of its encoding.
      value = JSON.parse(number === 1 ? line.replace(/^\uFEFF/, "") : line);
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
}
