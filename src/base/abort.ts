import { setMaxListeners } from "node:events";
import util from "node:util";
import { aborted, throwIfAborted } from "./errors.js";

/**
 * A controller whose signal any number of operations may listen to.
 *
 * It is of Node's own class, which `fetch` and the limit of listeners require. A test environment such as jsdom
 * replaces the global `AbortController`.
 */
export function abortController(): AbortController {
  const { transferableAbortController } = util as Partial<typeof util>; // Bun has none
  const controller = transferableAbortController?.() ?? new AbortController();
  setMaxListeners(0, controller.signal);
  return controller;
}

/**
 * The operations that each signal stops. A signal has one listener for all of them, so that Node does not warn of a
 * leak.
 */
const stopped = new WeakMap<AbortSignal, { operations: Set<AbortController>; listener: () => void }>();

/**
 * Runs `work` with a signal that fires as soon as one of `signals` does, or when `work` fails: what it began then ends
 * too. Nothing stays in the signals after `work` has ended. `AbortSignal.any` on Node 20 leaves something in long-lived signals with every call.
 *
 * @param signals Signals that are `undefined` never fire.
 * @throws what `work` throws
 */
export async function withAnyOf<T>(
  signals: readonly (AbortSignal | undefined)[],
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const operation = abortController();
  const listened = signals.filter((signal) => signal !== undefined);
  for (const signal of listened) {
    if (signal.aborted) operation.abort(signal.reason);
    else listen(signal, operation);
  }
  try {
    return await work(operation.signal);
  } catch (error) {
    operation.abort(error);
    throw error;
  } finally {
    for (const signal of listened) leave(signal, operation);
  }
}

function listen(signal: AbortSignal, operation: AbortController): void {
  const known = stopped.get(signal);
  if (known !== undefined) {
    known.operations.add(operation);
    return;
  }
  const operations = new Set([operation]);
  const listener = () => {
    for (const each of operations) each.abort(signal.reason);
  };
  stopped.set(signal, { operations, listener });
  signal.addEventListener("abort", listener, { once: true });
}

function leave(signal: AbortSignal, operation: AbortController): void {
  const known = stopped.get(signal);
  if (!known?.operations.delete(operation) || known.operations.size > 0) return;
  stopped.delete(signal);
  signal.removeEventListener("abort", known.listener);
}

/** Runs `stop` when the signal fires, or at once if it has fired. Answers a function that removes the listener. */
export function onAbort(signal: AbortSignal | undefined, stop: () => void): () => void {
  if (signal?.aborted) stop();
  signal?.addEventListener("abort", stop, { once: true });
  return () => signal?.removeEventListener("abort", stop);
}

/** The result of `promise`, or `ABORTED` as soon as the signal fires. */
export async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return await promise;
  promise.catch(() => {}); // nobody may be waiting for it any more when it fails
  throwIfAborted(signal);
  let end = () => {};
  const fired = new Promise<never>((_, reject) => {
    end = onAbort(signal, () => reject(aborted(signal)));
  });
  try {
    return await Promise.race([promise, fired]);
  } finally {
    end();
  }
}
