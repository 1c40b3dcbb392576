import { describe, expect, it } from "vitest";
import type { Embedder } from "../../../src/api/embedder.js";
import { CANARY_TEXTS, checkCanaries } from "../../../src/embed/fingerprint.js";
import { embedPassages } from "../../../src/embed/guard.js";
import type { Canary } from "../../../src/storage/model_rows.js";
import { fakeEmbedder } from "../../support/fake_embedder.js";

async function makeCanaries(embedder: Embedder): Promise<Canary[]> {
  const vectors = await embedPassages(embedder, CANARY_TEXTS);
  return CANARY_TEXTS.map((text, i) => ({ text, vector: vectors[i]! }));
}

const mismatch = (message: RegExp) =>
  expect.objectContaining({ code: "MODEL_MISMATCH", message: expect.stringMatching(message) });

/** An embedder whose vectors are those of another one, changed. */
const changed = (change: (vector: Float32Array) => Float32Array): Embedder => {
  const fake = fakeEmbedder();
  return {
    ...fake,
    dims: undefined,
    embedDocuments: async (texts) => (await fake.embedDocuments(texts)).map((v) => change(Float32Array.from(v))),
  };
};

describe("canaries", () => {
  it("are eight texts, all different, and pass with the model that made them", async () => {
    const embedder = fakeEmbedder();
    const canaries = await makeCanaries(embedder);
    expect(new Set(canaries.map(({ text }) => text)).size).toBe(8);
    embedder.documents = 0;
    await checkCanaries(embedder, canaries);
    expect(embedder.documents).toBe(2);
  });

  it("are checked in turn, round and round", async () => {
    const embedder = fakeEmbedder();
    const canaries = await makeCanaries(embedder);
    embedder.texts.length = 0;
    await checkCanaries(embedder, canaries, { first: 7, count: 3 });
    expect(embedder.texts).toEqual([7, 0, 1].map((i) => canaries[i]!.text));
    await checkCanaries(embedder, canaries, { count: 99 });
    expect(embedder.texts).toHaveLength(11);
    await checkCanaries(embedder, []);
  });

  it("tell another model, naming both and the cosine", async () => {
    const canaries = await makeCanaries(fakeEmbedder({ id: "old" }));
    const check = checkCanaries(fakeEmbedder({ id: "new", seed: 2 }), canaries, { expected: "old", first: 0 });
    await expect(check).rejects.toThrow(
      mismatch(
        /^The store was created with the embedder old, but new gives other vectors: for .* the cosine is -?0\.\d{4}, but at least 0\.999 is expected\.$/,
      ),
    );
  });

  it("tell other dims and, on request, other lengths", async () => {
    const canaries = await makeCanaries(fakeEmbedder());
    await expect(checkCanaries(fakeEmbedder({ dims: 32 }), canaries)).rejects.toThrow(
      mismatch(/it has 32 dims instead of 64/),
    );
    const longer = changed((v) => v.map((x) => x * 1.05));
    await checkCanaries(longer, canaries);
    await expect(checkCanaries(longer, canaries, { lengths: true })).rejects.toThrow(mismatch(/1\.050 times as long/));
  });

  it("allow as much as they are told", async () => {
    const canaries = await makeCanaries(fakeEmbedder());
    const shaken = changed((v) => v.map((x, i) => x + (i % 2 ? 0.01 : -0.01)));
    await expect(checkCanaries(shaken, canaries, { count: 8 })).rejects.toThrow(
      mismatch(
        /the cosine is 0\.99.* the same model in another batch .*minCanaryCosine sets the lowest allowed cosine/,
      ),
    );
    await checkCanaries(shaken, canaries, { count: 8, minCosine: 0.98 });
    await expect(
      checkCanaries(
        changed((v) => v.fill(0)),
        canaries,
      ),
    ).rejects.toThrow(mismatch(/the cosine is 0\.0000/));
  });
});
