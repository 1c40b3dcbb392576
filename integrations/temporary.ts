import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readlinkSync, rmSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { FILE_NAME } from "./location.js";

/** Signals that end a process without its "exit": of these the stores must hear by themselves. */
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** By this the copies of this module know each other's listeners. */
const OURS = Symbol.for("embedless.temporary");
Object.assign(endBy, { [OURS]: true });

const folders = new Set<string>();
let areOrphansRemoved = false;

/**
 * A store file in a new folder of its own that only this user can read. It is removed with the process, if not before: also
 * when a signal ends that. What a process left that was killed outright is removed by the next one that comes here.
 */
export function makeTemporaryFile(): string {
  if (!areOrphansRemoved) removeOrphans();
  const folder = mkdtempSync(join(tmpdir(), `embedless-${process.pid}-${processSpace()}-`));
  if (folders.size === 0) watch();
  folders.add(folder);
  return join(folder, FILE_NAME);
}

/** Removes what `makeTemporaryFile` made. The store must be closed. */
export function removeTemporaryFile(file: string): void {
  const folder = dirname(file);
  if (!folders.delete(folder)) return;
  remove(folder);
  if (folders.size === 0) unwatch();
}

function watch(): void {
  process.on("exit", removeAll);
  // First in line, so that others who count the listeners find theirs alone.
  for (const signal of SIGNALS) process.prependListener(signal, endBy);
}

function unwatch(): void {
  process.off("exit", removeAll);
  for (const signal of SIGNALS) process.off(signal, endBy);
}

/**
 * Without a listener a signal ends the process, and so it does here. Where the program listens, it decides: its end is
 * "exit". Other copies of this module (one is imported, one required) are no such listeners; the last of them ends it.
 */
function endBy(signal: NodeJS.Signals): void {
  process.off(signal, endBy);
  if (process.listeners(signal).every((listener) => OURS in listener)) {
    removeAll();
    if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
    return;
  }
  setImmediate(() => {
    if (folders.size > 0 && !process.listeners(signal).includes(endBy)) process.prependListener(signal, endBy);
  });
}

function removeAll(): void {
  for (const folder of folders) remove(folder);
}

/** Best effort: some systems refuse to remove an open file, and at the end nobody could act on the error. */
function remove(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true });
  } catch {
    // The next process that makes a temporary store tries again.
  }
}

/** Removes the folders of processes that are no more. */
function removeOrphans(): void {
  areOrphansRemoved = true;
  const own = new RegExp(`^embedless-(\\d+)-${processSpace()}-\\w{6}$`);
  for (const name of entriesOf(tmpdir())) {
    const pid = Number(own.exec(basename(name))?.[1]);
    if (pid > 0 && !isRunning(pid)) remove(join(tmpdir(), name));
  }
}

function entriesOf(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}

/** Where process ids mean the same: containers may share a folder for temporary files, and each counts its processes by itself. */
function processSpace(): string {
  let space = "";
  try {
    space = readlinkSync("/proc/self/ns/pid");
  } catch {
    // Not Linux: there the machine is the space.
  }
  return createHash("sha256").update(`${hostname()} ${space}`).digest("hex").slice(0, 8);
}
