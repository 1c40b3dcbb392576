import { setTimeout as sleep } from "node:timers/promises";
import { aborted, EmbedlessError, throwIfAborted } from "../errors.js";
import { fromSqlite, isBusy } from "./sqlite_errors.js";

const LONGEST_NAP_MS = 25;

/** How long to wait for which file. */
export interface Waiting {
  path: string;
  timeoutMs: number;
  signal: AbortSignal | undefined;
}

/** Tries until the lock is free, sleeping in between instead of blocking. */
export async function retryWhileBusy<T>(attempt: () => T, { path, timeoutMs, signal }: Waiting): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (let nap = 1; ; nap = Math.min(nap * 2, LONGEST_NAP_MS)) {
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
      await napFor(Math.min(nap * (0.5 + Math.random()), left), signal);
    }
  }
}

async function napFor(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await sleep(milliseconds, undefined, signal ? { signal } : {});
  } catch {
    throw aborted(signal);
  }
}

/** `promise`, or `ABORTED` as soon as the signal fires. */
export async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  promise.catch(() => {}); // whatever becomes of it once nobody waits for it any more
  throwIfAborted(signal);
  let stop = () => {};
  const fired = new Promise<never>((_, reject) => {
    stop = () => reject(aborted(signal));
    signal.addEventListener("abort", stop, { once: true });
  });
  try {
    return await Promise.race([promise, fired]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
