import { setTimeout as sleep } from "node:timers/promises";
import { aborted, EmbedlessError, type ErrorCode, isError, isSystemError, throwIfAborted } from "../base/errors.js";

/** SQLite's primary result codes that the library distinguishes (https://sqlite.org/rescode.html). */
const BUSY = 5;
const LOCKED = 6;

interface Kind {
  result: readonly number[];
  /** Some calls of the driver pass only SQLite's message, without its number. */
  message: RegExp;
  code: ErrorCode;
  says: (path: string) => string;
}

const KINDS: readonly Kind[] = [
  {
    result: [BUSY, LOCKED, 15],
    message: /database (table )?is locked|locking protocol/,
    code: "LOCKED",
    says: (path) => `Another process is using ${path} in a way that keeps this one out.`,
  },
  {
    result: [8],
    message: /readonly database/,
    code: "READONLY",
    says: (path) => `${path} can only be read.`,
  },
  {
    result: [13],
    message: /database or disk is full/,
    code: "NO_SPACE",
    says: (path) => `No space is left on the disk of ${path}; nothing of this write was kept.`,
  },
  {
    result: [26],
    message: /file is not a database/,
    code: "NOT_A_STORE",
    says: (path) => `Expected a store of this library, but ${path} is some other kind of file.`,
  },
  {
    result: [11, 1, 19, 20],
    message: /malformed|no such (table|column)|constraint failed|Value is too large to be represented/,
    code: "CORRUPT",
    says: (path) => `${path} is damaged.`,
  },
  { result: [18], message: /too big/, code: "LIMIT", says: (path) => `A value is too large for ${path}.` },
  {
    result: [3, 7, 10, 12, 14, 23],
    message: /./,
    code: "IO",
    says: (path) => `The disk or the operating system refused to read or write ${path}.`,
  },
];

/**
 * SQLITE_IOERR_SHMSIZE: the file that connections share could not grow. This happens on a disk with less than 32 KB
 * free.
 */
const NO_ROOM_TO_SHARE = 4874;

interface DriverError extends Error {
  code?: unknown;
  errcode?: unknown;
  sqliteExtendedCode?: unknown;
}

/** The one place that turns a failure of SQLite into an error of this library. Other errors are returned unchanged. */
export function fromSqlite(error: unknown, path: string): unknown {
  if (!isError(error) || error instanceof EmbedlessError) return error;
  const driver = error as DriverError;
  if (driver.code === "ERR_INVALID_STATE") return new EmbedlessError("CLOSED", `${path} was closed.`, { cause: error });
  const tooLarge = driver.code === "ERR_OUT_OF_RANGE" && /too large to be represented/.test(error.message);
  if (driver.code !== "ERR_SQLITE_ERROR" && !tooLarge) return error;
  const kind = kindOf(driver);
  return new EmbedlessError(kind.code, `${kind.says(path)} (SQLite: ${error.message})`, { cause: error });
}

function kindOf(error: DriverError): Kind {
  if (error.sqliteExtendedCode === NO_ROOM_TO_SHARE) return KINDS.find(({ code }) => code === "NO_SPACE") as Kind;
  const result = resultCode(error);
  const byNumber = result === undefined ? undefined : KINDS.find((kind) => kind.result.includes(result & 0xff));
  return byNumber ?? KINDS.find((kind) => kind.message.test(error.message)) ?? (KINDS.at(-1) as Kind);
}

/**
 * The one place that turns a failure of the file system into an error of this library: `NO_SPACE` or `IO`. Other errors
 * are returned unchanged.
 *
 * @param what What could not be done, as a sentence without its full stop.
 */
export function fromSystem(error: unknown, what: string): unknown {
  if (error instanceof EmbedlessError || !isSystemError(error)) return error;
  const { code } = error as NodeJS.ErrnoException;
  const kind = code === "ENOSPC" || code === "EDQUOT" ? "NO_SPACE" : "IO";
  return new EmbedlessError(kind, `${what} (${code}).`, { cause: error });
}

/** Whether another process holds the lock, so that another try may succeed. */
export function isBusy(error: unknown): boolean {
  const driver = driverError(error);
  return driver?.code === "ERR_SQLITE_ERROR" && kindOf(driver).code === "LOCKED";
}

/**
 * Whether the operating system could not confirm that data reached the disk (SQLITE_IOERR_FSYNC,
 * SQLITE_IOERR_DIR_FSYNC).
 */
export function isFailedSync(error: unknown): boolean {
  const extended = driverError(error)?.sqliteExtendedCode;
  return extended === 1034 || extended === 1290;
}

/** The driver's own error, translated or not. */
function driverError(error: unknown): DriverError | undefined {
  const inner = error instanceof EmbedlessError ? error.cause : error;
  return isError(inner) ? inner : undefined;
}

function resultCode(error: DriverError): number | undefined {
  return typeof error.errcode === "number" ? error.errcode : undefined;
}

const LONGEST_PAUSE_MS = 25;

/** Which lock to wait for, and how long. */
export interface LockWait {
  path: string;
  timeoutMs: number;
  signal: AbortSignal | undefined;
}

/** Tries until the lock is free. It sleeps in between instead of blocking. */
export async function retryWhileBusy<T>(attempt: () => T, { path, timeoutMs, signal }: LockWait): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (let pause = 1; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
    throwIfAborted(signal);
    try {
      return attempt();
    } catch (error) {
      if (!isBusy(error)) throw fromSqlite(error, path);
      const left = deadline - performance.now();
      if (left <= 0) {
        const message = `Another process kept writing to ${path} for longer than lockTimeoutMs (${timeoutMs} ms).`;
        throw new EmbedlessError("LOCKED", message, { cause: error });
      }
      await sleepFor(Math.min(pause * (0.5 + Math.random()), left), signal);
    }
  }
}

async function sleepFor(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await sleep(milliseconds, undefined, signal ? { signal } : {});
  } catch {
    throw aborted(signal);
  }
}
