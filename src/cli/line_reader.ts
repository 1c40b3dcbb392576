import { isAscii, isUtf8 } from "node:buffer";
import { closeSync, constants, createReadStream, fstatSync, openSync, type Stats, statSync } from "node:fs";
import { Socket } from "node:net";
import type { Readable } from "node:stream";
import { TextDecoder } from "node:util";
import { MAX_TEXT_BYTES } from "../api/input.js";
import { EmbedlessError } from "../base/errors.js";
import { decodeAs, decodeText, markOf } from "../folder/encoding.js";
import { MAX_METADATA_BYTES } from "../passage/metadata.js";
import { openGivenFile } from "../storage/open_files.js";
import { bytes } from "./figures.js";

/** JSON may write a byte as six characters, `\\u0041`. A longer line cannot be a passage. */
export const LONGEST_LINE = 6 * (MAX_TEXT_BYTES + MAX_METADATA_BYTES);

const LINE_FEED = 10;
/** Bytes after the first line that is not UTF-8 from which the encoding is guessed. */
const SAMPLE_BYTES = 32 * 1024;

/** Reads a file line by line. It is opened when the first line is asked for. */
export class LineReader {
  /** The name of the file as it was given. */
  readonly name: string;
  readonly #bytes: number | undefined;
  readonly #longest: number;
  #input: Readable | undefined;
  #read = 0;
  #stopped = false;
  /** Number of lines that were read to their ends. */
  #complete = 0;
  #utf16: LineEncoding | undefined;
  readonly #decoder = new LineDecoder();

  /**
   * @param name A file, a named pipe, or `-` for standard input.
   * @param longest Most bytes per line.
   * @throws EmbedlessError `NOT_FOUND`, or `IO` if it is neither a file nor a pipe
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

  /** The share of the file that was read; 0 for a stream of unknown length. */
  get share(): number {
    return this.#bytes === undefined ? 0 : Math.min(1, this.#read / Math.max(1, this.#bytes));
  }

  /** The encoding of the lines if it is not UTF-8. */
  get encoding(): LineEncoding | undefined {
    return this.#utf16 ?? this.#decoder.found;
  }

  /** Ends the lines, even while the next one is awaited. */
  stop(): void {
    this.#stopped = true;
    this.#input?.destroy();
  }

  /**
   * The lines without their line breaks, numbered from 1. A byte order mark is removed. If lines are not UTF-8, their
   * encoding is guessed; see `encoding`.
   *
   * @throws EmbedlessError `IO` for a file of a store that is open here; `LIMIT`, `INVALID_TEXT` naming a line that is
   *   too long or cannot be decoded
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

  /**
   * Reads more lines of a file. A pipe is not read ahead, because its writer may wait for the effect of the first line.
   */
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
        throw this.#refusal("LIMIT", this.#complete + 1, `has more than ${limit}, more than any passage needs`);
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
    const why = descriptor === "openStore" ? "the store itself" : "no longer a regular file";
    throw new EmbedlessError("IO", `Expected lines of JSON, but ${JSON.stringify(this.name)} is ${why}.`);
  }

  /** Opens without waiting for a writer, because a thread that waits there could not be stopped. */
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

/** The encoding of lines that are not UTF-8. */
export interface LineEncoding {
  /** The WHATWG name. */
  encoding: string;
  /** Whether it was guessed, because there is no byte order mark. */
  guessed: boolean;
}

/** Bytes from which UTF-16 is recognised. */
const PROBED_BYTES = 4;

/** Says why bytes are not text. */
export class Undecodable extends Error {
  override readonly name = "Undecodable";
}

/**
 * Converts UTF-16 to UTF-8 and leaves other bytes as they are. A line of JSON begins with an ASCII character, so UTF-16
 * is recognised without a mark.
 *
 * @param tell Called if the bytes are UTF-16.
 * @throws Undecodable for UTF-32 and for invalid UTF-16
 */
export async function* inUtf8(
  chunks: AsyncIterable<Buffer>,
  tell: (found: LineEncoding) => void,
): AsyncGenerator<Buffer> {
  let first: Buffer | undefined = Buffer.alloc(0);
  let decoder: TextDecoder | undefined;
  for await (const chunk of chunks) {
    if (first === undefined) {
      yield decoder ? decoded(decoder, chunk) : chunk;
      continue;
    }
    first = Buffer.concat([first, chunk]);
    if (first.length < PROBED_BYTES) continue;
    decoder = decoderFor(first, tell);
    yield decoder ? decoded(decoder, first) : first;
    first = undefined;
  }
  if (first !== undefined) {
    decoder = decoderFor(first, tell);
    yield decoder ? decoded(decoder, first) : first;
  }
  if (decoder) yield decoded(decoder);
}

function decoderFor(bytes: Buffer, tell: (found: LineEncoding) => void): TextDecoder | undefined {
  const mark = markOf(bytes);
  if (mark === "utf-32") throw new Undecodable("is UTF-32, which is not supported");
  const [first, second] = bytes;
  const unmarked = first === 0 && second !== 0 ? "utf-16be" : first !== 0 && second === 0 ? "utf-16le" : undefined;
  const encoding = mark ?? unmarked;
  if (encoding === undefined) return undefined;
  tell({ encoding, guessed: mark === undefined });
  return new TextDecoder(encoding, { fatal: true });
}

function decoded(decoder: TextDecoder, chunk?: Buffer): Buffer {
  try {
    return Buffer.from(chunk ? decoder.decode(chunk, { stream: true }) : decoder.decode());
  } catch {
    throw new Undecodable(`is invalid ${decoder.encoding.toUpperCase()}`);
  }
}

/**
 * Decodes lines as UTF-8. From the first line that is not UTF-8 on, it uses an encoding guessed from that line and some
 * after it.
 */
export class LineDecoder {
  #sawUtf8 = false;
  #found: LineEncoding | undefined;

  /** The guessed encoding; `undefined` while all lines are UTF-8. */
  get found(): LineEncoding | undefined {
    return this.#found;
  }

  /** Whether `line` is the first that is not UTF-8. Then `guess` must be called before it is decoded. */
  needsGuess(line: Buffer): boolean {
    return this.#found === undefined && !isUtf8(line);
  }

  /**
   * Guesses the encoding.
   *
   * @param lines The line and some that follow it.
   * @throws Undecodable
   */
  async guess(lines: readonly Buffer[]): Promise<void> {
    if (this.#sawUtf8) throw new Undecodable("is not UTF-8, although lines before it are");
    const result = await decodeText(Buffer.concat(lines.flatMap((line) => [line, Buffer.from("\n")])));
    if ("reason" in result && result.reason === "noDetector") {
      throw new Undecodable("is not UTF-8; npm install chardet to read other encodings");
    }
    if ("reason" in result) throw new Undecodable("is not UTF-8, and its encoding is unknown");
    this.#found = { encoding: result.encoding, guessed: result.guessed };
  }

  /** The text of a line. @throws Undecodable */
  decode(line: Buffer): string {
    if (this.#found === undefined) {
      this.#sawUtf8 ||= !isAscii(line);
      return line.toString("utf8");
    }
    const decoded = decodeAs(this.#found.encoding, line);
    if (decoded === undefined) throw new Undecodable(`is invalid ${this.#found.encoding}, the encoding of this file`);
    return decoded.text;
  }
}
