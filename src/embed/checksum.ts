import { createHash } from "node:crypto";
import { close, read } from "node:fs";
import { promisify } from "node:util";
import { EmbedlessError } from "../errors.js";
import { openModelFile } from "./model_file.js";

const readPiece = promisify(read);
const closeFile = promisify(close);

/** Bytes read at once, into the same memory each time: a stream takes new memory for each piece, and twice the time. */
const PIECE_BYTES = 1 << 20;

/** The sha256 of a model's file in hex, read in pieces. Throws `NOT_FOUND` or `IO` naming the file. */
export async function fileSha256(file: string): Promise<string> {
  const hash = createHash("sha256");
  try {
    const descriptor = openModelFile(file);
    const piece = Buffer.allocUnsafe(PIECE_BYTES);
    try {
      for (;;) {
        const { bytesRead } = await readPiece(descriptor, piece, 0, piece.length, null);
        if (bytesRead === 0) break;
        hash.update(piece.subarray(0, bytesRead));
      }
    } finally {
      await closeFile(descriptor);
    }
  } catch (cause) {
    if (cause instanceof EmbedlessError) throw cause;
    const code = (cause as NodeJS.ErrnoException).code === "ENOENT" ? "NOT_FOUND" : "IO";
    throw new EmbedlessError(code, `Cannot read ${file}: ${(cause as Error).message}`, { cause });
  }
  return hash.digest("hex");
}

/** The sha256 of text or bytes in hex. */
export function sha256(content: string | Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}
