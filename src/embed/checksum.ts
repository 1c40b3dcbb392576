import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { EmbedlessError } from "../errors.js";
import { openModelFile } from "./model_file.js";

/** The sha256 of a model's file in hex, read in pieces. Throws `NOT_FOUND` or `IO` naming the file. */
export async function fileSha256(file: string): Promise<string> {
  const hash = createHash("sha256");
  try {
    const stream = createReadStream(file, { fd: openModelFile(file), highWaterMark: 1 << 20 });
    for await (const piece of stream) hash.update(piece as Buffer);
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
