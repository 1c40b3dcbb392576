import { inspect } from "node:util";
import { isError } from "../base/errors.js";
import { terminalOf } from "./terminal.js";

/** Longer messages are cut, because a message may quote a long text. */
const LONGEST_MESSAGE = 4_000;

/** The command was used wrongly. Exit code 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** The user stopped the work. `exitCode` is the one that shells expect after the signal. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";
  readonly exitCode: number;

  constructor(message: string, exitCode: number) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** Prints the failure to the error stream, with the stack only if `EMBEDLESS_DEBUG=1`, and returns the exit code. */
export function reportFailure(error: unknown): number {
  const terminal = terminalOf(process.stderr);
  terminal.line(`embedless: ${sentenceOf(error)}`);
  if (process.env["EMBEDLESS_DEBUG"] === "1") for (const line of inspect(error).split("\n")) terminal.line(line);
  if (error instanceof Interrupted) return error.exitCode;
  return error instanceof UsageError ? 2 : 1;
}

/** The message in one line, with the error's code. */
export function sentenceOf(error: unknown): string {
  const whole = isError(error) ? error.message : String(error);
  const cut = whole.length > LONGEST_MESSAGE ? `${whole.slice(0, LONGEST_MESSAGE)}…` : whole;
  const message = cut.replace(/\s*[\r\n]+\s*/g, " ").trim();
  const code = (error as { code?: unknown } | null)?.code;
  const known = typeof code !== "string" || code === "" || message.includes(code);
  return known ? message || "The command failed without saying why." : `${message} (${code})`;
}

/** Prints the warnings of this package in one line. Node prints the others. */
export function printWarnings(): void {
  const usual = process.listeners("warning");
  process.removeAllListeners("warning");
  process.on("warning", (warning) => {
    if (warning.name !== "EmbedlessWarning") for (const listener of usual) listener.call(process, warning);
    else terminalOf(process.stderr).line(`embedless: note: ${sentenceOf(warning)}`);
  });
}

/** Handles Ctrl-C and SIGTERM: the first signal asks for a clean stop, the second quits at once. */

const SIGNALS = { SIGINT: 130, SIGTERM: 143 } as const;

/** Listens for signals from its creation until `end`. */
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

  /** The exit code that shells expect after the signal; 0 if there was none. */
  get exitCode(): number {
    return this.#exitCode;
  }

  /** Restores the usual effect of the signals. */
  end(): void {
    for (const signal of Object.keys(SIGNALS)) process.off(signal as NodeJS.Signals, this.#listen);
  }
}
