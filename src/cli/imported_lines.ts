/** Passages out of lines of JSON, and the lines that errors about passages speak of. */

import { EmbedlessError, isError } from "../errors.js";
import type { AddItem } from "../types.js";
import type { LineReader } from "./line_reader.js";

/** Reads passages as they are asked for. */
export class ImportedLines {
  readonly #lines: LineReader;
  /** Where a passage does not stand on the line after that of the one before it: its place and its line. */
  readonly #jumps: { place: number; line: number }[] = [];
  #passages = 0;
  #skipped = 0;

  constructor(lines: LineReader) {
    this.#lines = lines;
  }

  /** Passages that were left out because they hold nothing but white space. */
  get skipped(): number {
    return this.#skipped;
  }

  /** @throws EmbedlessError `INVALID_ARGUMENT` naming a line that is no passage; what `LineReader` throws */
  async *passages(): AsyncGenerator<AddItem> {
    for await (const { line, number } of this.#lines.lines()) {
      if (line.trim() === "") continue;
      const item = itemOf(line, `Line ${number} of ${this.#lines.name}`);
      if (item.text.trim() === "") {
        this.#skipped++;
        continue;
      }
      if (this.#lineOf(this.#passages) !== number) this.#jumps.push({ place: this.#passages, line: number });
      this.#passages++;
      yield item;
    }
  }

  /** An error of the store about `items[3]` as one about its line; any other as it is. */
  named(error: unknown): unknown {
    if (!isError(error)) return error;
    const [place] = /\bitems\[\d+\]/.exec(error.message) ?? [];
    if (place === undefined) return error;
    const line = (item: string) => `line ${this.#lineOf(Number(item))}`;
    // What an embedder refused says so already, with the passage's id.
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
