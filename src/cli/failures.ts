/** Failures as one sentence on the error stream. */

import { inspect } from "node:util";
import { isError } from "../errors.js";
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
