import { expect, it } from "vitest";
import { Slots } from "../../../src/base/concurrency.js";
import { embedPassages, embedQuestion } from "../../../src/embed/guard.js";
import { fakeEmbedder } from "../../support/fake_embedder.js";

it("one text is under way at a time, also for several callers", async () => {
  const embedder = fakeEmbedder({ delayMs: 2, batch: 8, concurrency: 64 });
  const oneByOne = new Slots(1);
  const texts = Array.from({ length: 5 }, (_, i) => `text ${i}`);
  const [first, second] = await Promise.all([
    embedPassages(embedder, texts, { oneByOne }),
    embedPassages(embedder, texts, { oneByOne }),
    embedQuestion(embedder, "why", { oneByOne }),
  ]);
  expect(first).toEqual(second);
  expect([embedder.peak, embedder.largestCall, embedder.calls]).toEqual([1, 1, 11]);
});

it("waiting ends with the signal, and costs others neither their turn nor their time", async () => {
  const embedder = fakeEmbedder({ delayMs: 40 });
  const oneByOne = new Slots(1);
  const stop = new AbortController();
  const first = embedPassages(embedder, ["a"], { oneByOne });
  const gone = embedPassages(embedder, ["b"], { oneByOne, signal: stop.signal });
  const last = embedPassages(embedder, ["c"], { oneByOne, timeoutMs: 70 });
  stop.abort();
  await expect(gone).rejects.toMatchObject({ code: "ABORTED" });
  expect(await Promise.all([first, last])).toHaveLength(2);
  expect(embedder.texts).toEqual(["a", "c"]);
});

it("a call that hangs gives up its turn when its time is up", async () => {
  const embedder = fakeEmbedder({ hangAt: 1 });
  const oneByOne = new Slots(1);
  const hung = embedPassages(embedder, ["a"], { oneByOne, timeoutMs: 20 });
  const next = embedPassages(embedder, ["b"], { oneByOne });
  await expect(hung).rejects.toMatchObject({ code: "EMBEDDER_TIMEOUT" });
  expect(await next).toHaveLength(1);
});
