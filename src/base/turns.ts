// Imported by name, because tests of applications replace global timers by fake ones, which must not stop a store.
import { setImmediate } from "node:timers";
import { throwIfAborted } from "./errors.js";

const waiting: (() => void)[] = [];

/**
 * Lets other work on the event loop run first: timers, sockets, and other callers of this function. In one round of the
 * loop only one of these callers continues. With `setImmediate` alone all would continue in the same round, so what
 * takes one search three milliseconds would block the loop for thirty if ten run.
 */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    if (waiting.push(resolve) === 1) setImmediate(goOn);
  });
}

function goOn(): void {
  const first = waiting.shift();
  if (waiting.length > 0) setImmediate(goOn);
  first?.();
}

/** The longest time that work blocks the event loop. The piece that is running then adds a millisecond or two. */
const TURN_MS = 4;

/**
 * Divides long work into turns. Every few milliseconds it lets other work on the event loop run.
 *
 * ```ts
 * const turns = new Turns({ signal });
 * for (const page of pages) {
 *   await turns.give();
 *   read(page);
 * }
 * ```
 */
export class Turns {
  readonly #ms: number;
  readonly #signal: AbortSignal | undefined;
  #endsAt: number;

  /** @param options.signal Ends the work: `give` throws `ABORTED` after it has fired. */
  constructor({ ms = TURN_MS, signal }: { ms?: number; signal?: AbortSignal | undefined } = {}) {
    this.#ms = ms;
    this.#signal = signal;
    this.#endsAt = performance.now() + ms;
  }

  /** Whether the current turn is over. */
  get isOver(): boolean {
    return performance.now() >= this.#endsAt;
  }

  /**
   * Lets other work run if the current turn is over, and then begins the next. Throws `ABORTED` after the signal has
   * fired.
   */
  async give(): Promise<void> {
    throwIfAborted(this.#signal);
    if (!this.isOver) return;
    await nextTurn();
    throwIfAborted(this.#signal);
    this.#endsAt = performance.now() + this.#ms;
  }
}
