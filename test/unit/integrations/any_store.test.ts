import { join } from "node:path";
import { Document } from "@langchain/core/documents";
import { TextNode, VectorStoreQueryMode } from "llamaindex";
import { afterEach, beforeEach, expect, expectTypeOf, it } from "vitest";
import {
  EmbedlessRecordManager,
  EmbedlessVectorStore as LangChainStore,
} from "../../../integrations/langchain/index.js";
import { EmbedlessVectorStore as LlamaIndexStore } from "../../../integrations/llamaindex/index.js";
import type { Store, VectorStore } from "../../../src/index.js";
import { WordEmbeddings } from "../../support/langchain_embeddings.js";
import { WordEmbedding } from "../../support/llamaindex_embedding.js";
import { RemoteStore } from "../../support/remote_store.js";
import { temporaryFile } from "../../support/store.js";

const EMBEDDING = { seed: 1, dims: 256, noise: 0.05 };
let remote: RemoteStore;

beforeEach(() => {
  expectTypeOf<VectorStore>().toExtend<Store>();
});

afterEach(async () => {
  await remote.close();
});

async function start(id: string): Promise<RemoteStore> {
  remote = await RemoteStore.start(await temporaryFile(), { ...EMBEDDING, id });
  return remote;
}

it("the LangChain adapter works on a store in another process", async () => {
  const store = new LangChainStore(new WordEmbeddings(), { store: await start("WordEmbeddings:words-1") });
  const animals = [
    new Document({ pageContent: "hens lay one egg a day", id: "hen", metadata: { legs: 2 } }),
    new Document({ pageContent: "llamas live in the high andes", id: "llama", metadata: { legs: 4 } }),
  ];
  expect(await store.addDocuments(animals)).toEqual(["hen", "llama"]);
  const [[found, score]] = (await store.similaritySearchWithScore("who lays an egg a day", 1)) as [[Document, number]];
  expect(found).toMatchObject({ id: "hen", pageContent: "hens lay one egg a day" });
  expect(score).toBeGreaterThan(0.3);
  expect((await store.asRetriever({ k: 2, filter: { legs: 4 } }).invoke("egg")).map(({ id }) => id)).toEqual(["llama"]);
  const manager = new EmbedlessRecordManager(store, { namespace: "pipeline" });
  await manager.update(["hen"]);
  expect(await manager.exists(["hen", "cat"])).toEqual([true, false]);
  await store.delete({ ids: ["hen"] });
  expect(await remote.count()).toBe(1);
  await expect(store.addDocuments([new Document({ pageContent: "x", id: "" })])).rejects.toMatchObject({
    code: "INVALID_ID",
  });
});

it("the LlamaIndex adapter works on a store in another process", async () => {
  const embedModel = new WordEmbedding();
  const store = new LlamaIndexStore({ store: await start("WordEmbedding:words-1"), embedModel });
  const nodes = ["hens lay one egg a day", "llamas live in the high andes"].map(
    (text, i) => new TextNode({ id_: `n${i}`, text, metadata: { i } }),
  );
  for (const node of nodes) node.embedding = await embedModel.getTextEmbedding(node.text);
  expect(await store.add(nodes)).toEqual(["n0", "n1"]);
  const queryEmbedding = (await embedModel.getQueryEmbedding({ type: "text", text: "who lives in the andes" }))!;
  const asked = { queryEmbedding, similarityTopK: 1, mode: VectorStoreQueryMode.DEFAULT };
  expect((await store.query(asked)).ids).toEqual(["n1"]);
  await store.delete("n1");
  expect(await remote.has(["n0", "n1"])).toHaveLength(2);
});

it("what the proxy gives is what the store gives", async () => {
  const store = await start("fake");
  const { ids } = await store.add([{ text: "one" }, { text: "two", id: "b", metadata: { n: 2 } }]);
  expect(ids[1]).toBe("b");
  const listed = [];
  for await (const passage of store.passages({ filter: { n: 2 } })) listed.push(passage);
  expect(listed).toEqual([{ id: "b", text: "two", metadata: { n: 2 } }]);
  expect((await store.search("two", { k: 1, includeVectors: true })).hits[0]!.vector).toBeInstanceOf(Float32Array);
  const copy = join(store.path, "..", "copy.db");
  await store.backup(copy);
  expect([(await store.verify()).ok, (await store.stats()).passages]).toEqual([true, 2]);
  await expect(store.backup(copy)).rejects.toMatchObject({ code: "IO" });
});
