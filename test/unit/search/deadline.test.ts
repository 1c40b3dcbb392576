import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { Deadline } from "../../../src/search/session.js";

/** Work that ends only when it is told to. */
function endless(signal: AbortSignal): Promise<void> {
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(new Error("told to stop")), { once: true });
  });
}

test("work that is done in time is done", async () => {
  const deadline = new Deadline(60_000);
  expect(await deadline.run(async () => {}, undefined)).toBe(true);
  expect(deadline.isOver).toBe(false);
  deadline.end();
});

test("work that is not is told to stop, and that is no failure", async () => {
  const deadline = new Deadline(5);
  let told = false;
  const finished = await deadline.run((signal) => {
    signal.addEventListener("abort", () => {
      told = true;
    });
    return endless(signal);
  }, new AbortController().signal);
  expect([finished, told, deadline.isOver]).toEqual([false, true, true]);
});

test("counts from the time given, and 0 is over at once", () => {
  expect(new Deadline(0).isOver).toBe(true);
  expect(new Deadline(1000, performance.now() - 2000).isOver).toBe(true);
  const later = new Deadline(10_000, performance.now() - 2000);
  expect(later.isOver).toBe(false);
  later.end();
});

test("an abort before it is an abort, also when both have fired", async () => {
  const deadline = new Deadline(60_000);
  const stop = new AbortController();
  const running = deadline.run(endless, stop.signal);
  stop.abort();
  await expect(running).rejects.toMatchObject({ code: "ABORTED" });
  deadline.end();
  const over = new Deadline(0);
  await sleep(2);
  const failing = over.run(() => Promise.reject(new Error("told to stop")), AbortSignal.abort());
  await expect(failing).rejects.toMatchObject({ code: "ABORTED" });
});

test("a failure before it passes through", async () => {
  const deadline = new Deadline(60_000);
  const failing = deadline.run(async () => {
    await sleep(1);
    throw new Error("no power");
  }, undefined);
  await expect(failing).rejects.toThrow("no power");
  deadline.end();
});
