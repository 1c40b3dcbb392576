import { abortController, unlessAborted } from "./abort.js";

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
