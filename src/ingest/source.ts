import { throwIfAborted } from "../errors.js";
import { unlessAborted } from "../storage/waiting.js";

/**
 * The items of an iterable, one after the other. An asynchronous one may keep an `add` waiting for ever: this gives up on
 * it, with `ABORTED`, as soon as the signal fires, and tells it so by `return` without waiting for that either.
 */
export async function* itemsOf(
  raw: Iterable<unknown> | AsyncIterable<unknown>,
  signal: AbortSignal | undefined,
): AsyncGenerator<unknown> {
  if (!(Symbol.asyncIterator in raw)) {
    for (const item of raw) {
      throwIfAborted(signal);
      yield item;
    }
    return;
  }
  const source = raw[Symbol.asyncIterator]();
  let over = false;
  try {
    for (;;) {
      throwIfAborted(signal);
      const next = await unlessAborted(Promise.resolve(source.next()), signal);
      if (next.done) {
        over = true;
        return;
      }
      yield next.value;
    }
  } finally {
    // It may be stuck in its `next`, and what it throws now concerns nobody any more.
    if (!over) void Promise.resolve(source.return?.()).catch(() => {});
  }
}
