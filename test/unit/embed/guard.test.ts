import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { Embedder } from "../../../src/api/embedder.js";
import { embedPassages, embedQuestion } from "../../../src/embed/guard.js";
import { fakeEmbedder } from "../../support/fake_embedder.js";

const words = (n: number): string[] => Array.from({ length: n }, (_, i) => `word${i} text${i}`);
const coded = (code: string) => expect.objectContaining({ code });

describe("embedPassages", () => {
  it.each([0, 1, 3, 4, 5, 8, 9])("embeds %i texts in calls of 4, in order", async (n) => {
    const embedder = fakeEmbedder({ batch: 4 });
    const vectors = await embedPassages(embedder, words(n));
    expect(embedder.calls).toBe(Math.ceil(n / 4));
    const alone = await Promise.all(words(n).map((text) => embedQuestion(embedder, text)));
    expect(vectors).toEqual(alone);
  });

  it("keeps as many calls under way as concurrency allows", async () => {
    const embedder = fakeEmbedder({ batch: 4, concurrency: 12, delayMs: 5 });
    await embedPassages(embedder, words(40));
    expect(embedder.peak).toBe(12);
    const single = fakeEmbedder({ batch: 4, delayMs: 1 });
    await embedPassages(single, words(40));
    expect(single.peak).toBe(4);
  });

  it("calls 64 texts at once where the embedder does not say", async () => {
    const embedder = fakeEmbedder();
    await embedPassages(embedder, words(65));
    expect(embedder.calls).toBe(2);
  });

  it("wraps what the embedder throws and begins no further call", async () => {
    const embedder = fakeEmbedder({ batch: 2, failAt: 2 });
    await expect(embedPassages(embedder, words(20))).rejects.toMatchObject({
      code: "EMBEDDER_FAILED",
      message: "The embedder fake-64 failed: the fake embedder fails at call 2.",
      cause: expect.any(Error),
    });
    await sleep(5);
    expect(embedder.calls).toBe(2);
  });

  it("wraps an error thrown before a promise is returned", async () => {
    const embedder = fakeEmbedder();
    const rude: Embedder = {
      ...embedder,
      dims: 64,
      embedDocuments: () => {
        throw new TypeError("not a function");
      },
    };
    await expect(embedPassages(rude, ["a"])).rejects.toThrow(coded("EMBEDDER_FAILED"));
  });

  it("gives up on an embedder that hangs, when its time is up", async () => {
    const hung = embedPassages(fakeEmbedder({ hangAt: 2, batch: 1 }), words(3), { timeoutMs: 50 });
    await expect(hung).rejects.toMatchObject({
      code: "EMBEDDER_TIMEOUT",
      message: "The embedder fake-64 did not answer within 50 ms.",
    });
  });

  it("tells the embedder through its signal when time is up", async () => {
    let reason: unknown;
    const patient: Embedder = {
      ...fakeEmbedder(),
      dims: 64,
      embedDocuments: (_, options) =>
        new Promise((_resolve, reject) => {
          options!.signal!.addEventListener("abort", () => {
            reason = options!.signal!.reason;
            reject(new Error("told"));
          });
        }),
    };
    await expect(embedPassages(patient, ["a"], { timeoutMs: 10 })).rejects.toThrow(coded("EMBEDDER_TIMEOUT"));
    expect(reason).toMatchObject({ code: "EMBEDDER_TIMEOUT" });
  });

  it("stops when its signal fires, before and during", async () => {
    await expect(embedPassages(fakeEmbedder(), ["a"], { signal: AbortSignal.abort("why") })).rejects.toMatchObject({
      code: "ABORTED",
      cause: "why",
    });
    const stop = new AbortController();
    const embedder = fakeEmbedder({ hangAt: 1, batch: 2 });
    const running = embedPassages(embedder, words(9), { signal: stop.signal });
    await sleep(5);
    stop.abort();
    await expect(running).rejects.toThrow(coded("ABORTED"));
    expect(embedder.calls).toBe(1);
  });

  it.each([
    ["too few vectors", { tooFewAt: 2 }],
    ["other dims", { wrongDimsAt: 2 }],
    ["NaN", { nanAt: 2 }],
  ])("refuses %s", async (_, fault) => {
    const embedder = fakeEmbedder({ ...fault, batch: 4, tellsDims: false });
    await expect(embedPassages(embedder, words(9))).rejects.toThrow(coded("EMBEDDER_OUTPUT"));
  });

  it("holds vectors to the dims that are asked for", async () => {
    await expect(embedPassages(fakeEmbedder({ dims: 8 }), ["a"], { dims: 9 })).rejects.toThrow(
      /8 dims .* 9 are expected/,
    );
  });

  it("counts truncated texts from the start of the list, not of the call", async () => {
    const cutting: Embedder = {
      ...fakeEmbedder({ dims: 2, batch: 3 }),
      dims: 2,
      embedDocuments: async (texts, options) => {
        for (const [i, text] of texts.entries()) if (text.length > 3) options?.onTruncated?.(i, text.length);
        return texts.map(() => [1, 2]);
      },
    };
    const cut: [number, number][] = [];
    const texts = ["a", "bbbb", "c", "d", "e", "ffffff", "g", "hhhhh"];
    await embedPassages(cutting, texts, { onTruncated: (index, tokens) => cut.push([index, tokens]) });
    expect(cut).toEqual([
      [1, 4],
      [5, 6],
      [7, 5],
    ]);
  });
});

describe("embedQuestion", () => {
  it("is watched and checked like passages", async () => {
    expect(await embedQuestion(fakeEmbedder({ dims: 8 }), "a b")).toHaveLength(8);
    await expect(embedQuestion(fakeEmbedder({ nanAt: 1 }), "a")).rejects.toThrow(coded("EMBEDDER_OUTPUT"));
    await expect(embedQuestion(fakeEmbedder({ failAt: 1 }), "a")).rejects.toThrow(coded("EMBEDDER_FAILED"));
    const hung = embedQuestion(fakeEmbedder({ hangAt: 1 }), "a", { timeoutMs: 10 });
    await expect(hung).rejects.toThrow(coded("EMBEDDER_TIMEOUT"));
  });
});

describe("fakeEmbedder", () => {
  it("scores texts that share words higher, and equal texts alike", async () => {
    const embedder = fakeEmbedder();
    const [a, b, c, d] = await embedPassages(embedder, [
      "red tree hill",
      "red tree house",
      "blue dog ran",
      "red tree hill",
    ]);
    const dot = (x: Float32Array, y: Float32Array) => x.reduce((sum, v, i) => sum + v * y[i]!, 0);
    expect(dot(a!, b!)).toBeGreaterThan(dot(a!, c!) + 0.2);
    expect(d).toEqual(a);
    expect(dot(a!, a!)).toBeCloseTo(1, 5);
  });
});
