/** Ctrl-C and a polite request to end: the first asks for a clean stop, the second quits at once. */

const SIGNALS = { SIGINT: 130, SIGTERM: 143 } as const;

/** Listens from its making until `end`. */
export class Interruption {
  /** Called once, at the first signal. */
  onFirst: () => void = () => {};
  #exitCode = 0;
  readonly #listen = (signal: NodeJS.Signals): void => {
    const code = SIGNALS[signal as keyof typeof SIGNALS];
    if (this.stopped) process.exit(code);
    this.#exitCode = code;
    this.onFirst();
  };

  constructor() {
    for (const signal of Object.keys(SIGNALS)) process.on(signal as NodeJS.Signals, this.#listen);
  }

  /** Whether a signal has come. */
  get stopped(): boolean {
    return this.#exitCode !== 0;
  }

  /** The exit code that shells expect after the signal; 0 before one came. */
  get exitCode(): number {
    return this.#exitCode;
  }

  /** Gives the signals their usual effect back. */
  end(): void {
    for (const signal of Object.keys(SIGNALS)) process.off(signal as NodeJS.Signals, this.#listen);
  }
}
