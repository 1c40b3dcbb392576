import { count, duration } from "./figures.js";
import { clip, type Terminal } from "./terminal.js";

/** The state of a build at one moment. */
export interface BuildState {
  /** Passages processed so far, unchanged ones included. */
  done: number;
  /** Passages of this run that are safe on disk, unchanged ones included. */
  committed: number;
  /** Share of the input that was processed, 0 to 1. */
  share: number;
}

/** Time between plain lines, well within the promised five seconds. */
const PLAIN_INTERVAL_MS = 4000;
const DRAW_INTERVAL_MS = 100;
/** Speed and time left are computed over this time. Unchanged files pass quickly and should not count for long. */
const WINDOW_MS = 30_000;

/** Shows a build's progress until `finish`. */
export class BuildProgress {
  readonly #terminal: Terminal;
  readonly #timer: NodeJS.Timeout;
  readonly #samples: { at: number; state: BuildState }[] = [];
  #state: BuildState = { done: 0, committed: 0, share: 0 };
  #printedAt = performance.now();
  #printed = 0;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
    this.#samples.push({ at: performance.now(), state: this.#state });
    this.#timer = setInterval(() => this.#tick(), terminal.live ? DRAW_INTERVAL_MS : 500);
    this.#timer.unref();
  }

  /** Takes the new state. On a pipe a new commit is printed at once. */
  update(state: BuildState): void {
    const committed = state.committed > this.#state.committed;
    this.#state = state;
    this.#sample();
    if (committed && !this.#terminal.live) this.#print();
  }

  /** Prints a line of text above the bar. */
  note(text: string): void {
    this.#clear();
    this.#terminal.line(text);
  }

  /** Ends the display, and prints the last committed number if it was not printed yet. */
  finish(): void {
    clearInterval(this.#timer);
    this.#clear();
    if (!this.#terminal.live && this.#state.committed > this.#printed) this.#print();
  }

  #tick(): void {
    if (this.#terminal.live) this.#draw();
    else if (performance.now() - this.#printedAt >= PLAIN_INTERVAL_MS) this.#print();
  }

  /** Records the moments at which work was done. The speed is unknown between them. */
  #sample(): void {
    const { done, share } = this.#samples.at(-1)!.state;
    if (this.#state.done === done && this.#state.share === share) return;
    const now = performance.now();
    this.#samples.push({ at: now, state: this.#state });
    while (this.#samples.length > 2 && now - this.#samples[0]!.at > WINDOW_MS) this.#samples.shift();
  }

  #print(): void {
    this.#printedAt = performance.now();
    this.#printed = this.#state.committed;
    this.#terminal.line([`committed ${count(this.#state.committed)}`, ...this.#speed()].join(" · "));
  }

  #draw(): void {
    const { share, committed, done } = this.#state;
    if (done === 0) {
      const seconds = Math.floor((performance.now() - this.#samples[0]!.at) / 1000);
      const text = `Embedding the first passages${seconds > 0 ? `, ${duration(seconds)}` : ""} ...`;
      this.#terminal.over(clip(text, this.#terminal.width - 1));
      return;
    }
    const texts = [`${Math.floor(share * 100)} %`.padStart(5), ...this.#speed(), `committed ${count(committed)}`];
    const text = texts.join(" · ");
    const room = Math.min(30, this.#terminal.width - text.length - 2);
    const filled = Math.round(Math.max(0, room) * share);
    const bar = room < 5 ? "" : "█".repeat(filled) + this.#terminal.style("dim", "░".repeat(room - filled));
    this.#terminal.over(bar + clip(text, this.#terminal.width - 1));
  }

  #clear(): void {
    if (this.#terminal.live) this.#terminal.over();
  }

  /** For example "62 passages/s" and "2 min left", if they are known. */
  #speed(): string[] {
    const first = this.#samples[0]!;
    const last = this.#samples.at(-1)!;
    const seconds = (last.at - first.at) / 1000;
    const passages = (last.state.done - first.state.done) / seconds;
    const share = (last.state.share - first.state.share) / seconds;
    const texts: string[] = [];
    if (seconds > 0.2 && passages > 0)
      texts.push(`${passages < 10 ? passages.toFixed(1) : count(Math.round(passages))} passages/s`);
    if (seconds > 1 && share > 0 && this.#state.share < 1)
      texts.push(`${duration((1 - this.#state.share) / share)} left`);
    return texts;
  }
}

/** Shorter work prints nothing. */
const PATIENCE_MS = 1_000;
const TELL_INTERVAL_MS = 200;
/** Time between two lines about the same work on a pipe. */
const LINE_INTERVAL_MS = 4_000;

/** Shows one piece of work after another: on a terminal in one changing line, on a pipe in a line now and then. */
export class Working {
  readonly #terminal: Terminal;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  /**
   * Runs `work` and shows its progress if it takes longer than a second.
   *
   * @param begun The name of the work, such as "Training lvq8".
   * @param work Reports its progress, 0 to 1, and its current step with the function that it gets.
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
      timer = setInterval(tell, live ? TELL_INTERVAL_MS : LINE_INTERVAL_MS);
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
