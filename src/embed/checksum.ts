import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { EmbedlessError } from "../errors.js";

/** The sha256 of a file in hex, read in pieces. Throws `NOT_FOUND` or `IO` naming the file. */
export async function fileSha256(file: string): Promise<string> {
  const hash = createHash("sha256");
  try {
    for await (const piece of createReadStream(file, { highWaterMark: 1 << 20 })) hash.update(piece as Buffer);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code === "ENOENT" ? "NOT_FOUND" : "IO";
    throw new EmbedlessError(code, `Cannot read ${file}: ${(cause as Error).message}`, { cause });
  }
  return hash.digest("hex");
}

/** The sha256 of text or bytes in hex. */
export function sha256(content: string | Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}
