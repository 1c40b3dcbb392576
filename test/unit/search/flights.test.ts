import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { Flights } from "../../../src/search/flights.js";

/** An embedder whose calls settle by hand, and that records what it was asked. */
function manual() {
  const calls: { texts: string[]; signal: AbortSignal; land: () => void; crash: (error: Error) => void }[] = [];
  const flights = new Flights((texts, signal) => {
    return new Promise((resolve, reject) => {
      const land = () => resolve(texts.map((text) => Float32Array.of(text.length)));
      signal.addEventListener("abort", () => reject(new Error("told to stop")));
      calls.push({ texts, signal, land, crash: reject });
    });
  });
  return { flights, calls };
}

test("equal texts under way are embedded once, longest first", async () => {
  const { flights, calls } = manual();
  const first = flights.embed(["bb", "a", "bb", "dddd"]);
  const second = flights.embed(["a", "ccc"]);
  expect(calls.map(({ texts }) => texts)).toEqual([["dddd", "bb", "a"], ["ccc"]]);
  for (const { land } of calls) land();
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

test("a text that has landed is embedded anew: keeping vectors is not its task", async () => {
  const { flights, calls } = manual();
  const once = flights.embed(["a"]);
  calls[0]!.land();
  await once;
  const twice = flights.embed(["a"]);
  calls[1]!.land();
  await twice;
  expect(calls.length).toBe(2);
});

test("a caller that gives up does not end what another waits for", async () => {
  const { flights, calls } = manual();
  const stop = new AbortController();
  const leaving = flights.embed(["a"], stop.signal);
  const staying = flights.embed(["a"]);
  stop.abort();
  await expect(leaving).rejects.toMatchObject({ code: "ABORTED" });
  expect(calls[0]!.signal.aborted).toBe(false);
  calls[0]!.land();
  expect((await staying).vectors).toEqual([Float32Array.of(1)]);
});

test("the last caller to give up ends the call, and the next one starts afresh", async () => {
  const { flights, calls } = manual();
  const stop = new AbortController();
  const leaving = flights.embed(["a"], stop.signal);
  const other = flights.embed(["a"], stop.signal);
  stop.abort();
  await expect(leaving).rejects.toMatchObject({ code: "ABORTED" });
  await expect(other).rejects.toMatchObject({ code: "ABORTED" });
  expect(calls[0]!.signal.aborted).toBe(true);
  const next = flights.embed(["a"]);
  expect(calls.length).toBe(2);
  calls[1]!.land();
  await next;
});

test("a failure reaches everyone who waits, and is not remembered", async () => {
  const { flights, calls } = manual();
  const both = [flights.embed(["a"]), flights.embed(["a", "b"])];
  calls[0]!.crash(new Error("no power"));
  for (const waiting of both) await expect(waiting).rejects.toThrow("no power");
  expect(calls[1]!.signal.aborted).toBe(true);
  const again = flights.embed(["a"]);
  calls[2]!.land();
  await again;
});

test("an aborted signal starts nothing", async () => {
  const { flights, calls } = manual();
  await expect(flights.embed(["a"], AbortSignal.abort())).rejects.toMatchObject({ code: "ABORTED" });
  await sleep(1);
  expect(calls.length).toBe(0);
});
