/** Says what a command is doing while that takes longer than a moment. */

import { duration } from "./figures.js";
import { clip, type Terminal } from "./terminal.js";

/** What takes less is not worth a word. */
const PATIENCE_MS = 1_000;
const DRAW_INTERVAL_MS = 200;
/** On a pipe, between two lines about the same work. */
const LINE_INTERVAL_MS = 4_000;

/** One piece of work after another, told on a terminal in one line that changes, on a pipe in lines now and then. */
export class Working {
  readonly #terminal: Terminal;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  /**
   * Runs `work` and tells of it from its second second on.
   *
   * @param begun Such as "Training lvq8".
   * @param work May say how far it is, 0 to 1, by the function it is given, and what it does now.
   */
  async at<T>(begun: string, work: (progress: (share: number, what?: string) => void) => Promise<T>): Promise<T> {
    const { live } = this.#terminal;
    let what = begun;
    let started = performance.now();
    let share: number | undefined;
    const tell = () => {
      const seconds = (performance.now() - started) / 1000;
      const left = share === undefined || share <= 0 ? "" : `, ${duration((seconds / share) * (1 - share))} left`;
      const text = `${what}${share === undefined ? "" : ` · ${Math.floor(share * 100)} %`} · ${duration(seconds)}${left}`;
      if (live) this.#terminal.over(clip(text, this.#terminal.width - 1));
      else this.#terminal.line(text);
    };
    let timer = setTimeout(() => {
      tell();
      timer = setInterval(tell, live ? DRAW_INTERVAL_MS : LINE_INTERVAL_MS);
    }, PATIENCE_MS);
    try {
      return await work((now, doing = what) => {
        if (doing !== what) started = performance.now();
        what = doing;
        share = now;
      });
    } finally {
      clearInterval(timer);
      if (live) this.#terminal.over();
    }
  }
}
