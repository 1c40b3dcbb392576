import {
  type BaseNode,
  DocStoreStrategy,
  Document,
  IndexNode,
  IngestionPipeline,
  type NodeWithScore,
  SentenceSplitter,
  Settings,
  SimpleDocumentStore,
  storageContextFromDefaults,
  TextNode,
  VectorMemoryBlock,
  VectorStoreIndex,
  VectorStoreQueryMode,
} from "llamaindex";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { EmbedlessVectorStore } from "../../integrations/llamaindex/index.js";
import { WordEmbedding } from "../support/llamaindex_embedding.js";
import { EchoLLM } from "../support/llamaindex_llm.js";
import { temporaryFile } from "../support/store.js";

const TEXTS = {
  llama: "Llamas are kept in the high Andes for their wool and as beasts of burden.",
  hen: "A hen in her first year lays about one egg a day; with age it becomes fewer.",
  shark: "Sharks have swum in the oceans for more than 400 million years.",
  owl: "The barn owl hunts at night and finds mice by hearing alone.",
  bee: "Bees tell each other by a dance where flowers with much nectar stand.",
};
const documents = (texts: Record<string, string> = TEXTS) =>
  Object.entries(texts).map(([id_, text]) => new Document({ id_, text, metadata: { animal: id_ } }));

let model: WordEmbedding;
let store: EmbedlessVectorStore;
let path: string;
beforeEach(async () => {
  model = new WordEmbedding();
  Settings.embedModel = model;
  Settings.llm = new EchoLLM();
  path = await temporaryFile();
  store = new EmbedlessVectorStore({ path, keywords: true });
});
afterEach(() => store.close());

const reopen = async () => {
  await store.close();
  store = new EmbedlessVectorStore({ path });
};
const stored = async () => {
  const ids: string[] = [];
  for await (const { metadata } of (await store.store()).passages()) ids.push(String(metadata["animal"]));
  return ids.sort();
};
const animalsOf = (found: NodeWithScore[]) => found.map(({ node }) => node.metadata["animal"]);
const build = async () => {
  const storageContext = await storageContextFromDefaults({ vectorStore: store });
  return await VectorStoreIndex.fromDocuments(documents(), { storageContext });
};
const QUESTION = "Who hunts mice at night?";

describe("VectorStoreIndex", () => {
  it("is built from documents, asked by a retriever, and asked again after a restart", async () => {
    const ask = async (index: VectorStoreIndex) => await index.asRetriever({ similarityTopK: 2 }).retrieve(QUESTION);
    const before = await ask(await build());
    expect(animalsOf(before)[0]).toBe("owl");
    expect(before).toHaveLength(2);
    expect(before[0]!.node).toBeInstanceOf(TextNode);
    expect((before[0]!.node as TextNode).text).toBe(TEXTS.owl);
    expect(before[0]!.node.sourceNode?.nodeId).toBe("owl");
    await reopen();
    const after = await ask(await VectorStoreIndex.fromVectorStore(store));
    expect(after.map(({ node, score }) => [node.toJSON(), score])).toEqual(
      before.map(({ node, score }) => [node.toJSON(), score]),
    );
  });

  it("is made of nodes by init, and takes more of them", async () => {
    const storageContext = await storageContextFromDefaults({ vectorStore: store });
    const [owl, ...others] = new SentenceSplitter().getNodesFromDocuments(documents().reverse().slice(1, 4));
    const index = await VectorStoreIndex.init({ nodes: others, storageContext });
    expect(await stored()).toEqual(["hen", "shark"]);
    await index.insertNodes([owl!]);
    await index.insert(new Document({ id_: "ant", text: "Ants carry leaves.", metadata: { animal: "ant" } }));
    expect(await stored()).toEqual(["ant", "hen", "owl", "shark"]);
    expect(animalsOf(await index.asRetriever({ similarityTopK: 1 }).retrieve("Who carries leaves?"))).toEqual(["ant"]);
  });

  it("filters, in modes MMR and hybrid too", async () => {
    const index = await build();
    const filters = { filters: [{ key: "animal", operator: "in" as const, value: ["shark", "bee"] }] };
    for (const mode of [VectorStoreQueryMode.DEFAULT, VectorStoreQueryMode.MMR, VectorStoreQueryMode.HYBRID]) {
      const retriever = index.asRetriever({ similarityTopK: 5, filters, mode });
      expect(animalsOf(await retriever.retrieve(QUESTION)).sort(), mode).toEqual(["bee", "shark"]);
    }
  });

  it("answers by a query engine, over the nodes that were found", async () => {
    const engine = (await build()).asQueryEngine({ similarityTopK: 1 });
    const { response, sourceNodes } = await engine.query({ query: QUESTION });
    expect(animalsOf(sourceNodes!)).toEqual(["owl"]);
    expect(response).toContain(TEXTS.owl);
    expect(response).toContain(QUESTION);
    expect(response).not.toContain(TEXTS.hen);
  });

  it("shows metadata to the language model, and hides excluded ones from embedding", async () => {
    const storageContext = await storageContextFromDefaults({ vectorStore: store });
    const document = new Document({
      text: TEXTS.owl,
      metadata: { page: "seven", secret: "violin" },
      excludedEmbedMetadataKeys: ["page"],
      excludedLlmMetadataKeys: ["secret"],
    });
    const index = await VectorStoreIndex.fromDocuments([document], { storageContext });
    const [passage] = await (await store.store()).get(await idsOf());
    expect(passage?.text).toBe(`secret: violin\n\n${TEXTS.owl}`);
    const { response } = await index.asQueryEngine().query({ query: QUESTION });
    expect(response).toContain("page: seven");
    expect(response).not.toContain("violin");
  });

  it("deletes a document with all its nodes", async () => {
    const storageContext = await storageContextFromDefaults({ vectorStore: store });
    const hen = Array.from({ length: 60 }, (_, i) => `Hen number ${i} lays an egg.`).join(" ");
    const splitter = new SentenceSplitter({ chunkSize: 60, chunkOverlap: 0 });
    const nodes = splitter.getNodesFromDocuments(documents({ ...TEXTS, hen }));
    const index = await VectorStoreIndex.init({ nodes, storageContext });
    expect((await stored()).filter((animal) => animal === "hen").length).toBeGreaterThan(5);
    // Their document store never saw the documents, and LlamaIndex would stumble over that.
    await index.deleteRefDoc("hen", false);
    expect(await stored()).toEqual(["bee", "llama", "owl", "shark"]);
  });

  it("deletes a document here and in the document store", async () => {
    const index = await build();
    await index.deleteRefDoc("hen");
    expect(await stored()).toEqual(["bee", "llama", "owl", "shark"]);
    expect(await index.docStore.documentExists("hen")).toBe(false);
    expect(await index.docStore.documentExists("owl")).toBe(true);
  });

  it("embeds questions with the store's model though the settings have another", async () => {
    await build();
    Settings.embedModel = new WordEmbedding("other", 2);
    await store.close();
    store = new EmbedlessVectorStore({ path, embedModel: model });
    const index = await VectorStoreIndex.fromVectorStore(store);
    expect(animalsOf(await index.asRetriever({ similarityTopK: 1 }).retrieve(QUESTION))).toEqual(["owl"]);
    await store.close();
    store = new EmbedlessVectorStore({ path });
    await expect(store.store()).rejects.toMatchObject({ code: "MODEL_MISMATCH" });
  });

  it("keeps index nodes as such", async () => {
    const storageContext = await storageContextFromDefaults({ vectorStore: store });
    const node = new IndexNode({ text: "All about hens and eggs", indexId: "hens", metadata: { animal: "hen" } });
    const index = await VectorStoreIndex.init({ nodes: [node], storageContext });
    const [found] = await index.asRetriever().retrieve("eggs");
    expect(found!.node).toBeInstanceOf(IndexNode);
    await reopen();
    const { nodes } = await store.query({ queryStr: "eggs", similarityTopK: 1, mode: VectorStoreQueryMode.DEFAULT });
    expect(nodes![0]).toBeInstanceOf(IndexNode);
    expect((nodes![0] as IndexNode).indexId).toBe("hens");
  });
});

/** All ids of the store. */
async function idsOf(): Promise<string[]> {
  const ids: string[] = [];
  for await (const { id } of (await store.store()).passages()) ids.push(id);
  return ids;
}

describe("IngestionPipeline", () => {
  const changed = { ...TEXTS, hen: "A hen that moults lays no eggs." };
  const { bee: _, ...fewer } = changed;

  const run = async (
    docStoreStrategy: DocStoreStrategy,
    docStore: SimpleDocumentStore,
    texts: Record<string, string>,
  ) => {
    const transformations = [new SentenceSplitter(), model];
    const pipeline = new IngestionPipeline({ docStoreStrategy, docStore, vectorStore: store, transformations });
    return await pipeline.run({ documents: documents(texts) });
  };
  const henTexts = async () => {
    const filters = { filters: [{ key: "animal", operator: "==" as const, value: "hen" }] };
    const query = { queryStr: "hen", similarityTopK: 9, mode: VectorStoreQueryMode.DEFAULT, filters };
    return (await store.query(query)).nodes!.map((node: BaseNode) => (node as TextNode).text).sort();
  };

  it("upserts: what changed is replaced, what is the same is left alone", async () => {
    const docStore = new SimpleDocumentStore();
    await run(DocStoreStrategy.UPSERTS, docStore, TEXTS);
    const ids = await idsOf();
    expect(await run(DocStoreStrategy.UPSERTS, docStore, TEXTS)).toEqual([]);
    expect(await idsOf()).toEqual(ids);
    await run(DocStoreStrategy.UPSERTS, docStore, changed);
    expect(await stored()).toEqual(Object.keys(TEXTS).sort());
    expect(await henTexts()).toEqual([changed.hen]);
    await run(DocStoreStrategy.UPSERTS, docStore, fewer);
    expect(await stored()).toContain("bee");
  });

  it("upserts documents that were not split", async () => {
    const docStore = new SimpleDocumentStore();
    const pipeline = new IngestionPipeline({ docStore, vectorStore: store, transformations: [model] });
    await pipeline.run({ documents: documents() });
    await pipeline.run({ documents: documents(changed) });
    expect(await stored()).toEqual(Object.keys(TEXTS).sort());
    expect(await henTexts()).toEqual([changed.hen]);
    const [hen] = (await store.query({ queryStr: "moults", similarityTopK: 1, mode: VectorStoreQueryMode.DEFAULT }))
      .nodes!;
    expect(hen).toBeInstanceOf(Document);
  });

  it("upserts and deletes: replaces what changed, and what is gone goes", async () => {
    const docStore = new SimpleDocumentStore();
    await run(DocStoreStrategy.UPSERTS_AND_DELETE, docStore, TEXTS);
    await run(DocStoreStrategy.UPSERTS_AND_DELETE, docStore, changed);
    expect(await stored()).toEqual(Object.keys(TEXTS).sort());
    expect(await henTexts()).toEqual([changed.hen]);
    await run(DocStoreStrategy.UPSERTS_AND_DELETE, docStore, fewer);
    expect(await stored()).toEqual(Object.keys(fewer).sort());
  });

  it("duplicates only: leaves out what is there already", async () => {
    const docStore = new SimpleDocumentStore();
    await run(DocStoreStrategy.DUPLICATES_ONLY, docStore, TEXTS);
    expect(await run(DocStoreStrategy.DUPLICATES_ONLY, docStore, TEXTS)).toEqual([]);
    await run(DocStoreStrategy.DUPLICATES_ONLY, docStore, changed);
    expect(await stored()).toEqual([...Object.keys(TEXTS), "hen"].sort());
    expect(await henTexts()).toEqual([TEXTS.hen, changed.hen].sort());
  });

  it("none: adds everything again", async () => {
    const docStore = new SimpleDocumentStore();
    await run(DocStoreStrategy.NONE, docStore, TEXTS);
    await run(DocStoreStrategy.NONE, docStore, TEXTS);
    expect(await stored()).toHaveLength(10);
  });
});

it("a memory block, which embeds the bare text, finds its messages again after a restart", async () => {
  const block = () =>
    new VectorMemoryBlock({ id: "session", priority: 1, vectorStore: store, queryOptions: { similarityTopK: 1 } });
  await block().put([{ id: "1", role: "user", content: "My hen is called Berta." }]);
  await block().put([{ id: "2", role: "user", content: "The owl sits in the barn." }]);
  await (await store.store()).verify();
  await reopen();
  const [memory] = await block().get([{ id: "3", role: "user", content: "What is my hen called?" }]);
  expect(memory!.content).toContain("Berta");
  expect(memory!.content).not.toContain("barn");
  const texts = (await (await store.store()).get(await idsOf())).map((passage) => passage?.text);
  expect(texts).toContain("<message role='user'>My hen is called Berta.</message>");
  const other = new VectorMemoryBlock({ id: "another session", priority: 1, vectorStore: store });
  expect(await other.get([{ id: "3", role: "user", content: "What is my hen called?" }])).toEqual([]);
});
