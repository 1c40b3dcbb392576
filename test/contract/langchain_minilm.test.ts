import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Document } from "@langchain/core/documents";
import { StringOutputParser } from "@langchain/core/output_parsers";
import { PromptTemplate } from "@langchain/core/prompts";
import { RunnablePassthrough, RunnableSequence } from "@langchain/core/runnables";
import { FakeChatModel } from "@langchain/core/utils/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EmbedlessVectorStore, MiniLMEmbeddings, toEmbedder } from "../../integrations/langchain/index.js";
import { minilm, VectorStore } from "../../src/index.js";

const documents = [
  "Llamas are kept in the high Andes for their wool and as beasts of burden.",
  "A hen in her first year lays about one egg a day; with age it becomes fewer.",
  "Sharks have swum in the oceans for more than 400 million years.",
  "The barn owl hunts at night and finds mice by hearing alone.",
  "Bees tell each other by a dance where flowers with much nectar stand.",
].map((pageContent, i) => new Document({ pageContent, metadata: { line: i + 1 }, id: `animal-${i}` }));

describe("the bundled model through LangChain", () => {
  const embeddings = new MiniLMEmbeddings();
  let folder: string;
  let store: EmbedlessVectorStore;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "embedless-minilm-"));
    store = await EmbedlessVectorStore.fromDocuments(documents, embeddings, { path: folder });
  });
  afterAll(async () => {
    await store.close();
    await embeddings.close();
    await rm(folder, { recursive: true });
  });

  it("embeds text as vectors of length 1 and 384 dims, always the same", async () => {
    const [vector] = await embeddings.embedDocuments([documents[0]!.pageContent]);
    expect(vector).toHaveLength(384);
    expect(Math.hypot(...vector!)).toBeCloseTo(1, 5);
    expect(await embeddings.embedDocuments([documents[1]!.pageContent, documents[0]!.pageContent])).toContainEqual(
      vector,
    );
  });

  it.each([
    ["Which animal carries loads in the mountains?", "animal-0"],
    ["How often do chickens produce eggs?", "animal-1"],
    ["predator in the sea", "animal-2"],
    ["How do insects communicate?", "animal-4"],
  ])("%s", async (question, id) => {
    const [[found, score]] = (await store.similaritySearchWithScore(question, 2)) as [[Document, number]];
    expect(found.id).toBe(id);
    const [q, [p]] = [await embeddings.embedQuery(question), await embeddings.embedDocuments([found.pageContent])];
    expect(score).toBeCloseTo(
      q.reduce((sum, x, i) => sum + x * p![i]!, 0),
      6,
    );
  });

  it("answers in a chain with the passage that was asked for", async () => {
    const prompt = PromptTemplate.fromTemplate("{context} | {question}");
    const retriever = store.asRetriever(1).pipe((found) => found.map(({ pageContent }) => pageContent).join());
    const chain = RunnableSequence.from([
      { context: retriever, question: new RunnablePassthrough() },
      prompt,
      new FakeChatModel({}),
      new StringOutputParser(),
    ]);
    const question = "Which bird is active after dark?";
    expect(await chain.invoke(question)).toBe(`${documents[3]!.pageContent} | ${question}`);
  });

  it("takes vectors of the same model and refuses others", async () => {
    const spider = new Document({ pageContent: "A spider spins its web anew every evening.", id: "spider" });
    const [right, wrong] = await embeddings.embedDocuments([spider.pageContent, "something else entirely"]);
    await expect(store.addVectors([wrong!], [spider])).rejects.toMatchObject({ code: "INVALID_VECTOR" });
    expect(await store.addVectors([right!], [spider])).toEqual(["spider"]);
    expect(await store.similaritySearch("arachnid", 1)).toEqual([{ ...spider }]);
    await store.delete({ ids: ["spider"] });
  });

  it("is the core's own default model: the file opens either way", async () => {
    expect(toEmbedder(embeddings).id).toBe(minilm().id);
    await store.close();
    const core = await VectorStore.open(join(folder, "embedless.db"));
    expect((await core.search("flowers", { k: 1 })).hits[0]?.id).toBe("animal-4");
    await core.close();
    store = await EmbedlessVectorStore.fromExistingIndex(embeddings, folder);
    expect(await store.similaritySearch("flowers", 1)).toMatchObject([{ id: "animal-4" }]);
  });
});
