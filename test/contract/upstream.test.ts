/** What the stores that LangChain and LlamaIndex bring along do in odd cases, and ours after them. */

import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { MemoryVectorStore } from "@langchain/classic/vectorstores/memory";
import { type MetadataFilter, SimpleVectorStore, TextNode, VectorStoreQueryMode } from "llamaindex";
import { afterEach, describe, expect, it } from "vitest";
import { EmbedlessVectorStore as LangChainStore } from "../../integrations/langchain/index.js";
import { EmbedlessVectorStore as NodeStore } from "../../integrations/llamaindex/index.js";
import { WordEmbeddings } from "../support/langchain_embeddings.js";
import { embedded, model, nodeOf } from "../support/llamaindex_store.js";
import { temporaryFile } from "../support/store.js";

const open: { close(): Promise<void> }[] = [];
const closedLater = <T extends object>(store: T): T => {
  if ("close" in store) open.push(store as never);
  return store;
};
afterEach(async () => {
  for (const store of open.splice(0)) await store.close();
});

describe.each([
  ["MemoryVectorStore", MemoryVectorStore],
  ["EmbedlessVectorStore", LangChainStore],
] as const)("fromTexts of LangChain's %s", (_, Store) => {
  it.each<[object[] | object, object[]]>([
    [[{ n: 1 }], [{ n: 1 }, {}, {}]],
    [[], [{}, {}, {}]],
    [{ n: 1 }, [{ n: 1 }, { n: 1 }, { n: 1 }]],
    [{}, [{}, {}, {}]],
  ])("with metadata %j", async (metadatas, expected) => {
    const texts = ["hens lay", "hens lay eggs", "hens lay eggs daily"];
    const store = closedLater(await Store.fromTexts(texts, metadatas, new WordEmbeddings()));
    for (const [i, text] of texts.entries()) {
      const [found] = await store.similaritySearch(text, 1);
      expect([found?.pageContent, found?.metadata]).toEqual([text, expected[i]]);
    }
  });
});

describe.each([
  ["SimpleVectorStore", async () => new SimpleVectorStore({ embedModel: model })],
  ["EmbedlessVectorStore", async () => closedLater(new NodeStore({ embedModel: model, path: await temporaryFile() }))],
] as const)("LlamaIndex's %s", (_, make) => {
  const found = async (store: SimpleVectorStore | NodeStore, more: object = {}) => {
    const queryEmbedding = await model.getTextEmbedding("hens and owls");
    const query = { queryEmbedding, similarityTopK: 100, mode: VectorStoreQueryMode.DEFAULT, ...more };
    return (await store.query(query)).ids.sort();
  };
  const filled = async () => {
    const store = await make();
    const nodes = await embedded(
      nodeOf("birds", "hen", "hens lay eggs", { n: 1, kind: "bird", tags: ["farm", "egg"] }),
      nodeOf("birds", "owl", "owls hunt mice", { n: 2, kind: "bird", tags: ["wood"] }),
      nodeOf("fish", "shark", "sharks swim", { n: 3, kind: "fish", tags: ["sea", "egg"] }),
    );
    expect(await store.add(nodes)).toEqual(["hen", "owl", "shark"]);
    return store;
  };

  it.each<[MetadataFilter, string[]]>([
    [{ key: "kind", operator: "==", value: "bird" }, ["hen", "owl"]],
    [{ key: "kind", operator: "!=", value: "bird" }, ["shark"]],
    [{ key: "gone", operator: "!=", value: "bird" }, []],
    [{ key: "n", operator: ">", value: 1 }, ["owl", "shark"]],
    [{ key: "n", operator: "<=", value: 2 }, ["hen", "owl"]],
    [{ key: "n", operator: "in", value: [1, 3] }, ["hen", "shark"]],
    [{ key: "n", operator: "nin", value: [1, 3] }, ["owl"]],
    [{ key: "gone", operator: "nin", value: [1] }, []],
    [{ key: "tags", operator: "any", value: ["wood", "sea"] }, ["owl", "shark"]],
    [{ key: "tags", operator: "all", value: ["egg", "sea"] }, ["shark"]],
    [{ key: "tags", operator: "contains", value: "egg" }, ["hen", "shark"]],
    [{ key: "kind", operator: "text_match", value: "ir" }, ["hen", "owl"]],
    [{ key: "gone", operator: "is_empty" }, ["hen", "owl", "shark"]],
  ])("filters by %j", async (filter, ids) => {
    expect(await found(await filled(), { filters: { filters: [filter] } })).toEqual(ids);
  });

  it("finds nodes by their ids, and no more than there are", async () => {
    const store = await filled();
    expect(await found(store, { docIds: ["owl", "nobody"] })).toEqual(["owl"]);
    expect(await found(store, { similarityTopK: Number.POSITIVE_INFINITY })).toEqual(["hen", "owl", "shark"]);
  });

  it("deletes the nodes of a document, and no node of the document's id beside them", async () => {
    const store = await filled();
    await store.add(await embedded(new TextNode({ id_: "birds", text: "hens and owls", metadata: { n: 4 } })));
    await store.delete("nobody");
    await store.delete("owl");
    expect(await found(store)).toEqual(["birds", "hen", "owl", "shark"]);
    await store.delete("birds");
    expect(await found(store)).toEqual(["birds", "shark"]);
  });
});

describe.each([
  ["SimpleVectorStore", (folder: string) => SimpleVectorStore.fromPersistDir(folder, model)],
  ["EmbedlessVectorStore", (folder: string) => NodeStore.fromPersistDir(folder, model)],
] as const)("fromPersistDir of LlamaIndex's %s", (_, load) => {
  it("makes a folder that is missing, and finds again what was kept there", async () => {
    const folder = join(dirname(await temporaryFile()), "not", "there");
    const store = closedLater(await load(folder));
    expect(existsSync(folder)).toBe(true);
    await store.add(await embedded(nodeOf("birds", "hen", "hens lay eggs")));
    const again = closedLater(await load(folder));
    const queryEmbedding = await model.getTextEmbedding("hens");
    const query = { queryEmbedding, similarityTopK: 2, mode: VectorStoreQueryMode.DEFAULT };
    expect((await again.query(query)).ids).toEqual(["hen"]);
  });
});
