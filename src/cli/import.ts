import { existsSync, rmSync } from "node:fs";
import type { AddItem, AddResult } from "../api/passage.js";
import { EmbedlessError, isError } from "../base/errors.js";
import { VectorStore } from "../index.js";
import { type NewStoreOptions, newStoreTraits, updateAddress, withModel } from "./embedders.js";
import { Interrupted, Interruption } from "./failures.js";
import { count, counted, duration, itemsIn } from "./figures.js";
import { LineReader } from "./line_reader.js";
import { BuildProgress } from "./progress.js";
import { printJson, terminalOf } from "./terminal.js";

/** Options of the command line. */
export interface ImportOptions extends NewStoreOptions {
  json?: boolean;
}

/**
 * Adds the passages of a file. A passage that the store has already with the same text is not embedded again. Passages
 * of white space are skipped and counted. A wrong line ends the import: everything before it is safe in the store, and
 * the same command continues from there once the line is corrected.
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
      const store = await VectorStore.open(path, { ...newStoreTraits(options), ...opening });
      const progress = new BuildProgress(terminal);
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
        const message = `Stopped with ${count(itemsIn(result))} passages safe in the store. The same command continues from here.`;
        throw new Interrupted(message, interruption.exitCode);
      }
      const { ids, ...counts } = result;
      const seconds = (performance.now() - started) / 1000;
      const { skipped, ignored } = items;
      const { encoding, guessed } = lines.encoding ?? { encoding: "utf-8", guessed: false };
      if (options.json) {
        printJson({
          store: store.path,
          ...counts,
          skipped,
          ignored: Object.fromEntries(ignored),
          encoding,
          guessed,
          seconds,
        });
        return;
      }
      terminal.line(summary(counts, skipped, seconds));
      if (ignored.size > 0) terminal.line(ignoredSentence(ignored));
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

/** Keys named in the summary. */
const KEYS_NAMED = 3;

/** "not stored: title (12 lines), url (3 lines)": what a passage has no place for. */
function ignoredSentence(ignored: ReadonlyMap<string, number>): string {
  const most = [...ignored].sort((a, b) => b[1] - a[1]);
  const named = most.slice(0, KEYS_NAMED).map(([key, lines]) => `${JSON.stringify(key)} of ${counted(lines, "line")}`);
  const rest = most.length > KEYS_NAMED ? ` and ${counted(most.length - KEYS_NAMED, "other key")}` : "";
  return `  not stored: ${named.join(", ")}${rest}; a passage has id, text, metadata and vector`;
}

/** Keys that are counted, so that odd lines do not fill the memory. */
const KEYS_COUNTED = 1_000;

/** Reads passages when the store asks for them. */
export class ImportedLines {
  readonly #lines: LineReader;
  /** Passages that do not stand on the line after the passage before them: their index and their line. */
  readonly #jumps: { place: number; line: number }[] = [];
  #passages = 0;
  #skipped = 0;
  readonly #ignored = new Map<string, number>();

  constructor(lines: LineReader) {
    this.#lines = lines;
  }

  /** Number of passages that were skipped because they hold only white space. */
  get skipped(): number {
    return this.#skipped;
  }

  /** Keys of lines that are not stored, and how many lines have each. */
  get ignored(): ReadonlyMap<string, number> {
    return this.#ignored;
  }

  /** @throws EmbedlessError `INVALID_ARGUMENT` naming a line that is not a passage; what `LineReader` throws */
  async *passages(): AsyncGenerator<AddItem> {
    for await (const { line, number } of this.#lines.lines()) {
      if (line.trim() === "") continue;
      const { others, ...item } = itemOf(line, `Line ${number} of ${this.#lines.name}`);
      for (const key of others) {
        const before = this.#ignored.get(key);
        if (before !== undefined || this.#ignored.size < KEYS_COUNTED) this.#ignored.set(key, (before ?? 0) + 1);
      }
      if (item.text.trim() === "") {
        this.#skipped++;
        continue;
      }
      if (this.#lineOf(this.#passages) !== number) this.#jumps.push({ place: this.#passages, line: number });
      this.#passages++;
      yield item;
    }
  }

  /** Renames `items[3]` in an error of the store to its line. Other errors stay as they are. */
  named(error: unknown): unknown {
    if (!isError(error)) return error;
    const [place] = /\bitems\[\d+\]/.exec(error.message) ?? [];
    if (place === undefined) return error;
    const line = (item: string) => `line ${this.#lineOf(Number(item))}`;
    // If an embedder refused a text, the message says so already and names the passage's id.
    const [refused = "", id = ""] = /^items\[\d+\]( with the id .*)? is refused\. /.exec(error.message) ?? [];
    const why = error.message.slice(refused.length);
    const said = why.replaceAll(`${place}.`, "").replace(/\bitems\[(\d+)\]/g, (_, item) => line(item));
    error.message = `Line ${this.#lineOf(Number(place.slice(6, -1)))} of ${this.#lines.name}${id} is refused: ${said}`;
    return error;
  }

  #lineOf(place: number): number {
    const jump = this.#jumps.findLast((jump) => jump.place <= place);
    return jump ? jump.line + place - jump.place : place + 1;
  }
}

/** The passage of a line, and the keys that it has besides. */
function itemOf(line: string, place: string): AddItem & { others: string[] } {
  const refuse = (why: string) => new EmbedlessError("INVALID_ARGUMENT", `${place} is not a passage: ${why}.`);
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    throw refuse((error as Error).message);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw refuse("it is not a JSON object");
  const { id, text, metadata, vector, ...others } = value as AddItem;
  if (typeof text !== "string") throw refuse('it has no "text"');
  return {
    others: Object.keys(others),
    text,
    ...(id !== undefined && { id }),
    ...(metadata !== undefined && { metadata }),
    ...(vector !== undefined && { vector }),
  };
}
