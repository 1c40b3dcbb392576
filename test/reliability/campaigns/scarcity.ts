import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** A way to run out of space, and to have it back. */
export interface Scarcity {
  /** What runs out. */
  name: string;
  /** Where the scarce space is. */
  folder: string;
  /** Leaves so many bytes: on the disk, or of any one file of that process. */
  leave(bytes: number, pid: number): void;
  /** Makes all room again. */
  lift(pid: number): void;
  end(): void;
}

const DISK_BYTES = 24 * 2 ** 20;

/** A small disk in memory, which needs the right to mount; else a limit on the size of files; else `undefined`. */
export function makeScarce(folder: string): Scarcity | undefined {
  return smallDisk(folder) ?? smallFiles(folder);
}

/** Full when a file that fills it leaves no more. */
export function smallDisk(parent: string): Scarcity | undefined {
  const folder = join(parent, "disk");
  mkdirSync(folder);
  if (!works("mount", "-t", "tmpfs", "-o", `size=${DISK_BYTES}`, "tmpfs", folder)) return undefined;
  const filler = join(folder, "filler");
  return {
    name: "a disk of 24 MB",
    folder,
    leave(bytes) {
      rmSync(filler, { force: true });
      const { bavail, bsize } = statfsSync(folder);
      writeFileSync(filler, Buffer.alloc(Math.max(0, bavail * bsize - bytes)));
    },
    lift: () => rmSync(filler, { force: true }),
    end: () => {
      works("umount", folder);
    },
  };
}

/** `prlimit` sets it for a process that runs; Node ignores the signal that comes with it, so that writing fails. */
export function smallFiles(parent: string): Scarcity | undefined {
  if (!works("prlimit", "--pid", String(process.pid), "--fsize")) return undefined;
  const folder = join(parent, "files");
  mkdirSync(folder);
  const limit = (bytes: string, pid: number) => execFileSync("prlimit", ["--pid", String(pid), `--fsize=${bytes}:`]);
  return {
    name: "a limit on the size of files",
    folder,
    leave: (bytes, pid) => limit(String(bytes), pid),
    lift: (pid) => limit("unlimited", pid),
    end: () => {},
  };
}

function works(command: string, ...args: string[]): boolean {
  try {
    execFileSync(command, args, { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
