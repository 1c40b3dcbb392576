import { unlessAborted } from "./abort.js";
import { throwIfAborted } from "./errors.js";

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
