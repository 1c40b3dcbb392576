import { expect, test } from "vitest";
import { onnxEmbedder, VectorStore } from "../../../src/index.js";
import { until } from "../../support/clock.js";
import { fakeEmbedder } from "../../support/fake_embedder.js";
import { items, openStore, temporaryFile } from "../../support/store.js";
import { tinyModel } from "../../support/tiny_model.js";

/** An embedder that counts how often it is told to load. */
function counting(preload: () => Promise<void> = async () => {}) {
  const embedder = Object.assign(fakeEmbedder(), { preloads: 0 });
  embedder.preload = () => {
    embedder.preloads++;
    return preload();
  };
  return embedder;
}

test("the model is started by open if that is asked for, and not otherwise", async () => {
  const file = await temporaryFile();
  const idle = counting();
  const maker = await openStore(file, { embedder: idle });
  await maker.add(items(3));
  expect(idle.preloads).toBe(0);
  const eager = counting();
  await openStore(file, { embedder: eager, preload: true });
  await until(() => eager.preloads === 1);
  expect(eager.calls).toBe(0);
});

test("a model that cannot be started fails what needs it, not open", async () => {
  const broken = counting(() => Promise.reject(new Error("no model")));
  const store = await openStore(await temporaryFile(), { embedder: broken, preload: true });
  await until(() => broken.preloads === 1);
  await store.add(items(3));
  expect(await store.count()).toBe(3);
});

test("a local model runs before the first question, and ends with the store that found it", async () => {
  const folder = await tinyModel();
  const file = await temporaryFile();
  const embedder = (await onnxEmbedder({ folder, workers: 1 })) as Awaited<ReturnType<typeof onnxEmbedder>> & {
    pids(): Promise<number[]>;
  };
  const maker = await VectorStore.open(file, { embedder, preload: true });
  while ((await embedder.pids()).length === 0) await new Promise((resolve) => setImmediate(resolve));
  await maker.add(items(3));
  expect(await embedder.pids()).toHaveLength(1);
  await maker.close();
  await embedder.close!();
  const finder = await VectorStore.open(file, { preload: true });
  await finder.close();
  const again = await VectorStore.open(file, { preload: true });
  expect((await again.search("cat")).hits).toHaveLength(3);
  await again.close();
});

test("an open that fails leaves no model running", async () => {
  const file = await temporaryFile();
  const maker = await openStore(file, { embedder: counting() });
  await maker.add(items(3));
  await maker.close();
  const late = counting();
  const opening = VectorStore.open(file, { embedder: late, preload: true, filterable: [""] });
  await expect(opening).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  expect(late.preloads).toBe(0);
});
