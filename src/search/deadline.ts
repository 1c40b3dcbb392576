import { abortController, withAnyOf } from "../base/abort.js";
import { aborted } from "../base/errors.js";

/** The time that a search may take: a signal that fires when it is over. */
export class Deadline {
  readonly #controller = abortController();
  readonly #timer: NodeJS.Timeout;
  readonly #endsAt: number;

  /**
   * @param ms Milliseconds from `startedAt`; 0: over at once.
   * @param startedAt A `performance.now()`.
   */
  constructor(ms: number, startedAt = performance.now()) {
    this.#endsAt = startedAt + ms;
    this.#timer = setTimeout(() => this.#controller.abort(), Math.max(0, this.#endsAt - performance.now()));
  }

  get isOver(): boolean {
    return this.#controller.signal.aborted || performance.now() >= this.#endsAt;
  }

  /**
   * Waits for what `work` does until the deadline: its signal fires then, or with `signal`, whichever comes first.
   *
   * @returns whether the work was finished; `false` if the deadline cut it off
   * @throws `ABORTED` when `signal` fires; whatever `work` throws before the deadline
   */
  async run(work: (signal: AbortSignal) => Promise<void>, signal: AbortSignal | undefined): Promise<boolean> {
    const own = this.#controller.signal;
    try {
      await withAnyOf([signal, own], work);
      return true;
    } catch (error) {
      if (signal?.aborted) throw aborted(signal);
      if (own.aborted) return false;
      throw error;
    }
  }

  /** Lets go of the timer: a search that ends early must not keep the process alive. */
  end(): void {
    clearTimeout(this.#timer);
  }
}
