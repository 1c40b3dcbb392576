// By name: fake timers, which tests of applications put in the place of global ones, must not stop a store.
import { setImmediate } from "node:timers";

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
