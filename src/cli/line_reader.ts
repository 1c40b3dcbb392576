/** The lines of a file, a pipe or the input, each of bounded length. */

import { closeSync, constants, createReadStream, fstatSync, openSync, type Stats, statSync } from "node:fs";
import { Socket } from "node:net";
import type { Readable } from "node:stream";
import { EmbedlessError } from "../errors.js";
import { MAX_METADATA_BYTES } from "../passage/metadata.js";
import { MAX_TEXT_BYTES } from "../passage/text.js";
import { openGivenFile } from "../storage/given_file.js";
import { bytes } from "./figures.js";
import { inUtf8, LineDecoder, type LineEncoding, Undecodable } from "./line_encoding.js";

/** JSON may write a byte as six characters, `\\u0041`; what is longer than that is no passage. */
export const LONGEST_LINE = 6 * (MAX_TEXT_BYTES + MAX_METADATA_BYTES);

const LINE_FEED = 10;
/** Bytes behind the first line that is not UTF-8 by which its encoding is told. */
const SAMPLE_BYTES = 32 * 1024;

/** Reads lines one after another. Nothing is opened before the first line is asked for. */
export class LineReader {
  /** The file as it was given. */
  readonly name: string;
  readonly #bytes: number | undefined;
  readonly #longest: number;
  #input: Readable | undefined;
  #read = 0;
  #stopped = false;
  /** Lines that were read to their ends. */
  #complete = 0;
  #utf16: LineEncoding | undefined;
  readonly #decoder = new LineDecoder();

  /**
   * @param name A file, a named pipe, or `-` for the input.
   * @param longest Most bytes of a line.
   * @throws EmbedlessError `NOT_FOUND`, or `IO` for what is neither a file nor a pipe
   */
  constructor(name: string, longest = LONGEST_LINE) {
    this.name = name;
    this.#longest = longest;
    if (name === "-") return;
    const stats = this.#stats();
    if (!stats.isFile() && !stats.isFIFO()) {
      const what = stats.isDirectory() ? "a folder" : "a device or a socket";
      throw new EmbedlessError("IO", `Expected a file, a pipe or -, but ${JSON.stringify(name)} is ${what}.`);
    }
    this.#bytes = stats.isFile() ? stats.size : undefined;
  }

  /** How much of the file is read; 0 of a stream whose end nobody knows. */
  get share(): number {
    return this.#bytes === undefined ? 0 : Math.min(1, this.#read / Math.max(1, this.#bytes));
  }

  /** What the lines were read as, when not as UTF-8. */
  get encoding(): LineEncoding | undefined {
    return this.#utf16 ?? this.#decoder.found;
  }

  /** Ends the lines, also while the next one is waited for. */
  stop(): void {
    this.#stopped = true;
    this.#input?.destroy();
  }

  /**
   * The lines without their ends, numbered from 1. A mark of the encoding, with which editors of Windows begin a file, is
   * taken off. Lines that are not UTF-8 are decoded by what they are like; see `encoding`.
   *
   * @throws EmbedlessError `IO` for a file of a store that is open here; `LIMIT`, `INVALID_TEXT` naming a line that is too
   *   long or cannot be decoded
   */
  async *lines(): AsyncGenerator<{ line: string; number: number }> {
    let number = 0;
    const raw = this.#rawLines();
    const ahead: Buffer[] = [];
    try {
      for (;;) {
        const line = ahead.shift() ?? (await nextOf(raw));
        if (line === undefined || this.#stopped) return;
        number++;
        if (this.#decoder.needsGuess(line)) {
          await this.#lookAhead(raw, ahead);
          await this.#decoder.guess([line, ...ahead]);
        }
        const text = this.#decoder.decode(line);
        yield { number, line: number === 1 ? text.replace(/^\uFEFF/, "") : text };
      }
    } catch (error) {
      if (!(error instanceof Undecodable)) throw error;
      throw this.#refusal("INVALID_TEXT", Math.max(1, number), error.message);
    } finally {
      await raw.return(undefined);
    }
  }

  /** Takes more lines of a file; one who writes into a pipe may wait for what comes of the first. */
  async #lookAhead(raw: AsyncGenerator<Buffer>, ahead: Buffer[]): Promise<void> {
    if (this.#bytes === undefined) return;
    for (let length = 0; length < SAMPLE_BYTES; ) {
      const line = await nextOf(raw);
      if (line === undefined) return;
      ahead.push(line);
      length += line.length;
    }
  }

  async *#rawLines(): AsyncGenerator<Buffer> {
    let parts: Buffer[] = [];
    let length = 0;
    for await (const chunk of this.#utf8Chunks()) {
      let from = 0;
      for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, from)) {
        yield Buffer.concat([...parts, chunk.subarray(from, end)]);
        this.#complete++;
        [parts, length, from] = [[], 0, end + 1];
      }
      parts.push(chunk.subarray(from));
      length += chunk.length - from;
      if (length > this.#longest) {
        const limit = bytes(this.#longest);
        throw this.#refusal("LIMIT", this.#complete + 1, `has more than ${limit}, which no passage needs`);
      }
    }
    if (length > 0) yield Buffer.concat(parts);
  }

  async *#utf8Chunks(): AsyncGenerator<Buffer> {
    try {
      yield* inUtf8(this.#chunks(), (found) => {
        this.#utf16 = found;
      });
    } catch (error) {
      if (error instanceof Undecodable) throw this.#refusal("INVALID_TEXT", this.#complete + 1, error.message);
      throw error;
    }
  }

  async *#chunks(): AsyncGenerator<Buffer> {
    if (this.#stopped) return;
    const input = this.#open();
    this.#input = input;
    try {
      for await (const given of input) {
        const chunk = typeof given === "string" ? Buffer.from(given) : (given as Buffer);
        this.#read += chunk.length;
        yield chunk;
      }
    } catch (error) {
      if (!this.#stopped) throw error;
    } finally {
      input.destroy();
    }
  }

  #open(): Readable {
    if (this.name === "-") return process.stdin;
    if (this.#stats().isFIFO()) return this.#openPipe();
    const descriptor = openGivenFile(this.name);
    if (typeof descriptor === "number") return createReadStream(this.name, { fd: descriptor });
    const why = descriptor === "openStore" ? "the store itself" : "no regular file any more";
    throw new EmbedlessError("IO", `Expected lines of JSON, but ${JSON.stringify(this.name)} is ${why}.`);
  }

  /** Without waiting for somebody who writes: a thread that waits there could not be stopped. */
  #openPipe(): Readable {
    const descriptor = openSync(this.name, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    if (fstatSync(descriptor).isFIFO()) return new Socket({ fd: descriptor, readable: true, writable: false });
    closeSync(descriptor);
    throw new EmbedlessError("IO", `The pipe ${JSON.stringify(this.name)} was replaced by another file.`);
  }

  #stats(): Stats {
    const stats = statSync(this.name, { throwIfNoEntry: false });
    if (stats !== undefined) return stats;
    throw new EmbedlessError("NOT_FOUND", `There is no file ${JSON.stringify(this.name)}.`);
  }

  #refusal(code: "LIMIT" | "INVALID_TEXT", number: number, why: string): EmbedlessError {
    return new EmbedlessError(code, `Line ${number} of ${this.name} ${why}.`);
  }
}

async function nextOf(lines: AsyncGenerator<Buffer>): Promise<Buffer | undefined> {
  const { value, done } = await lines.next();
  return done ? undefined : value;
}
