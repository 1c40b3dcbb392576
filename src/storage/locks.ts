import { setTimeout as sleep } from "node:timers/promises";
import { aborted, EmbedlessError, throwIfAborted } from "../base/errors.js";
import { fromSqlite, isBusy } from "./sqlite_errors.js";

const LONGEST_PAUSE_MS = 25;

/** For which lock to wait, and how long. */
export interface LockWait {
  path: string;
  timeoutMs: number;
  signal: AbortSignal | undefined;
}

/** Tries until the lock is free, sleeping in between instead of blocking. */
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
