import { getEventListeners } from "node:events";
import { expect, test } from "vitest";
import { withAnyOf } from "../../../src/base/abort.js";
import { fakeEmbedder } from "../../support/fake_embedder.js";
import { items, openStore, temporaryFile } from "../../support/store.js";

const untilAborted = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true }));

test("the first signal that fires stops the work, with its reason", async () => {
  for (const first of [0, 1]) {
    const controllers = [new AbortController(), new AbortController()];
    const signals = [...controllers.map(({ signal }) => signal), undefined];
    const work = withAnyOf(signals, untilAborted);
    controllers[first]!.abort(new Error(`reason ${first}`));
    await expect(work).rejects.toThrow(`reason ${first}`);
    expect(controllers.map(({ signal }) => getEventListeners(signal, "abort").length)).toEqual([0, 0]);
  }
});

test("a signal that fired before stops the work at once", async () => {
  const seen = await withAnyOf([AbortSignal.abort("late"), undefined], async ({ aborted, reason }) => [
    aborted,
    reason,
  ]);
  expect(seen).toEqual([true, "late"]);
});

test("a signal has one listener for all that it may stop, and none when that has ended", async () => {
  const { signal } = new AbortController();
  const ends: (() => void)[] = [];
  const works = Array.from({ length: 30 }, () =>
    withAnyOf([signal], () => new Promise<void>((resolve) => void ends.push(resolve))),
  );
  expect(getEventListeners(signal, "abort")).toHaveLength(1);
  for (const end of ends.slice(1)) end();
  await Promise.all(works.slice(1));
  expect(getEventListeners(signal, "abort")).toHaveLength(1);
  ends[0]!();
  await works[0];
  expect(getEventListeners(signal, "abort")).toHaveLength(0);
});

test("no operation of a store leaves anything behind in the caller's signal", async () => {
  const file = await temporaryFile();
  const store = await openStore(file, { embedder: fakeEmbedder({ dims: 16 }) });
  const { signal } = new AbortController();
  const ask = (i: number, deadlineMs?: number) =>
    store.search(`question ${i}`, { signal, k: 3, ...(deadlineMs && { recompute: { deadlineMs } }) });
  await store.add(items(60), { signal });
  const searches = Array.from({ length: 40 }, (_, i) => ask(i, i % 2 ? 10_000 : undefined));
  expect(getEventListeners(signal, "abort").length).toBeLessThanOrEqual(1);
  await Promise.all(searches);
  await store.compact({ signal });
  await store.verify({ signal });
  await store.stats({ signal });
  await store.backup(`${file}.copy`, { signal });
  expect(getEventListeners(signal, "abort")).toHaveLength(0);
  expect(dependentsOf(signal)).toBe(0);
});

/** What `AbortSignal.any` leaves in a signal on the Node versions that keep it in a set under a symbol. */
function dependentsOf(signal: AbortSignal): number {
  const key = Object.getOwnPropertySymbols(signal).find((symbol) => symbol.description === "kDependantSignals");
  const dependents = key && (signal as unknown as Record<symbol, Set<unknown> | undefined>)[key];
  return dependents?.size ?? 0;
}

test("what work began ends when it fails", async () => {
  let began: AbortSignal | undefined;
  const failing = withAnyOf([new AbortController().signal], async (signal) => {
    began = signal;
    await Promise.all([untilAborted(signal), Promise.reject(new Error("no power"))]);
  });
  await expect(failing).rejects.toThrow("no power");
  expect(began?.aborted).toBe(true);
});
