/** The encoding of lines that come one after another, of which the first must be read before the last is there. */

import { isAscii, isUtf8 } from "node:buffer";
import { TextDecoder } from "node:util";
import { decodeAs, decodeText, markOf } from "./encoding.js";

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
