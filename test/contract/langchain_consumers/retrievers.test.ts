import { EnsembleRetriever } from "@langchain/classic/retrievers/ensemble";
import { HydeRetriever } from "@langchain/classic/retrievers/hyde";
import { MatryoshkaRetriever } from "@langchain/classic/retrievers/matryoshka_retriever";
import { ScoreThresholdRetriever } from "@langchain/classic/retrievers/score_threshold";
import { Document } from "@langchain/core/documents";
import { FakeListChatModel } from "@langchain/core/utils/testing";
import type { VectorStore, VectorStoreRetriever } from "@langchain/core/vectorstores";
import { describe, expect, it } from "vitest";
import { WordEmbeddings } from "../../support/langchain_embeddings.js";
import { animals, embedlessStore, idsOf, oursAndMemory, reopened } from "../../support/langchain_stores.js";

const QUESTION = "which hens lay one egg";

/** Asserts that both stores answer alike, documents and order, and gives the ids. */
async function sameIds(retrieverOf: (store: VectorStore) => { invoke(question: string): Promise<Document[]> }) {
  const { ours, memory } = await oursAndMemory();
  const found = await retrieverOf(ours).invoke(QUESTION);
  expect(found).toEqual(await retrieverOf(memory).invoke(QUESTION));
  return idsOf(found);
}

describe("VectorStoreRetriever", () => {
  it("finds by similarity what LangChain's own store finds, with its scores", async () => {
    expect(await sameIds((store) => store.asRetriever(3))).toEqual(["hen", "ostrich", expect.any(String)]);
    const { ours, memory } = await oursAndMemory();
    const [own, expected] = [
      await ours.similaritySearchWithScore(QUESTION, 10),
      await memory.similaritySearchWithScore(QUESTION, 10),
    ];
    expect(own.map(([document]) => document)).toEqual(expected.map(([document]) => document));
    for (const [i, [, score]] of own.entries()) expect(score).toBeCloseTo(expected[i]![1], 6);
  });

  it.each([
    [0, 20],
    [0.3, 6],
    [0.5, 20],
    [1, 3],
    [0.5, 1],
  ])("finds by marginal relevance (lambda %d, fetchK %d) what LangChain's own store finds", async (lambda, fetchK) => {
    const mmr = (k: number) => (store: VectorStore) =>
      store.asRetriever({ k, searchType: "mmr", searchKwargs: { lambda, fetchK } }) as VectorStoreRetriever;
    await sameIds(mmr(fetchK === 1 ? 1 : 3));
  });

  it("chooses differing documents by marginal relevance", async () => {
    const { ours } = await oursAndMemory();
    const near = await ours.asRetriever(2).invoke("llamas and alpacas live in the high andes");
    expect(idsOf(near).sort()).toEqual(["alpaca", "llama"]);
    const mixed = await ours
      .asRetriever({ k: 2, searchType: "mmr", searchKwargs: { lambda: 0.1 } })
      .invoke("llamas and alpacas live in the high andes");
    expect(mixed).toHaveLength(2);
    expect(idsOf(mixed)).not.toEqual(expect.arrayContaining(["alpaca", "llama"]));
  });

  it("filters by a function as LangChain's own store does", async () => {
    const filter = ({ metadata, id }: Document) => metadata["legs"] === 2 && id !== "hen";
    expect(await sameIds((store) => store.asRetriever(5, filter as never))).toEqual(["ostrich", "owl"]);
    const mmr = (store: VectorStore) =>
      store.asRetriever({ k: 5, searchType: "mmr", filter: filter as never }) as VectorStoreRetriever;
    expect(await sameIds(mmr)).toEqual(["ostrich", "owl"]);
  });

  it("answers the same from a file that is opened again", async () => {
    const { ours } = await oursAndMemory();
    const before = await ours.asRetriever(6).invoke(QUESTION);
    const again = await reopened(ours);
    expect(await again.asRetriever(6).invoke(QUESTION)).toEqual(before);
  });
});

describe("ScoreThresholdRetriever", () => {
  it.each([0.1, 0.3, 0.5, 0.99])("keeps what scores at least %d, as with LangChain's own store", async (threshold) => {
    const { ours } = await oursAndMemory();
    const scored = await ours.similaritySearchWithScore(QUESTION, 10);
    const ids = await sameIds((store) =>
      ScoreThresholdRetriever.fromVectorStore(store, { minSimilarityScore: threshold, kIncrement: 2 }),
    );
    expect(ids).toEqual(idsOf(scored.filter(([, score]) => score >= threshold).map(([document]) => document)));
  });

  it("goes on asking until the threshold, not k, ends the list", async () => {
    const store = await embedlessStore();
    await store.addDocuments(Array.from({ length: 25 }, (_, i) => new Document({ pageContent: `hens lay egg ${i}` })));
    await store.addDocuments(animals());
    const retriever = ScoreThresholdRetriever.fromVectorStore(store, { minSimilarityScore: 0.5, kIncrement: 4 });
    const found = await retriever.invoke("hens lay egg");
    const scored = await store.similaritySearchWithScore("hens lay egg", 100);
    expect(found).toEqual(scored.filter(([, score]) => score >= 0.5).map(([document]) => document));
    expect(found.length).toBeGreaterThanOrEqual(25);
  });

  it("respects maxK and an object filter", async () => {
    const { ours } = await oursAndMemory();
    const options = { minSimilarityScore: -1, filter: { legs: { $gte: 2 } } };
    const all = ScoreThresholdRetriever.fromVectorStore(ours, options);
    expect((await all.invoke(QUESTION)).length).toBe(5);
    const two = ScoreThresholdRetriever.fromVectorStore(ours, { ...options, maxK: 2 });
    expect(idsOf(await two.invoke(QUESTION))).toEqual(["hen", "ostrich"]);
  });
});

describe("EnsembleRetriever", () => {
  it("fuses two retrievers over one store by the ranks that both give", async () => {
    const ensemble = (store: VectorStore) =>
      new EnsembleRetriever({
        retrievers: [store.asRetriever(3), store.asRetriever({ k: 3, searchType: "mmr" })],
        weights: [0.6, 0.4],
      });
    expect(await sameIds(ensemble)).toEqual(expect.arrayContaining(["hen", "ostrich"]));
  });

  it("fuses stores of different models, and the ids stay", async () => {
    const first = await embedlessStore(new WordEmbeddings("words-1", 1));
    const second = await embedlessStore(new WordEmbeddings("words-2", 2));
    await Promise.all([first.addDocuments(animals()), second.addDocuments(animals())]);
    const ensemble = new EnsembleRetriever({ retrievers: [first.asRetriever(2), second.asRetriever(2)] });
    expect(idsOf(await ensemble.invoke("hens lay one egg a day"))).toEqual(["hen", "ostrich"]);
  });
});

describe("HydeRetriever", () => {
  it("searches with the model's made-up answer instead of the question", async () => {
    const llm = new FakeListChatModel({ responses: ["owls hunt mice at night"] });
    const hyde = (store: VectorStore) => new HydeRetriever({ vectorStore: store, llm: llm as never, k: 2 });
    expect((await sameIds(hyde))[0]).toBe("owl");
  });
});

describe("MatryoshkaRetriever", () => {
  it("ranks again with a larger model, whose vectors it puts into the metadata", async () => {
    const store = await embedlessStore();
    const retriever = new MatryoshkaRetriever({
      vectorStore: store,
      largeEmbeddingModel: new WordEmbeddings("words-large", 7),
      smallK: 4,
      largeK: 2,
    });
    await retriever.addDocuments(animals());
    expect(idsOf(await retriever.invoke("hens lay one egg a day"))[0]).toBe("hen");
    const [hen] = await store.getByIds(["hen"]);
    const kept = JSON.parse(hen!.metadata["lc_large_embedding"] as string) as number[];
    expect(kept).toEqual((await new WordEmbeddings("words-large", 7).embedDocuments([hen!.pageContent]))[0]);
  });
});
