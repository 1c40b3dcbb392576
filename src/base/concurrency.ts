import { abortController, unlessAborted, withAnyOf } from "./abort.js";
import { throwIfAborted } from "./errors.js";

/** Consecutive items of a list, and the index of the first. */
export interface Batch<T> {
  readonly start: number;
  readonly items: T[];
}

/**
 * Processes a list in batches, in order, several at once. The first failure stops everything: no further batch begins,
 * the signal of the others fires, and the failure is thrown. Throws `ABORTED` when `signal` fires.
 *
 * @param size Most items per batch.
 * @param lanes Most batches at once.
 * @param signal Stops everything when it fires. `work` must react to the signal that it gets.
 */
export async function inBatches<T>(
  items: readonly T[],
  { size, lanes, signal }: { size: number; lanes: number; signal?: AbortSignal | undefined },
  work: (batch: Batch<T>, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  await withAnyOf([signal], async (own) => {
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
    await Promise.all(Array.from({ length: needed }, lane));
  });
}

/** Lets a limited number of tasks run at once. The others wait in the order in which they came. */
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
   * Waits for a slot. Answers a function that gives it back.
   *
   * @throws EmbedlessError `ABORTED` if the signal fires first
   */
  async take(signal?: AbortSignal): Promise<() => void> {
    throwIfAborted(signal);
    const turn = this.#turn();
    try {
      await unlessAborted(turn, signal);
    } catch (error) {
      // The slot still arrives, and must be passed on.
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

/** Work that several callers wait for. It is aborted when all of them have stopped waiting. */
export class Shared<T> {
  readonly #result: Promise<T>;
  readonly #controller = abortController();
  #waiting = 0;

  /**
   * Starts the work.
   *
   * @param work Must settle soon after its signal fires.
   * @param onEnd Called once, when the work has settled or was aborted. Nobody may join after that.
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
