import { ScoreThresholdRetriever } from "@langchain/classic/retrievers/score_threshold";
import { Document } from "@langchain/core/documents";
import { FakeEmbeddings } from "@langchain/core/utils/testing";
import { beforeEach, describe, expect, it } from "vitest";
import { type Bench, hen, llama, shark } from "./subject.js";

/** What a search answers, with which scores, and in which order. */
export function searching(bench: () => Bench): void {
  describe("empty store", () => {
    it("has nothing to find by text", async () => {
      expect(await bench().store.similaritySearch("hens")).toEqual([]);
      expect(await bench().store.similaritySearchWithScore("hens", 3)).toEqual([]);
    });

    it("has nothing to find by a vector", async () => {
      const { store, embeddings } = bench();
      expect(await store.similaritySearchVectorWithScore(await embeddings.embedQuery("hens"), 3)).toEqual([]);
    });
  });

  describe("k", () => {
    beforeEach(async () => {
      const documents = Array.from({ length: 7 }, (_, i) => new Document({ pageContent: `hen ${i}` }));
      await bench().store.addDocuments(documents);
    });

    it("is 4 by default", async () => {
      expect(await bench().store.similaritySearch("hen")).toHaveLength(4);
      expect(await bench().store.similaritySearchWithScore("hen")).toHaveLength(4);
    });

    it.each([
      [1, 1],
      [6, 6],
      [7, 7],
      [8, 7],
      [500, 7],
      [1_000_000, 7],
      [0, 0],
      [-1, 0],
    ])("of %d gives %d documents of 7", async (k, n) => {
      const { store, embeddings } = bench();
      expect(await store.similaritySearch("hen", k)).toHaveLength(n);
      expect(await store.similaritySearchWithScore("hen", k)).toHaveLength(n);
      expect(await store.similaritySearchVectorWithScore(await embeddings.embedQuery("hen"), k)).toHaveLength(n);
    });
  });

  describe("score: cosine, higher is better", () => {
    const question = "do hens lay an egg";
    beforeEach(async () => {
      await bench().store.addDocuments([llama, hen, shark]);
    });

    it("the best comes first, and its score is the highest", async () => {
      const found = await bench().store.similaritySearchWithScore(question, 3);
      const scores = found.map(([, score]) => score);
      expect(scores).toEqual([...scores].sort((a, b) => b - a));
      expect(scores[0]).toBeGreaterThan(scores[2]!);
      expect(found[0]?.[0].pageContent).toBe(hen.pageContent);
    });

    it("is the cosine of the two vectors", async () => {
      const { store, embeddings } = bench();
      const found = await store.similaritySearchWithScore(question, 3);
      const q = await embeddings.embedQuery(question);
      const vectors = await embeddings.embedDocuments(found.map(([{ pageContent }]) => pageContent));
      for (const [i, vector] of vectors.entries()) expect(found[i]![1]).toBeCloseTo(cosine(q, vector), 5);
      const [[, same]] = (await store.similaritySearchWithScore(hen.pageContent, 1)) as [[Document, number]];
      expect(same).toBeCloseTo(1, 5);
    });

    it("is the same for a question's text and its vector", async () => {
      const { store, embeddings } = bench();
      const byText = await store.similaritySearchWithScore("hens and eggs", 3);
      const byVector = await store.similaritySearchVectorWithScore(await embeddings.embedQuery("hens and eggs"), 3);
      expect(byText).toHaveLength(3);
      expect(byText.every(([, score]) => typeof score === "number")).toBe(true);
      expect(byVector).toEqual(byText);
      expect(await store.similaritySearch("hens and eggs", 3)).toEqual(byText.map(([document]) => document));
    });

    it("serves as a threshold", async () => {
      const retriever = ScoreThresholdRetriever.fromVectorStore(bench().store, { minSimilarityScore: 0.5 });
      const found = await retriever.invoke("hens lay one egg");
      expect(found.map(({ pageContent }) => pageContent)).toEqual([hen.pageContent]);
    });

    it("ties go to what was added first", async () => {
      const constant = await bench().another(new FakeEmbeddings());
      const texts = Array.from({ length: 30 }, (_, i) => `text ${i}`);
      const documents = texts.map((pageContent) => new Document({ pageContent }));
      await constant.addDocuments(documents.slice(0, 20));
      await constant.addDocuments(documents.slice(20));
      for (const k of [1, 5, 30]) {
        const found = await constant.similaritySearch("anything", k);
        expect(found.map(({ pageContent }) => pageContent)).toEqual(texts.slice(0, k));
      }
    });
  });

  describe("MMR", () => {
    const near = "hens lay one egg a day or two";
    const question = { k: 2, searchType: "mmr" as const };
    const texts = (documents: Document[]) => documents.map(({ pageContent }) => pageContent);
    beforeEach(async () => {
      await bench().store.addDocuments([
        llama,
        hen,
        new Document({ pageContent: near, metadata: hen.metadata }),
        shark,
      ]);
    });

    it("prefers what differs, the more the smaller lambda is", async () => {
      const { store } = bench();
      const diverse = await store.asRetriever({ ...question, searchKwargs: { lambda: 0.1 } }).invoke(hen.pageContent);
      expect(texts(diverse)[0]).toBe(hen.pageContent);
      expect(texts(diverse)[1]).not.toBe(near);
      const similar = await store.asRetriever({ ...question, searchKwargs: { lambda: 1 } }).invoke(hen.pageContent);
      expect(texts(similar)).toEqual([hen.pageContent, near]);
    });

    it("chooses among fetchK, and gives all if there are no more than k", async () => {
      const { store } = bench();
      const searchKwargs = { lambda: 0, fetchK: 2 };
      expect(texts(await store.asRetriever({ ...question, searchKwargs }).invoke(hen.pageContent))).toEqual([
        hen.pageContent,
        near,
      ]);
      expect(await store.asRetriever({ ...question, k: 10 }).invoke(hen.pageContent)).toHaveLength(4);
    });
  });

  describe("documents come back as they went in", () => {
    it("text to the last blank, and nested metadata", async () => {
      const metadata = { nested: { list: [1, "two", null, { three: 3.5 }] }, "dotted.key": "ä", empty: {} };
      const document = new Document({ pageContent: "hens\n\tlay — 卵 🥚 \0 eggs  ", metadata });
      await bench().store.addDocuments([document]);
      const [found] = await bench().store.similaritySearch("hens", 1);
      expect(found).toBeInstanceOf(Document);
      expect({ ...found, id: undefined }).toEqual({ ...document, id: undefined });
    });

    it("the id that a document has", async () => {
      await bench().store.addDocuments([new Document({ ...hen, id: "ключ/1" })]);
      expect((await bench().store.similaritySearch("hens", 1))[0]).toEqual({ ...hen, id: "ключ/1" });
    });

    it("dates and instances, which loaders put in, as JSON", async () => {
      class PdfInfo {
        readonly pages = 3;
      }
      const metadata = { at: new Date(0), info: new PdfInfo(), gone: undefined };
      await bench().store.addDocuments([new Document({ pageContent: "a loaded page", metadata })]);
      const [found] = await bench().store.similaritySearch("page", 1);
      expect(JSON.parse(JSON.stringify(found!.metadata))).toEqual({
        at: "1970-01-01T00:00:00.000Z",
        info: { pages: 3 },
      });
    });
  });
}

function cosine(a: number[], b: number[]): number {
  const dot = (x: number[], y: number[]) => x.reduce((sum, value, i) => sum + value * y[i]!, 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}
