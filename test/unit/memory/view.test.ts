import { expect, test } from "vitest";
import { Coders } from "../../../src/codes/coders.js";
import { FilterBitmaps } from "../../../src/filter/matching.js";
import { StoreGraph } from "../../../src/memory/graph.js";
import { CodeIndex } from "../../../src/memory/mirror.js";
import { KeptVectors } from "../../../src/memory/vectors.js";
import { Views } from "../../../src/memory/view.js";
import { native } from "../../../src/native/native.js";
import { Passages } from "../../../src/passage/passages.js";
import { readMeta, writeMeta } from "../../../src/storage/meta.js";
import { fakeEmbedder } from "../../support/fake_embedder.js";
import { items, openStore, temporaryFile } from "../../support/store.js";
import { openDatabase } from "../storage/temporary_store.js";

const ids = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => `p${from + i}`);

/** A store, and what another process has of it in memory. */
async function watched(options: { codes?: "lvq8" | "none"; vectors?: "float32"; metric?: "ip" } = {}) {
  const file = await temporaryFile();
  const embedder = fakeEmbedder({ dims: 16 });
  const store = await openStore(file, { embedder, index: "vamana", durability: "normal", codes: "lvq8", ...options });
  const database = await openDatabase(file);
  const addon = native();
  const coders = new Coders(addon);
  const graph = new StoreGraph(addon, database);
  const index = new CodeIndex(addon, database, coders);
  const kept = new KeptVectors({ addon, database, coders }, "memory");
  return {
    store,
    database,
    graph,
    index,
    kept,
    views: new Views(graph, () => index, new FilterBitmaps(database, new Passages(database))),
  };
}

test("a graph that knows of more nodes than the rows is not their view: the newest rows are waited for", async () => {
  const { store, graph, views } = await watched();
  await store.add(items(50));
  expect(await views.linked()).toMatchObject({ graph: undefined, numbering: 0 });
  await store.add(items(50, 50));
  await store.compact();
  await graph.refresh(); // as another search does in the middle of this one
  expect(views.current).toBeUndefined();
  const view = await views.linked();
  expect([view.graph?.count, view.rows?.count]).toEqual([100, 100]);
  expect(views.current).toEqual(view);
});

test("a graph and rows of different numberings are not each other's view", async () => {
  const { store, graph, views } = await watched();
  await store.add(items(100));
  await store.compact();
  await views.linked();
  await store.delete({ ids: ids(0, 40) });
  await store.compact();
  await graph.refresh();
  expect(views.current).toBeUndefined();
  const { numbering, graph: renumbered, rows, version } = await views.linked();
  expect([numbering, renumbered?.count, rows?.count]).toEqual([1, 60, 60]);
  expect(version).toBeGreaterThan(0);
});

test("rows that hold nothing are no view before their graph is there", async () => {
  const { store, index, views } = await watched({ codes: "none" });
  await store.add(items(30));
  await store.compact();
  await index.refresh();
  expect(index.current?.coder.kind).toBe("none");
  expect(views.current).toBeUndefined();
  expect((await views.linked()).graph?.count).toBe(30);
});

test("vectors in memory hold every node, those of deleted passages dead from the start", async () => {
  const { store, kept } = await watched({ vectors: "float32" });
  await store.add(items(40));
  await store.delete({ ids: [...ids(10, 20), ...ids(35, 40)] });
  await kept.refresh();
  const rows = kept.memory!.current!;
  expect([rows.count, rows.live]).toEqual([40, 25]);
  await store.add(items(5, 100));
  await store.delete({ ids: ["p104"] });
  await kept.refresh();
  expect([rows.count, rows.live]).toEqual([45, 29]);
});

test("a deleted passage has no vector in memory, a vector of zeros is one", async () => {
  const { store, kept } = await watched({ vectors: "float32", metric: "ip" });
  await store.add(items(4));
  await store.add([{ id: "zeros", text: "nothing", vector: new Float32Array(16) }]);
  await store.delete({ ids: ["p1"] });
  const { vectors } = await kept.vectorsOf([0, 1, 4], undefined);
  expect(vectors.map((vector) => vector && Math.round(Math.hypot(...vector)))).toEqual([1, undefined, 0]);
});

test("a graph of more nodes than the store ever had is damage", async () => {
  const { store, database, graph } = await watched();
  await store.add(items(30));
  await store.compact();
  await database.write((tx) => writeMeta(tx, { graph: { ...readMeta(tx).graph!, nodes: 31 } }));
  await expect(graph.refresh()).rejects.toMatchObject({ code: "CORRUPT" });
});
