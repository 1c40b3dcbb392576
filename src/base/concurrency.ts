import { abortController, unlessAborted, withAnyOf } from "./abort.js";
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

/** Lets a bounded number of pieces of work run at once. The others wait in the order in which they came. */
export class Slots {
  #free: number;
  readonly #queue: (() => void)[] = [];

  constructor(count: number) {
    this.#free = count;
  }

  /** Runs `work` once there is a slot. Throws `ABORTED` if the signal fires while it waits. */
  async run<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const release = await this.take(signal);
    try {
      return await work();
    } finally {
      release();
    }
  }

  /**
   * Waits for a slot. Answers the function that gives it back.
   *
   * @throws EmbedlessError `ABORTED` if the signal fires first
   */
  async take(signal?: AbortSignal): Promise<() => void> {
    throwIfAborted(signal);
    const turn = this.#turn();
    try {
      await unlessAborted(turn, signal);
    } catch (error) {
      // The slot comes all the same, to be handed on.
      void turn.then(() => this.#give());
      throw error;
    }
    let isOver = false;
    return () => {
      if (!isOver) this.#give();
      isOver = true;
    };
  }

  #turn(): Promise<void> {
    if (this.#free > 0) {
      this.#free--;
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      this.#queue.push(resolve);
    });
  }

  #give(): void {
    const next = this.#queue.shift();
    if (next) next();
    else this.#free++;
  }
}

/** Work that several callers wait for. It is aborted once all of them have given up. */
export class Shared<T> {
  readonly #result: Promise<T>;
  readonly #controller = abortController();
  #waiting = 0;

  /**
   * Starts the work.
   *
   * @param work Must settle soon after its signal fires.
   * @param onEnd Called once, when the work has settled or was aborted: from then on nobody may join.
   */
  constructor(work: (signal: AbortSignal) => Promise<T>, onEnd: () => void) {
    const { signal } = this.#controller;
    this.#result = work(signal);
    let isOver = false;
    const end = () => {
      if (!isOver) onEnd();
      isOver = true;
    };
    signal.addEventListener("abort", end, { once: true });
    this.#result.then(end, end);
  }

  /** The result. A caller whose signal fires leaves with `ABORTED`; the last one to leave aborts the work. */
  async join(signal: AbortSignal | undefined): Promise<T> {
    this.#waiting++;
    try {
      return await unlessAborted(this.#result, signal);
    } catch (error) {
      if (this.#waiting === 1) this.#controller.abort(error);
      throw error;
    } finally {
      this.#waiting--;
    }
  }
}
