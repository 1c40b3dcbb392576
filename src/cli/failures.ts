import { inspect } from "node:util";
import { isError } from "../base/errors.js";
import { terminalOf } from "./terminal.js";

/** Longer messages are cut: a sentence that quotes what was found may quote very much. */
const LONGEST_MESSAGE = 4_000;

/** The command was used wrongly: exit code 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** Work was stopped by the user; `exitCode` is the one that shells expect of the signal. */
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

/** Prints warnings of this package by itself; others are left to Node. */
export function printWarnings(): void {
  const usual = process.listeners("warning");
  process.removeAllListeners("warning");
  process.on("warning", (warning) => {
    if (warning.name !== "EmbedlessWarning") for (const listener of usual) listener.call(process, warning);
    else terminalOf(process.stderr).line(`embedless: note: ${sentenceOf(warning)}`);
  });
}

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
