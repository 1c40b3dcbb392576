import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Document, MetadataMode, Settings, storageContextFromDefaults, VectorStoreIndex } from "llamaindex";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EmbedlessVectorStore, MiniLMEmbedding } from "../../integrations/llamaindex/index.js";
import { VectorStore } from "../../src/index.js";

const documents = [
  "Llamas are kept in the high Andes for their wool and as beasts of burden.",
  "A hen in her first year lays about one egg a day; with age it becomes fewer.",
  "Sharks have swum in the oceans for more than 400 million years.",
  "The barn owl hunts at night and finds mice by hearing alone.",
  "Bees tell each other by a dance where flowers with much nectar stand.",
].map((text, i) => new Document({ id_: `animal-${i}`, text, metadata: { line: i + 1 } }));

describe("the bundled model through LlamaIndex", () => {
  const model = new MiniLMEmbedding();
  let folder: string;
  let store: EmbedlessVectorStore;
  let index: VectorStoreIndex;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "embedless-minilm-"));
    Settings.embedModel = model;
    store = new EmbedlessVectorStore({ path: folder });
    const storageContext = await storageContextFromDefaults({ vectorStore: store });
    index = await VectorStoreIndex.fromDocuments(documents, { storageContext });
  });
  afterAll(async () => {
    await store.close();
    await model.close();
    await rm(folder, { recursive: true });
  });

  it.each([
    ["Which animal carries loads in the mountains?", "animal-0"],
    ["How often do chickens produce eggs?", "animal-1"],
    ["predator in the sea", "animal-2"],
    ["How do insects communicate?", "animal-4"],
  ])("%s", async (question, source) => {
    const [found] = await index.asRetriever({ similarityTopK: 2 }).retrieve(question);
    expect(found!.node.sourceNode?.nodeId).toBe(source);
    const query = await model.getQueryEmbedding({ type: "text", text: question });
    const passage = await model.getTextEmbedding(found!.node.getContent(MetadataMode.EMBED));
    expect(found!.score).toBeCloseTo(model.similarity(query!, passage), 6);
  });

  it("takes vectors of the same model and refuses others", async () => {
    const spider = new Document({ id_: "spider", text: "A spider spins its web anew.", metadata: { line: 6 } });
    spider.embedding = await model.getTextEmbedding("something else entirely");
    await expect(store.add([spider])).rejects.toMatchObject({ code: "INVALID_VECTOR" });
    await model([spider]);
    expect(await store.add([spider])).toEqual(["spider"]);
    const [found] = await index.asRetriever({ similarityTopK: 1 }).retrieve("arachnid");
    expect(found!.node.id_).toBe("spider");
    await store.delete("spider");
  });

  it("is the core's own default model: the file opens either way", async () => {
    await store.close();
    const core = await VectorStore.open(join(folder, "embedless.db"));
    const { hits } = await core.search("flowers", { k: 1, filter: { line: 5 } });
    expect(hits[0]?.text).toBe(`line: 5\n\n${(documents[4] as Document).text}`);
    await core.close();
    store = await EmbedlessVectorStore.fromPersistDir(folder);
    index = await VectorStoreIndex.fromVectorStore(store);
    const [found] = await index.asRetriever({ similarityTopK: 1 }).retrieve("flowers");
    expect(found!.node.metadata).toEqual({ line: 5 });
  });
});
