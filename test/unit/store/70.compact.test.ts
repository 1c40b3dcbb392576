import { statSync } from "node:fs";
import { expect, test } from "vitest";
import { fakeEmbedder } from "../../support/fake_embedder.js";
import { items, openStore, temporaryFile } from "../../support/store.js";

const embedder = () => fakeEmbedder({ dims: 16 });

/** A store of which most was deleted; its texts do not pack well. */
async function mostlyDeleted() {
  const store = await openStore(await temporaryFile(), { embedder: embedder() });
  const long = items(1_500).map((item, i) => ({
    ...item,
    text: `${item.text} ${Array.from({ length: 60 }, (_, j) => ((i * 7919 + j * 104729) % 1e9).toString(36)).join(" ")}`,
  }));
  await store.add(long);
  await store.delete({ ids: long.slice(100).map(({ id }) => id!) });
  return store;
}

const sizeAfterClose = async (store: Awaited<ReturnType<typeof openStore>>) => {
  await store.close();
  return statSync(store.path).size;
};

test("compact gives the space of deleted passages back", async () => {
  const kept = await sizeAfterClose(await mostlyDeleted());
  const store = await mostlyDeleted();
  const { freedBytes } = await store.compact();
  expect((await store.compact()).freedBytes).toBe(0);
  expect((await store.verify()).problems).toEqual([]);
  expect((await store.search("the river", { k: 3 })).hits).toHaveLength(3);
  const size = await sizeAfterClose(store);
  expect(size).toBe(kept - freedBytes);
  expect(size).toBeLessThan(kept / 2);
});

test("compact gives space back while others read and write, and what they do stays", async () => {
  const store = await mostlyDeleted();
  const other = await openStore(store.path, { embedder: embedder() });
  const [{ freedBytes }] = await Promise.all([
    store.compact(),
    (async () => {
      for (let i = 0; i < 20; i++) {
        await other.add(items(1, 5_000 + i));
        expect((await other.search("the river", { k: 3 })).hits).toHaveLength(3);
      }
    })(),
  ]);
  expect(freedBytes).toBeGreaterThan(0);
  expect(await store.count()).toBe(120);
  expect((await other.verify()).problems).toEqual([]);
});

test("a compact that is stopped leaves a whole store, and the next one goes on", async () => {
  const store = await mostlyDeleted();
  const stop = new AbortController();
  const stopped = store.compact({ signal: stop.signal });
  stop.abort();
  await expect(stopped).rejects.toMatchObject({ code: "ABORTED" });
  expect((await store.verify()).problems).toEqual([]);
  expect((await store.compact()).freedBytes).toBeGreaterThan(0);
});

test("a store that is open for reading only cannot be compacted", async () => {
  const store = await mostlyDeleted();
  await store.close();
  const reading = await openStore(store.path, { embedder: embedder(), readOnly: true });
  await expect(reading.compact()).rejects.toMatchObject({ code: "READONLY" });
});
