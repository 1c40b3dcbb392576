import { describe, expect, test } from "vitest";
import { fakeEmbedder } from "../../support/fake_embedder.js";
import { items, openStore, temporaryFile, texts } from "../../support/store.js";

describe("a model that changed behind its name", () => {
  /** Calls of the model until its canaries are proved and a first search is answered. */
  async function callsOfOneSearch(path: string): Promise<number> {
    const embedder = fakeEmbedder();
    const store = await openStore(path, { embedder });
    await store.search("the river in winter", { k: 10 });
    await store.close();
    return embedder.calls;
  }

  test("while a store is open is found out by the searches after", async () => {
    const path = await temporaryFile();
    const store = await openStore(path, { embedder: fakeEmbedder() });
    await store.add(items(600));
    await store.close();
    const embedder = fakeEmbedder({ mutateAt: (await callsOfOneSearch(path)) + 1 });
    const changed = await openStore(path, { embedder });
    await changed.search("the river in winter", { k: 10 });
    const answers: unknown[] = [];
    for (const text of texts(8, 5000)) answers.push(await changed.search(text, { k: 10 }).catch((error) => error));
    const at = answers.findIndex((answer) => answer instanceof Error);
    expect(at).toBeGreaterThanOrEqual(0);
    expect(at).toBeLessThan(4);
    for (const answer of answers.slice(at)) expect(answer).toMatchObject({ code: "MODEL_MISMATCH" });
    // What it remembers of that model is not believed either.
    await expect(changed.search("the river in winter", { k: 10 })).rejects.toMatchObject({ code: "MODEL_MISMATCH" });
  });

  test("of the same dims is refused by the first search of a store opened again, and by the first add", async () => {
    const path = await temporaryFile();
    const store = await openStore(path, { embedder: fakeEmbedder() });
    await store.add(items(20));
    await store.close();
    const changed = await openStore(path, { embedder: fakeEmbedder({ seed: 2 }) });
    await expect(changed.search("the river")).rejects.toMatchObject({ code: "MODEL_MISMATCH" });
    await expect(changed.add(items(1, 900))).rejects.toMatchObject({ code: "MODEL_MISMATCH" });
    expect(await changed.count()).toBe(20);
  });

  test("does not trouble searches of the right model, whatever is asked", async () => {
    const store = await openStore(await temporaryFile(), { embedder: fakeEmbedder({ noise: 0.6 }) });
    await store.add(items(800));
    for (const text of [...texts(40, 3000), "", "x", "zebra quagga okapi", "?".repeat(500)].filter(Boolean)) {
      await store.search(text, { k: 10 });
    }
  });
});

test("a store whose model is not to be had is listed, counted, exported and backed up all the same", async () => {
  const path = await temporaryFile();
  const store = await openStore(path, { embedder: fakeEmbedder(), keywords: true });
  await store.add(items(50));
  await store.close();
  const bare = await openStore(path, {});
  expect(await bare.count()).toBe(50);
  const listed: string[] = [];
  for await (const { id } of bare.passages()) listed.push(id);
  expect(listed).toHaveLength(50);
  expect(await bare.get(["p1"])).toMatchObject([{ id: "p1" }]);
  expect((await bare.search("river", { mode: "keyword" })).hits.length).toBeGreaterThan(0);
  expect((await bare.verify()).problems).toEqual([]);
  await bare.backup(await temporaryFile("copy.db"));
  expect(await bare.delete({ ids: ["p1"] })).toBe(1);
  await expect(bare.search("river")).rejects.toMatchObject({
    code: "MODEL_MISMATCH",
    message: expect.stringContaining("embedder"),
  });
});
