import {
  type BigIntStats,
  closeSync,
  constants,
  fstatSync,
  openSync,
  read,
  realpathSync,
  type Stats,
  statSync,
} from "node:fs";
import { promisify } from "node:util";

/** Names a file independently of its path: its device and inode. */
export type FileIdentity = string;

/** Databases that this thread has open, by path, with the number of handles. */
const open = new Map<string, number>();

/** Files that SQLite keeps beside a database. */
const SIDE_FILES = ["-wal", "-shm", "-journal"];

/** The file at `path` now; `undefined` if there is none. Links are followed. */
export function identityOf(path: string): FileIdentity | undefined {
  const stats = statOf(path);
  return stats && `${stats.dev}:${stats.ino}`;
}

/**
 * The file that `path` leads to. SQLite follows links and keeps its side files beside that file. A path that leads to
 * no file is answered unchanged.
 */
export function realPath(path: string): string {
  try {
    return realpathSync.native(path);
  } catch {
    return path;
  }
}

/** Notes that this thread has the database at an absolute path open. Answers a function that removes the note. */
export function noteOpen(path: string): () => void {
  open.set(path, (open.get(path) ?? 0) + 1);
  let isOver = false;
  return () => {
    if (isOver) return;
    isOver = true;
    const handles = open.get(path)! - 1;
    if (handles === 0) open.delete(path);
    else open.set(path, handles);
  };
}

/**
 * Another name, a hard link, under which this thread has the same file open. Symbolic links do not count as other
 * names.
 */
export function otherNameOf(path: string): string | undefined {
  const wanted = identityOf(path);
  if (wanted === undefined) return undefined;
  return [...open.keys()].find((other) => identityOf(other) === wanted && realPath(other) !== realPath(path));
}

/** The files of an open database: itself, its log, and the memory that its connections share. */
export interface StoreFiles {
  readonly database: FileIdentity | undefined;
  readonly log: FileIdentity | undefined;
  readonly shared: FileIdentity | undefined;
}

/**
 * The files that are at the places of a database's files now. While a handle is open, none of their inodes is used
 * again.
 */
export function storeFilesAt(path: string): StoreFiles {
  const real = realPath(path);
  return { database: identityOf(real), log: identityOf(`${real}-wal`), shared: identityOf(`${real}-shm`) };
}

/** Whether both are the same three files. */
export function sameFiles(a: StoreFiles, b: StoreFiles): boolean {
  return a.database === b.database && a.log === b.log && a.shared === b.shared;
}

/**
 * Whether a file belongs to a store that this thread has open: the store itself or a file beside it, by any name.
 *
 * Such a file must not be opened. Closing any descriptor of it drops the POSIX locks that SQLite holds for the whole
 * process. Another process then believes that the store is unused and removes the write-ahead log, and commits are lost
 * (https://sqlite.org/howtocorrupt.html, section 2.2).
 */
export function isOpenStore(path: string): boolean {
  if (open.size === 0) return false;
  const wanted = identityOf(path);
  return wanted !== undefined && openIdentities().has(wanted);
}

/** Nothing is cached, because the log is removed and created again while a store is open. */
function openIdentities(): Set<FileIdentity> {
  const found = new Set<FileIdentity>();
  for (const path of open.keys()) {
    const real = realPath(path);
    for (const suffix of ["", ...SIDE_FILES]) {
      const identity = identityOf(real + suffix);
      if (identity !== undefined) found.add(identity);
    }
  }
  return found;
}

function statOf(path: string): BigIntStats | undefined {
  try {
    return statSync(path, { bigint: true, throwIfNoEntry: false });
  } catch {
    return undefined; // a part of the path is not a folder or not accessible, so nobody can open the file
  }
}

/**
 * Why a file is not read: `openStore` it belongs to a store that is open here, `special` it is a device, a socket or a
 * pipe, `tooLarge` it is larger than requested.
 */
export type NotRead = "openStore" | "special" | "tooLarge";

/** Bytes per read. */
const CHUNK_BYTES = 2 ** 20;

const readAsync = promisify(read);

/**
 * Opens a file whose name came from outside, for reading. The caller closes the descriptor.
 *
 * Only regular files are opened, because a device may never end and a pipe may never begin. Whether the file belongs to
 * an open store is checked at the last moment, in the same turn as the opening.
 *
 * @returns a file descriptor, or why there is none
 * @throws the file system's error if the file is missing or may not be read
 */
export function openGivenFile(path: string): number | NotRead {
  if (isOpenStore(path)) return "openStore";
  if (!statSync(path).isFile()) return "special";
  // Opens without waiting, in case a pipe replaces the file just now.
  const descriptor = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  if (fstatSync(descriptor).isFile()) return descriptor;
  closeSync(descriptor);
  return "special";
}

/**
 * Reads a whole file whose name came from outside, as `openGivenFile` opens it.
 *
 * @param mostBytes A larger file is `tooLarge`, also if it grows while it is read.
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

/** The size is only a guess: files of /proc say 0, and others grow. */
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
