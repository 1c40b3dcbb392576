import { onTestFinished, vi } from "vitest";

/**
 * Makes work seem slow, however fast the machine is: by each look at the clock so many milliseconds have passed. What takes
 * its time in slices then ends one at every look.
 */
export function slowClock(msPerLook: number): void {
  let now = performance.now();
  const clock = vi.spyOn(performance, "now").mockImplementation(() => {
    now += msPerLook;
    return now;
  });
  onTestFinished(() => clock.mockRestore());
}

/** Stops the timers that were set by `setTimeout` from here on; the function that it answers lets so much time pass. */
export function stoppedTimers(): (ms: number) => void {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  onTestFinished(() => void vi.useRealTimers());
  return (ms) => void vi.advanceTimersByTime(ms);
}

/** Waits until a condition holds, for as long as the test may take. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

/** Counts rounds of the event loop from here on; the function that it answers ends the count and tells it. */
export function countRounds(): () => number {
  let rounds = 0;
  let counting = true;
  const count = () => {
    rounds++;
    if (counting) setImmediate(count);
  };
  setImmediate(count);
  return () => {
    counting = false;
    return rounds;
  };
}
