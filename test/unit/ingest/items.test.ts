import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { itemsOf } from "../../../src/ingest/items.js";

/** A source that gives 0, 1, ... and notes what is asked of it; from `stallAt` on its answers come when told. */
function source(stallAt: number) {
  const asked: string[] = [];
  let fail: (error: Error) => void = () => {};
  let n = 0;
  const iterable: AsyncIterable<number> = {
    [Symbol.asyncIterator]: () => ({
      next: () => {
        asked.push("next");
        if (n === stallAt) return new Promise((_, reject) => (fail = reject));
        return Promise.resolve({ value: n++, done: false });
      },
      return: async () => {
        asked.push("return");
        return { value: undefined, done: true };
      },
    }),
  };
  return { iterable, asked, fail: (error: Error) => fail(error) };
}

it("gives what a source gives, to its end", async () => {
  for (const raw of [
    [1, 2, 3],
    new Set([1, 2, 3]),
    (async function* () {
      yield* [1, 2, 3];
    })(),
  ]) {
    const seen: unknown[] = [];
    for await (const item of itemsOf(raw, new AbortController().signal)) seen.push(item);
    expect(seen).toEqual([1, 2, 3]);
  }
});

it("gives up on a source that stalls, and what that says later concerns nobody", async () => {
  const { iterable, asked, fail } = source(2);
  const stop = new AbortController();
  const seen: unknown[] = [];
  const reading = (async () => {
    for await (const item of itemsOf(iterable, stop.signal)) seen.push(item);
  })();
  await sleep(5);
  stop.abort();
  await expect(reading).rejects.toMatchObject({ code: "ABORTED" });
  expect(seen).toEqual([0, 1]);
  expect(asked).toEqual(["next", "next", "next", "return"]);
  fail(new Error("too late")); // an unhandled rejection would fail this run
  await sleep(5);
});

it("asks for nothing more once the signal has fired", async () => {
  const { iterable, asked } = source(9);
  const stop = new AbortController();
  const reading = (async () => {
    for await (const item of itemsOf(iterable, stop.signal)) if (item === 1) stop.abort();
  })();
  await expect(reading).rejects.toMatchObject({ code: "ABORTED" });
  expect(asked).toEqual(["next", "next", "return"]);
});

it("tells a source that nobody reads on", async () => {
  const { iterable, asked } = source(9);
  for await (const item of itemsOf(iterable, undefined)) if (item === 1) break;
  expect(asked).toEqual(["next", "next", "return"]);
});
