import { existsSync } from "node:fs";
import { describe, expect, it, test } from "vitest";
import { embedPassages, limitsOf } from "../../../src/embed/guard.js";
import { VectorStore } from "../../../src/index.js";
import { fakeEmbedder } from "../../support/fake_embedder.js";
import { items, openStore, temporaryFile } from "../../support/store.js";

describe("what an embedder takes at once", () => {
  it("is what it says, or 64 texts per call and one call at a time", () => {
    expect(limitsOf({})).toEqual({ batch: 64, concurrency: 64 });
    expect(limitsOf({ batch: 3 })).toEqual({ batch: 3, concurrency: 3 });
    expect(limitsOf({ batch: 3, concurrency: 12 })).toEqual({ batch: 3, concurrency: 12 });
    expect(limitsOf({ concurrency: 7 })).toEqual({ batch: 64, concurrency: 7 });
  });

  it("has a limit, for lists of texts are made of it", () => {
    expect(limitsOf({ batch: 1e9, concurrency: 1e12 })).toEqual({ batch: 65_536, concurrency: 65_536 });
  });
});

test.each(
  ["batch", "concurrency", "dims"].flatMap((name) =>
    [Number.NaN, 2.5, 0, -1, "8", null].map((value) => [name, value] as const),
  ),
)("an embedder whose %s is %s is refused by name, before a file is made or a text embedded", async (name, value) => {
  const embedder = Object.defineProperty(fakeEmbedder(), name, { value });
  const refusal = { code: "INVALID_ARGUMENT", message: expect.stringContaining(`embedder.${name}`) };
  const file = await temporaryFile();
  await expect(VectorStore.open(file, { embedder })).rejects.toMatchObject(refusal);
  expect(existsSync(file)).toBe(false);
  await expect(embedPassages(embedder, ["a text"])).rejects.toMatchObject(refusal);
  expect(embedder.calls).toBe(0);
});

test.each([1, 3, 200])("a store works with an embedder of %i texts per call", async (batch) => {
  const embedder = fakeEmbedder({ dims: 8, batch, concurrency: 2 * batch });
  const store = await openStore(await temporaryFile(), { embedder });
  expect(await store.add(items(130))).toMatchObject({ added: 130 });
  expect((await store.search("the river", { k: 20, recompute: { deadlineMs: 60_000 } })).hits).toHaveLength(20);
});
