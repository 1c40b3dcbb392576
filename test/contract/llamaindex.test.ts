import {
  DocStoreStrategy,
  Document,
  IndexNode,
  IngestionPipeline,
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
import { temporaryFile } from "../support/store.js";

const animals = [
  ["llama", "Llamas are kept in the high Andes for their wool and as beasts of burden."],
  ["hen", "A hen in her first year lays about one egg a day; with age it becomes fewer."],
  ["shark", "Sharks have swum in the oceans for more than 400 million years."],
  ["owl", "The barn owl hunts at night and finds mice by hearing alone."],
  ["bee", "Bees tell each other by a dance where flowers with much nectar stand."],
] as const;
const documents = () => animals.map(([id_, text]) => new Document({ id_, text, metadata: { animal: id_ } }));

let model: WordEmbedding;
let store: EmbedlessVectorStore;
let path: string;
beforeEach(async () => {
  model = new WordEmbedding();
  Settings.embedModel = model;
  path = await temporaryFile();
  store = new EmbedlessVectorStore({ path });
});
afterEach(() => store.close());

const reopen = async () => {
  await store.close();
  store = new EmbedlessVectorStore({ path });
};
const count = async () => (await store.store()).count();

describe("VectorStoreIndex", () => {
  it("is built from documents, asked by a retriever, and asked again after a restart", async () => {
    const storageContext = await storageContextFromDefaults({ vectorStore: store });
    const index = await VectorStoreIndex.fromDocuments(documents(), { storageContext });
    const ask = async (from: VectorStoreIndex) =>
      from.asRetriever({ similarityTopK: 2 }).retrieve("Who hunts mice at night?");
    const before = await ask(index);
    expect(before).toHaveLength(2);
    expect(before[0]!.node).toBeInstanceOf(TextNode);
    expect(before[0]!.node.metadata).toEqual({ animal: "owl" });
    expect(before[0]!.node.sourceNode?.nodeId).toBe("owl");
    await reopen();
    const after = await ask(await VectorStoreIndex.fromVectorStore(store));
    expect(after.map(({ node, score }) => [node.toJSON(), score])).toEqual(
      before.map(({ node, score }) => [node.toJSON(), score]),
    );
  });
});
