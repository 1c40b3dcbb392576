import { types } from "node:util";

/**
 * The closed list of error codes. Every failure of the library carries one, so compare codes and never messages.
 *
 * - `CLOSED` the store was closed · `LOCKED` another process kept writing longer than `lockTimeoutMs` · `READONLY` a
 *   write on a store opened for reading only · `CORRUPT` a row or block does not match its checksum · `NOT_A_STORE` the
 *   file is something else · `FORMAT_VERSION` written by a newer version · `DIMENSION_MISMATCH`, `METRIC_MISMATCH`,
 *   `MODEL_MISMATCH` store and request disagree · `INVALID_*` an argument is wrong · `NOT_FOUND` no such file or model
 *   · `LIMIT` larger than a stated limit · `NO_SPACE`, `IO` the disk refused · `EMBEDDER_*` the embedder threw, hung or
 *   gave a wrong answer · `ABORTED` the caller's signal fired · `NATIVE_LOAD` the native addon is missing or unusable.
 */
export const ERROR_CODES = [
  "CLOSED",
  "LOCKED",
  "READONLY",
  "CORRUPT",
  "NOT_A_STORE",
  "FORMAT_VERSION",
  "DIMENSION_MISMATCH",
  "METRIC_MISMATCH",
  "MODEL_MISMATCH",
  "INVALID_ARGUMENT",
  "INVALID_TEXT",
  "INVALID_VECTOR",
  "INVALID_FILTER",
  "INVALID_ID",
  "NOT_FOUND",
  "LIMIT",
  "NO_SPACE",
  "IO",
  "EMBEDDER_FAILED",
  "EMBEDDER_TIMEOUT",
  "EMBEDDER_OUTPUT",
  "ABORTED",
  "NATIVE_LOAD",
] as const;

/** One of `ERROR_CODES`. */
export type ErrorCode = (typeof ERROR_CODES)[number];

/**
 * Any failure that is not a plain argument mistake. `code` says which kind it is. `cause` holds the error beneath it.
 */
export class EmbedlessError extends Error {
  override readonly name = "EmbedlessError";
  readonly code: ErrorCode;
  /** For an `add` of an iterable that failed: the number of passages that are committed nevertheless. */
  committed?: number;
  /** For an embedder that refused one text: the index of that text in the call. */
  textIndex?: number;

  /**
   * `message` is one sentence for people: what was expected and what was received. `options.cause` is the error beneath
   * it.
   */
  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

/** A value of the wrong type, as a `TypeError` with `code: "INVALID_ARGUMENT"`. */
export function wrongType(parameter: string, expected: string, received: unknown): TypeError {
  const error = new TypeError(`Expected ${expected} for ${parameter}, but received ${show(received)}.`);
  return Object.assign(error, { code: "INVALID_ARGUMENT" as const });
}

/** A value of the right type but out of range, as a `RangeError` with `code: "INVALID_ARGUMENT"`. */
export function outOfRange(parameter: string, expected: string, received: unknown): RangeError {
  const error = new RangeError(`Expected ${expected} for ${parameter}, but received ${show(received)}.`);
  return Object.assign(error, { code: "INVALID_ARGUMENT" as const });
}

/** An unknown option, as a `TypeError` with `code: "INVALID_ARGUMENT"` that names the option probably meant. */
export function unknownOption(method: string, key: string, known: readonly string[], meant?: string): TypeError {
  const help = meant === undefined ? `It takes ${known.join(", ")}.` : `Did you mean ${show(meant)}?`;
  const error = new TypeError(`Unknown option ${show(key)} for ${method}. ${help}`);
  return Object.assign(error, { code: "INVALID_ARGUMENT" as const });
}

/** The rejection of an operation whose `signal` fired; `cause` is the signal's reason. */
export function aborted(signal: AbortSignal | undefined): EmbedlessError {
  return new EmbedlessError("ABORTED", "The operation was aborted by its signal.", { cause: signal?.reason });
}

/** Throws `ABORTED` once `signal` has fired. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw aborted(signal);
}

/**
 * Whether a thrown value is an error, even one of another realm: test runners such as Jest give programs their own
 * `Error`.
 */
export function isError(thrown: unknown): thrown is Error {
  return types.isNativeError(thrown) || thrown instanceof Error;
}

/** Whether an error comes from the operating system or from Node's permission model. */
export function isSystemError(thrown: unknown): boolean {
  const { syscall, code } = Object(thrown) as NodeJS.ErrnoException;
  return syscall !== undefined || code === "ERR_ACCESS_DENIED";
}

/** A value as a sentence names it: its content if it is short, otherwise its type. */
export function show(value: unknown): string {
  if (typeof value === "string")
    return value.length <= 60 ? JSON.stringify(value) : `a string of ${value.length} characters`;
  if (value === null || value === undefined || typeof value === "boolean") return String(value);
  if (typeof value === "number" || typeof value === "bigint") return String(value);
  if (typeof value === "function") return "a function";
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (ArrayBuffer.isView(value)) return `a ${value.constructor.name}`;
  const name: unknown = (value as object).constructor?.name;
  return typeof name === "string" && name !== "" && name !== "Object" ? `an instance of ${name}` : "an object";
}

const said = new Set<string>();

/**
 * Warns the user of something that is not a failure, once per process. It is a warning of Node with the type
 * `EmbedlessWarning`, which goes to the error stream unless the process listens for `"warning"`.
 *
 * @param code What it is about, for programs, such as `"EMBEDLESS_ONE_BY_ONE"`.
 */
export function warnOnce(code: string, message: string): void {
  const key = `${code} ${message}`;
  if (said.has(key)) return;
  said.add(key);
  process.emitWarning(message, { type: "EmbedlessWarning", code });
}
