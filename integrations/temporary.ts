import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readlinkSync, rmSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { FILE_NAME } from "./location.js";

/** Signals that end a process without its event "exit". The stores must listen for them. */
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Marks the listeners of this module, so that its copies recognise each other's. */
const OURS = Symbol.for("embedless.temporary");
Object.assign(endBy, { [OURS]: true });

const folders = new Set<string>();
let areOrphansRemoved = false;

/**
 * Creates a store file in a new private folder, which only this user can read. It is removed with the process at the
 * latest, also if a signal ends the process. If a process was killed outright, the next process that calls this removes
 * its folder.
 */
export function makeTemporaryFile(): string {
  if (!areOrphansRemoved) removeOrphans();
  const folder = mkdtempSync(join(tmpdir(), `embedless-${process.pid}-${processSpace()}-`));
  if (folders.size === 0) watch();
  folders.add(folder);
  return join(folder, FILE_NAME);
}

/** Removes a file from `makeTemporaryFile`. The store must be closed. */
export function removeTemporaryFile(file: string): void {
  const folder = dirname(file);
  if (!folders.delete(folder)) return;
  remove(folder);
  if (folders.size === 0) unwatch();
}

function watch(): void {
  process.on("exit", removeAll);
  // It goes first, so that programs that count the listeners after it find only their own.
  for (const signal of SIGNALS) process.prependListener(signal, endBy);
}

function unwatch(): void {
  process.off("exit", removeAll);
  for (const signal of SIGNALS) process.off(signal, endBy);
}

/**
 * Without a listener a signal ends the process, so this listener ends it too. If the program has a listener, the
 * program decides, and its end emits "exit". Copies of this module (one imported, one required) do not count as
 * listeners; the last of them ends the process.
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

/** Best effort: some systems refuse to remove an open file, and at the end nobody could handle the error. */
function remove(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true });
  } catch {
    // The next process that makes a temporary store tries again.
  }
}

/** Removes the folders of processes that no longer run. */
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

/**
 * A name for the space in which process ids are unique. Containers may share a folder for temporary files, but each has
 * its own process ids.
 */
function processSpace(): string {
  let space = "";
  try {
    space = readlinkSync("/proc/self/ns/pid");
  } catch {
    // Not Linux: all processes of the machine share one space.
  }
  return createHash("sha256").update(`${hostname()} ${space}`).digest("hex").slice(0, 8);
}
