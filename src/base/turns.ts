// By name: fake timers, which tests of applications put in the place of global ones, must not stop a store.
import { setImmediate } from "node:timers";
import { throwIfAborted } from "./errors.js";

const waiting: (() => void)[] = [];

/**
 * Lets others on the event loop run before work goes on: timers, sockets, and whoever else waits here. Of all who wait, in
 * one round of the loop only one goes on. `setImmediate` alone would let all of them go on in the same round, so that what
 * takes one search three milliseconds would keep the loop for thirty where ten run.
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

/** What work may take of the event loop at once. The piece that is then under way adds a millisecond or two. */
const TURN_MS = 4;

/**
 * The turns of work that goes on for long: every few milliseconds it gives one to others on the event loop.
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

  /** @param options.signal Ends the work: `give` throws `ABORTED` once it has fired. */
  constructor({ ms = TURN_MS, signal }: { ms?: number; signal?: AbortSignal | undefined } = {}) {
    this.#ms = ms;
    this.#signal = signal;
    this.#endsAt = performance.now() + ms;
  }

  /** Whether the present turn is used up. */
  get isOver(): boolean {
    return performance.now() >= this.#endsAt;
  }

  /** Lets others run if the present turn is used up; then the next one begins. Throws `ABORTED` once the signal has fired. */
  async give(): Promise<void> {
    throwIfAborted(this.#signal);
    if (!this.isOver) return;
    await nextTurn();
    throwIfAborted(this.#signal);
    this.#endsAt = performance.now() + this.#ms;
  }
}
