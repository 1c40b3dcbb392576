import { onAbort } from "../base/abort.js";
import { throwIfAborted } from "../base/errors.js";
import type { NativeAddon, StopFlag } from "./native.js";

/**
 * Runs native work that `signal` stops within milliseconds.
 *
 * @throws `ABORTED` once the signal has fired, or what the work throws
 */
export async function stoppedBy<T>(
  signal: AbortSignal | undefined,
  addon: NativeAddon,
  work: (stop: StopFlag) => Promise<T>,
): Promise<T> {
  throwIfAborted(signal);
  const stop = new addon.StopFlag();
  const end = onAbort(signal, () => stop.stop());
  try {
    return await work(stop);
  } catch (error) {
    throwIfAborted(signal);
    throw error;
  } finally {
    end();
  }
}
