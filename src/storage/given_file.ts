import { closeSync, constants, fstatSync, openSync, read, type Stats, statSync } from "node:fs";
import { promisify } from "node:util";
import { isOpenStore } from "./open_files.js";

/**
 * Why a file is not read: `openStore` it belongs to a store that is open here, `special` it is a device, a socket or a
 * pipe, `tooLarge` it is larger than asked for.
 */
export type NotRead = "openStore" | "special" | "tooLarge";

/** Bytes asked of the system at once. */
const CHUNK_BYTES = 2 ** 20;

const readAsync = promisify(read);

/**
 * Opens a file whose name came from outside, for reading; the caller closes the descriptor.
 *
 * Only regular files are opened: a device may never end, and a pipe may never begin. Whether the file belongs to an open
 * store is asked at the last moment, in the same turn as the opening.
 *
 * @returns a file descriptor, or why there is none
 * @throws the file system's error if the file is missing or may not be read
 */
export function openGivenFile(path: string): number | NotRead {
  if (isOpenStore(path)) return "openStore";
  if (!statSync(path).isFile()) return "special";
  // Without waiting, in case a pipe takes the file's place just now.
  const descriptor = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  if (fstatSync(descriptor).isFile()) return descriptor;
  closeSync(descriptor);
  return "special";
}

/**
 * Reads a whole file whose name came from outside, as `openGivenFile` opens it.
 *
 * @param mostBytes More than that is `tooLarge`, also if the file grows while it is read.
 * @returns its bytes, or why it is not read
 * @throws the file system's error
 */
export async function readGivenFile(path: string, mostBytes: number): Promise<Buffer | NotRead> {
  const descriptor = openGivenFile(path);
  if (typeof descriptor !== "number") return descriptor;
  try {
    return await readAtMost(descriptor, fstatSync(descriptor), mostBytes);
  } finally {
    closeSync(descriptor);
  }
}

/** The size is a guess only: files of /proc say 0, and others grow. */
async function readAtMost(descriptor: number, { size }: Stats, mostBytes: number): Promise<Buffer | "tooLarge"> {
  if (size > mostBytes) return "tooLarge";
  const parts: Buffer[] = [];
  let total = 0;
  for (;;) {
    const part = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, Math.max(size, 4096) + 1));
    const { bytesRead } = await readAsync(descriptor, part, 0, part.length, null);
    if (bytesRead === 0) return Buffer.concat(parts, total);
    total += bytesRead;
    if (total > mostBytes) return "tooLarge";
    parts.push(part.subarray(0, bytesRead));
  }
}
