import { expect, it } from "vitest";
import { Shared } from "../../../src/base/concurrency.js";

/** Work that settles by hand, and how often it ended. */
function manual() {
  let ended = 0;
  let finish: (value: number) => void = () => {};
  let fail: (error: Error) => void = () => {};
  let signal: AbortSignal | undefined;
  const shared = new Shared<number>(
    (given) => {
      signal = given;
      return new Promise((resolve, reject) => {
        [finish, fail] = [resolve, reject];
        given.addEventListener("abort", () => reject(new Error("told to stop")));
      });
    },
    () => ended++,
  );
  return { shared, finish: (n: number) => finish(n), fail: (e: Error) => fail(e), signal: signal!, ended: () => ended };
}

it("gives all who joined the one result, and ends once", async () => {
  const { shared, finish, ended } = manual();
  const both = [shared.join(undefined), shared.join(new AbortController().signal)];
  expect(ended()).toBe(0);
  finish(7);
  expect(await Promise.all(both)).toEqual([7, 7]);
  expect(ended()).toBe(1);
});

it("goes on while anybody waits, and is aborted when the last one leaves", async () => {
  const { shared, signal, ended } = manual();
  const [first, second] = [new AbortController(), new AbortController()];
  const joined = [shared.join(first.signal), shared.join(second.signal)];
  first.abort();
  await expect(joined[0]).rejects.toMatchObject({ code: "ABORTED" });
  expect([signal.aborted, ended()]).toEqual([false, 0]);
  second.abort();
  await expect(joined[1]).rejects.toMatchObject({ code: "ABORTED" });
  expect([signal.aborted, ended()]).toEqual([true, 1]);
});

it("a failure reaches all who joined", async () => {
  const { shared, fail, ended } = manual();
  const both = [shared.join(undefined), shared.join(undefined)];
  fail(new Error("no power"));
  for (const one of both) await expect(one).rejects.toThrow("no power");
  expect(ended()).toBe(1);
});
