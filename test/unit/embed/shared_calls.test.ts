import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { SharedCalls } from "../../../src/embed/shared_calls.js";

/** An embedder whose calls settle by hand, and that records what it was asked. */
function manual() {
  const calls: { texts: string[]; signal: AbortSignal; finish: () => void; fail: (error: Error) => void }[] = [];
  const shared = new SharedCalls((texts, signal) => {
    return new Promise((resolve, reject) => {
      const finish = () => resolve(texts.map((text) => Float32Array.of(text.length)));
      signal.addEventListener("abort", () => reject(new Error("told to stop")));
      calls.push({ texts, signal, finish, fail: reject });
    });
  });
  return { shared, calls };
}

test("equal texts under way are embedded once, longest first", async () => {
  const { shared, calls } = manual();
  const first = shared.embed(["bb", "a", "bb", "dddd"]);
  const second = shared.embed(["a", "ccc"]);
  expect(calls.map(({ texts }) => texts)).toEqual([["dddd", "bb", "a"], ["ccc"]]);
  for (const { finish } of calls) finish();
  const answers = await Promise.all([first, second]);
  expect(answers.map(({ vectors }) => vectors.map((v) => v[0]))).toEqual([
    [2, 1, 2, 4],
    [1, 3],
  ]);
  expect(answers.map(({ started }) => started)).toEqual([
    [true, true, false, true],
    [false, true],
  ]);
});

test("a text that has finished is embedded anew: keeping vectors is not its task", async () => {
  const { shared, calls } = manual();
  const once = shared.embed(["a"]);
  calls[0]!.finish();
  await once;
  const twice = shared.embed(["a"]);
  calls[1]!.finish();
  await twice;
  expect(calls.length).toBe(2);
});

test("a caller that gives up does not end what another waits for", async () => {
  const { shared, calls } = manual();
  const stop = new AbortController();
  const leaving = shared.embed(["a"], stop.signal);
  const staying = shared.embed(["a"]);
  stop.abort();
  await expect(leaving).rejects.toMatchObject({ code: "ABORTED" });
  expect(calls[0]!.signal.aborted).toBe(false);
  calls[0]!.finish();
  expect((await staying).vectors).toEqual([Float32Array.of(1)]);
});

test("the last caller to give up ends the call, and the next one starts afresh", async () => {
  const { shared, calls } = manual();
  const stop = new AbortController();
  const leaving = shared.embed(["a"], stop.signal);
  const other = shared.embed(["a"], stop.signal);
  stop.abort();
  await expect(leaving).rejects.toMatchObject({ code: "ABORTED" });
  await expect(other).rejects.toMatchObject({ code: "ABORTED" });
  expect(calls[0]!.signal.aborted).toBe(true);
  const next = shared.embed(["a"]);
  expect(calls.length).toBe(2);
  calls[1]!.finish();
  await next;
});

test("a failure reaches everyone who waits, and is not remembered", async () => {
  const { shared, calls } = manual();
  const both = [shared.embed(["a"]), shared.embed(["a", "b"])];
  calls[0]!.fail(new Error("no power"));
  for (const waiting of both) await expect(waiting).rejects.toThrow("no power");
  expect(calls[1]!.signal.aborted).toBe(true);
  const again = shared.embed(["a"]);
  calls[2]!.finish();
  await again;
});

test("an aborted signal starts nothing", async () => {
  const { shared, calls } = manual();
  await expect(shared.embed(["a"], AbortSignal.abort())).rejects.toMatchObject({ code: "ABORTED" });
  await sleep(1);
  expect(calls.length).toBe(0);
});
