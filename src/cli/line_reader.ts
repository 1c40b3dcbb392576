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

/** What lines were read as, when not as UTF-8. */
export interface LineEncoding {
  /** As the WHATWG names it. */
  encoding: string;
  /** No mark at the beginning says so. */
  guessed: boolean;
}

/** Bytes from which UTF-16 is told. */
const PROBED_BYTES = 4;

/** Why bytes are no text. */
export class Undecodable extends Error {
  override readonly name = "Undecodable";
}

/**
 * Bytes of UTF-16 as bytes of UTF-8; any others as they are. Lines of JSON begin with a letter of ASCII, so that UTF-16 shows
 * without a mark.
 *
 * @param tell Is told of UTF-16.
 * @throws Undecodable for UTF-32, and for what is wrong in UTF-16
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
  if (mark === "utf-32") throw new Undecodable("is UTF-32, which is not read");
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
    throw new Undecodable(`is wrong in ${decoder.encoding.toUpperCase()}`);
  }
}

/** Decodes lines: as UTF-8 until one is not, from there on by what that line and some behind it are like. */
export class LineDecoder {
  #sawUtf8 = false;
  #found: LineEncoding | undefined;

  /** The encoding that was guessed; `undefined` while all is UTF-8. */
  get found(): LineEncoding | undefined {
    return this.#found;
  }

  /** Whether `line` is the first that is not UTF-8, so that `guess` must be asked before it is decoded. */
  needsGuess(line: Buffer): boolean {
    return this.#found === undefined && !isUtf8(line);
  }

  /** Settles the encoding. @param lines The line and some that come behind it. @throws Undecodable */
  async guess(lines: readonly Buffer[]): Promise<void> {
    if (this.#sawUtf8) throw new Undecodable("is not UTF-8, as lines before it are");
    const result = await decodeText(Buffer.concat(lines.flatMap((line) => [line, Buffer.from("\n")])));
    if ("reason" in result && result.reason === "noDetector") {
      throw new Undecodable("is not UTF-8; npm install chardet, which tells other encodings");
    }
    if ("reason" in result) throw new Undecodable("is not UTF-8, and in no encoding that can be told");
    this.#found = { encoding: result.encoding, guessed: result.guessed };
  }

  /** The text of a line. @throws Undecodable */
  decode(line: Buffer): string {
    if (this.#found === undefined) {
      this.#sawUtf8 ||= !isAscii(line);
      return line.toString("utf8");
    }
    const decoded = decodeAs(this.#found.encoding, line);
    if (decoded === undefined) throw new Undecodable(`is wrong in ${this.#found.encoding}, as which the file is read`);
    return decoded.text;
  }
}
