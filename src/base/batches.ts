import { withAnyOf } from "./abort.js";
import { throwIfAborted } from "./errors.js";

/** Consecutive items of a list, and where they begin in it. */
export interface Batch<T> {
  readonly start: number;
  readonly items: T[];
}

/**
 * Works off a list in batches, several at once, in order. The first failure stops all: no further batch is begun, the
 * others' signal fires, and that failure is thrown; `ABORTED` when `signal` fires.
 *
 * @param size most items of a batch
 * @param lanes most batches under way at once
 * @param signal stops all when it fires; `work` has to answer to the signal that it is given
 */
export async function inBatches<T>(
  items: readonly T[],
  { size, lanes, signal }: { size: number; lanes: number; signal?: AbortSignal | undefined },
  work: (batch: Batch<T>, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  await withAnyOf([signal], async (own, stop) => {
    let next = 0;
    const lane = async (): Promise<void> => {
      while (next < items.length && !own.aborted) {
        const start = next;
        next += size;
        await work({ start, items: items.slice(start, start + size) }, own);
      }
      throwIfAborted(signal);
    };
    const needed = Math.min(lanes, Math.ceil(items.length / size));
    await Promise.all(Array.from({ length: needed }, lane)).catch((error: unknown) => {
      stop(error);
      throw error;
    });
  });
}
