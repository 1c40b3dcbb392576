import { expect, it } from "vitest";
import { Slots } from "../../../src/base/concurrency.js";

const settled = () => new Promise(setImmediate);

it("runs as many at once as there are slots, the others in the order they came", async () => {
  const slots = new Slots(2);
  const begun: number[] = [];
  const ends: (() => void)[] = [];
  const work = (n: number) =>
    slots.run(async () => {
      begun.push(n);
      await new Promise<void>((resolve) => ends.push(resolve));
      return n;
    });
  const all = [0, 1, 2, 3].map(work);
  await settled();
  expect(begun).toEqual([0, 1]);
  ends[1]!();
  await settled();
  expect(begun).toEqual([0, 1, 2]);
  ends[0]!();
  ends[2]!();
  await settled();
  ends[3]!();
  expect(await Promise.all(all)).toEqual([0, 1, 2, 3]);
});

it("gives a slot back after a failure, and once however often it is told to", async () => {
  const slots = new Slots(1);
  await expect(slots.run(async () => Promise.reject(new Error("no power")))).rejects.toThrow("no power");
  const release = await slots.take();
  let second = false;
  const waiting = slots.take().then((next) => {
    second = true;
    return next;
  });
  release();
  release();
  const next = await waiting;
  expect(second).toBe(true);
  let third = false;
  void slots.take().then(() => {
    third = true;
  });
  await settled();
  expect(third).toBe(false);
  next();
  await settled();
  expect(third).toBe(true);
});

it("one that gives up while it waits takes no slot from those behind it", async () => {
  const slots = new Slots(1);
  const release = await slots.take();
  const stop = new AbortController();
  const gone = slots.take(stop.signal);
  const behind = slots.take();
  stop.abort();
  await expect(gone).rejects.toMatchObject({ code: "ABORTED" });
  release();
  (await behind)();
  await expect(slots.take(AbortSignal.abort())).rejects.toMatchObject({ code: "ABORTED" });
  (await slots.take())();
});
