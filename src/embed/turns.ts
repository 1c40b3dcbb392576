import { aborted, throwIfAborted } from "../errors.js";

/** Lets so many calls go at a time, in the order in which they came. */
export class Turns {
  readonly #waiting: (() => void)[] = [];
  #free: number;

  /** @param lanes Most calls under way at once. */
  constructor(lanes = 1) {
    this.#free = lanes;
  }

  /** Runs `work` in its turn. Throws `ABORTED` if the signal fires while it waits. */
  async take<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    throwIfAborted(signal);
    if (this.#free > 0) this.#free--;
    else await this.#turn(signal);
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#free++;
    }
  }

  #turn(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const go = (): void => {
        signal?.removeEventListener("abort", giveUp);
        resolve();
      };
      const giveUp = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(go), 1);
        reject(aborted(signal));
      };
      signal?.addEventListener("abort", giveUp, { once: true });
      this.#waiting.push(go);
    });
  }
}
