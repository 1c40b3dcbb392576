import { describe, expect, it } from "vitest";
import type { Embedder } from "../../../src/api/embedder.js";
import { CANARY_TEXTS } from "../../../src/embed/fingerprint.js";
import { introduceEmbedder } from "../../../src/embed/introduction.js";
import { changingEmbedder, type FakeEmbedderOptions, fakeEmbedder } from "../../support/fake_embedder.js";

/** A fake that says nothing of batches, so that it has to be tried. */
function silent(options: FakeEmbedderOptions = {}) {
  const fake = fakeEmbedder(options);
  return Object.assign(fake, { batchInvariant: undefined });
}

/** An embedder of some texts alone; others are treated by `unknown`. */
function tableOf(known: (text: string) => boolean, unknown: () => Float32Array): Embedder {
  const fake = silent();
  return {
    id: "table",
    dims: undefined,
    embedDocuments: async (texts) => {
      const vectors = await fake.embedDocuments(texts);
      return texts.map((text, i) => (known(text) ? vectors[i]! : unknown()));
    },
    embedQuery: (text) => fake.embedQuery(text),
  };
}
const refuse = () => {
  throw new Error("no such text in the table");
};

describe("introduceEmbedder", () => {
  it("embeds eight canaries, all different, at once where batches are known to do no harm", async () => {
    const embedder = fakeEmbedder();
    const { canaries, dims, batchCosine } = await introduceEmbedder(embedder, []);
    expect([new Set(canaries.map(({ text }) => text)).size, dims, batchCosine]).toEqual([8, 64, undefined]);
    expect([embedder.calls, embedder.documents]).toEqual([1, 8]);
  });

  it("tries an embedder that says nothing of batches, and keeps to batches where they agree", async () => {
    const embedder = silent();
    expect((await introduceEmbedder(embedder, [])).batchCosine).toBeUndefined();
    expect(embedder.documents).toBe(16);
    const single = silent({ batch: 1 });
    expect((await introduceEmbedder(single, [])).batchCosine).toBeUndefined();
    expect(single.documents).toBe(8);
  });

  it("finds out that batches change vectors, and takes those of the texts alone", async () => {
    const { canaries, batchCosine } = await introduceEmbedder(silent({ batchNoise: 0.15 }), []);
    expect(batchCosine).toBeGreaterThan(0.95);
    expect(batchCosine).toBeLessThan(0.9995);
    const alone = await fakeEmbedder().embedDocuments([...CANARY_TEXTS]);
    expect(canaries.map(({ vector }) => vector)).toEqual(alone);
    // A caller who allows canaries to differ by as much gets batches.
    const lax = await introduceEmbedder(silent({ batchNoise: 0.15 }), [], { minCosine: 0.9 });
    expect(lax.batchCosine).toBeUndefined();
  });

  it("minds lengths only where scores depend on them", async () => {
    const fake = silent();
    const stretched: Embedder = {
      ...fake,
      embedDocuments: async (texts) => {
        const vectors = (await fake.embedDocuments(texts)) as Float32Array[];
        return texts.length === 1 ? vectors : vectors.map((vector) => vector.map((x) => 1.02 * x));
      },
    };
    expect((await introduceEmbedder(stretched, [])).batchCosine).toBeUndefined();
    expect((await introduceEmbedder(stretched, [], { lengths: true })).batchCosine).toBeCloseTo(1, 4);
  });

  it("refuses an embedder that gives a text another vector each time", async () => {
    await expect(introduceEmbedder(changingEmbedder(), ["a text"])).rejects.toMatchObject({
      code: "EMBEDDER_OUTPUT",
      message: expect.stringMatching(/^The embedder random gives a text a different vector each time, even alone/),
    });
  });

  it.each([
    ["throws", refuse],
    ["answers zeros", () => new Float32Array(64)],
  ])("does without canaries where an embedder of a fixed table %s for them", async (_, unknown) => {
    const table = tableOf((text) => text.startsWith("my "), unknown);
    const found = await introduceEmbedder(table, ["my first text", "my second text"]);
    expect(found).toEqual({ canaries: [], dims: 64, batchCosine: undefined });
  });

  it("keeps the canaries that can be embedded", async () => {
    const table = tableOf((text) => text.startsWith("my ") || text.includes("a"), refuse);
    const { canaries } = await introduceEmbedder(table, ["my first text"]);
    expect(canaries.map(({ text }) => text)).toEqual(CANARY_TEXTS.filter((text) => text.includes("a")));
    expect(canaries.length).toBeLessThan(8);
  });

  it("tells the failure of an embedder that cannot embed the store's own texts either", async () => {
    const calls: string[][] = [];
    const broken: Embedder = {
      ...silent(),
      embedDocuments: async (texts) => {
        calls.push(texts);
        throw new Error("out of order");
      },
    };
    await expect(introduceEmbedder(broken, ["a text", "b"])).rejects.toMatchObject({ code: "EMBEDDER_FAILED" });
    expect(calls).toEqual([CANARY_TEXTS, ["a text"]]);
  });
});
