import { Document } from "@langchain/core/documents";
import type { EmbeddingsInterface } from "@langchain/core/embeddings";
import { FakeEmbeddings } from "@langchain/core/utils/testing";
import type { VectorStore } from "@langchain/core/vectorstores";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { WordEmbeddings } from "../support/langchain_embeddings.js";

/** A kind of vector store that the suite can make. */
export interface Subject<Store extends VectorStore = VectorStore> {
  /** An empty store. */
  make(embeddings: EmbeddingsInterface): Promise<Store>;
  /** Closes the store and opens what it kept. */
  reopen(store: Store, embeddings: EmbeddingsInterface): Promise<Store>;
  /** Frees whatever `make` and `reopen` took. */
  cleanUp(): Promise<void>;
}

const llama = new Document({ pageContent: "llamas live in the high andes", metadata: { animal: "llama", legs: 4 } });
const hen = new Document({ pageContent: "hens lay one egg a day", metadata: { animal: "hen", legs: 2 } });
const shark = new Document({ pageContent: "sharks swim in every ocean", metadata: { animal: "shark", legs: 0 } });
const ALL = 100;

/** What a LangChain vector store must do, whoever made it: the behaviour that retrievers, memories and indexing rely on. */
export function vectorStoreContract<Store extends VectorStore>(name: string, subject: Subject<Store>): void {
  describe(`${name}: the contract of a LangChain vector store`, () => {
    let embeddings: WordEmbeddings;
    let store: Store;
    beforeEach(async () => {
      embeddings = new WordEmbeddings();
      store = await subject.make(embeddings);
    });
    afterEach(() => subject.cleanUp());

    const idsFound = async (text = "hens") => (await store.similaritySearch(text, ALL)).map(({ id }) => id).sort();

    describe("adding", () => {
      it("returns one id a document, in order, and finds each by it", async () => {
        const ids = (await store.addDocuments([llama, hen, shark])) as string[];
        expect(new Set(ids).size).toBe(3);
        const [found] = await store.similaritySearch(hen.pageContent, 1);
        expect(found?.id).toBe(ids[1]);
      });

      it("takes ids from the options first, then from the document, then makes one", async () => {
        const named = new Document({ ...hen, id: "hen" });
        expect(await store.addDocuments([llama, named], { ids: ["a", "b"] })).toEqual(["a", "b"]);
        const [own, made] = (await store.addDocuments([named, shark])) as string[];
        expect(own).toBe("hen");
        expect(made).toEqual(expect.stringMatching(/./));
        expect(await idsFound()).toEqual(["a", "b", "hen", made].sort());
      });

      it("takes the bare array of ids", async () => {
        expect(await store.addDocuments([llama, hen], ["a", "b"] as never)).toEqual(["a", "b"]);
        expect(await idsFound()).toEqual(["a", "b"]);
      });

      it("refuses a wrong number of ids and adds nothing", async () => {
        await expect(store.addDocuments([llama, hen], { ids: ["a"] })).rejects.toThrow(/2.*1/);
        await expect(store.addDocuments([llama], { ids: [] })).rejects.toThrow(/1.*0/);
        expect(await idsFound()).toEqual([]);
      });

      it("replaces text and metadata of an id that is there", async () => {
        await store.addDocuments([llama, hen], { ids: ["a", "b"] });
        await store.addDocuments([shark], { ids: ["a"] });
        expect(await idsFound()).toEqual(["a", "b"]);
        const [found] = await store.similaritySearch(shark.pageContent, 1);
        expect(found).toMatchObject({ id: "a", pageContent: shark.pageContent, metadata: shark.metadata });
      });

      it("replaces metadata alone when the text stays", async () => {
        await store.addDocuments([hen], { ids: ["a"] });
        await store.addDocuments([new Document({ ...hen, metadata: { seen: true } })], { ids: ["a"] });
        expect(await store.similaritySearch("hens", ALL)).toEqual([{ ...hen, id: "a", metadata: { seen: true } }]);
      });

      it("keeps equal texts with different ids apart", async () => {
        await store.addDocuments([hen, hen], { ids: ["a", "b"] });
        expect(await idsFound()).toEqual(["a", "b"]);
      });

      it("takes no documents at all", async () => {
        expect(await store.addDocuments([])).toEqual([]);
        expect(await idsFound()).toEqual([]);
      });

      it("takes calls that overlap", async () => {
        const texts = Array.from(
          { length: 12 },
          (_, i) => new Document({ pageContent: `hen number ${i}`, id: `${i}` }),
        );
        await Promise.all(texts.map((text) => store.addDocuments([text])));
        expect(await idsFound()).toEqual(texts.map(({ id }) => id).sort());
      });

      it.each([1, 63, 64, 65, 129])("loses none of %i documents", async (n) => {
        const documents = Array.from({ length: n }, (_, i) => new Document({ pageContent: `hen ${i}`, id: `h${i}` }));
        const ids = (await store.addDocuments(documents)) as string[];
        expect(ids).toEqual(documents.map(({ id }) => id));
        expect(await store.similaritySearch("hen", 200)).toHaveLength(n);
      });

      it("takes vectors that the embeddings made", async () => {
        const documents = [llama, hen];
        const vectors = await embeddings.embedDocuments(documents.map(({ pageContent }) => pageContent));
        expect(await store.addVectors(vectors, documents, { ids: ["a", "b"] })).toEqual(["a", "b"]);
        const [[found, score]] = (await store.similaritySearchWithScore(hen.pageContent, 1)) as [[Document, number]];
        expect(found.id).toBe("b");
        expect(score).toBeCloseTo(1, 5);
      });

      it("refuses a wrong number of vectors", async () => {
        await expect(store.addVectors([[1, 2]], [llama, hen])).rejects.toThrow(/2.*1/);
      });
    });

    describe("deleting", () => {
      beforeEach(async () => {
        await store.addDocuments([llama, hen, shark], { ids: ["a", "b", "c"] });
      });

      it("removes by id and nothing else", async () => {
        await store.delete({ ids: ["b"] });
        expect(await idsFound()).toEqual(["a", "c"]);
      });

      it("ignores ids that are not there, and none at all", async () => {
        await store.delete({ ids: ["x", "a", "y"] });
        await store.delete({ ids: ["a"] });
        await store.delete({ ids: [] });
        expect(await idsFound()).toEqual(["b", "c"]);
      });

      it("removes everything, and takes the same ids again", async () => {
        await store.delete({ deleteAll: true });
        expect(await idsFound()).toEqual([]);
        await store.addDocuments([hen], { ids: ["b"] });
        expect(await idsFound()).toEqual(["b"]);
      });

      it("refuses to guess what to delete", async () => {
        await expect(store.delete()).rejects.toThrow(/ids/);
        await expect(store.delete({})).rejects.toThrow(/ids/);
        await expect(store.delete({ deleteAll: false })).rejects.toThrow(/ids/);
        expect(await idsFound()).toHaveLength(3);
      });
    });

    describe("filtering", () => {
      const found = async (filter: object, k = ALL, text = "hens") =>
        (await store.similaritySearch(text, k, filter as never)).map(({ id }) => id).sort();
      beforeEach(async () => {
        await store.addDocuments([llama, hen, shark], { ids: ["a", "b", "c"] });
      });

      it.each<[filter: object, ids: string[]]>([
        [{}, ["a", "b", "c"]],
        [{ animal: "hen" }, ["b"]],
        [{ animal: "ox" }, []],
        [{ legs: { $gt: 0 } }, ["a", "b"]],
        [{ legs: { $gte: 2, $lt: 4 } }, ["b"]],
        [{ animal: { $in: ["hen", "shark"] } }, ["b", "c"]],
        [{ animal: { $nin: ["hen", "shark"] } }, ["a"]],
        [{ animal: { $ne: "hen" } }, ["a", "c"]],
        [{ $and: [{ legs: { $gte: 1 } }, { animal: { $eq: "llama" } }] }, ["a"]],
        [{ $or: [{ legs: 0 }, { legs: 2 }] }, ["b", "c"]],
        [{ $not: { legs: { $lte: 2 } } }, ["a"]],
        [{ legs: "2" }, []],
        [{ color: { $exists: true } }, []],
      ])("%j", async (filter, ids) => {
        expect(await found(filter)).toEqual(ids);
        const scored = await store.similaritySearchWithScore("hens", ALL, filter as never);
        expect(scored.map(([{ id }]) => id).sort()).toEqual(ids);
        const vector = await embeddings.embedQuery("hens");
        const byVector = await store.similaritySearchVectorWithScore(vector, ALL, filter as never);
        expect(byVector).toEqual(scored);
        expect((await store.asRetriever({ k: ALL, filter: filter as never }).invoke("hens")).length).toBe(ids.length);
      });

      it("happens inside the search: k documents come back however far down they rank", async () => {
        const hens = Array.from(
          { length: 120 },
          (_, i) => new Document({ pageContent: `hens lay egg ${i}`, metadata: { i } }),
        );
        await store.addDocuments(hens);
        expect(await found({ animal: { $ne: null } }, 3, "hens lay eggs")).toEqual(["a", "b", "c"]);
        expect(await found({ i: { $lt: 5 } }, 4, "sharks")).toHaveLength(4);
      });

      it("deletes what matches and nothing else", async () => {
        await store.delete({ filter: { legs: { $gte: 2 } } });
        expect(await idsFound()).toEqual(["c"]);
        await store.delete({ filter: { legs: { $gte: 2 } } });
        expect(await idsFound()).toEqual(["c"]);
      });

      it("refuses what it does not understand, and deletes nothing then", async () => {
        for (const filter of [
          { legs: { $regex: "2" } },
          { legs: {} },
          { $and: [] },
          { legs: Number.NaN },
          null,
          "legs",
        ]) {
          await expect(store.similaritySearch("hens", 1, filter as never)).rejects.toThrow(/filter/);
          await expect(store.delete({ filter })).rejects.toThrow(/filter/);
        }
        await expect(store.delete({ ids: ["a"], filter: { legs: 2 } })).rejects.toThrow(/ids/);
        expect(await idsFound()).toHaveLength(3);
      });
    });

    describe("searching", () => {
      it("finds nothing in an empty store, by text and by vector", async () => {
        expect(await store.similaritySearch("hens")).toEqual([]);
        expect(await store.similaritySearchWithScore("hens", 3)).toEqual([]);
        expect(await store.similaritySearchVectorWithScore(await embeddings.embedQuery("hens"), 3)).toEqual([]);
      });

      it("gives 4 by default, k if asked, all if k is larger, none if k is below 1", async () => {
        const documents = Array.from({ length: 7 }, (_, i) => new Document({ pageContent: `hen ${i}`, id: `${i}` }));
        await store.addDocuments(documents);
        expect(await store.similaritySearch("hen")).toHaveLength(4);
        expect(await store.similaritySearchWithScore("hen")).toHaveLength(4);
        for (const [k, n] of [
          [1, 1],
          [6, 6],
          [7, 7],
          [8, 7],
          [500, 7],
          [1_000_000, 7],
          [0, 0],
          [-1, 0],
        ] as const) {
          expect(await store.similaritySearch("hen", k)).toHaveLength(n);
          expect(await store.similaritySearchWithScore("hen", k)).toHaveLength(n);
          expect(await store.similaritySearchVectorWithScore(await embeddings.embedQuery("hen"), k)).toHaveLength(n);
        }
      });

      it("scores by cosine similarity, best first", async () => {
        await store.addDocuments([llama, hen, shark]);
        const question = "do hens lay an egg";
        const found = await store.similaritySearchWithScore(question, 3);
        const scores = found.map(([, score]) => score);
        expect(scores).toEqual([...scores].sort((a, b) => b - a));
        expect(found[0]?.[0].pageContent).toBe(hen.pageContent);
        const q = await embeddings.embedQuery(question);
        const vectors = await embeddings.embedDocuments(found.map(([{ pageContent }]) => pageContent));
        for (const [i, vector] of vectors.entries())
          expect(Math.abs(cosine(q, vector) - scores[i]!)).toBeLessThan(1e-6);
        const [[, same]] = (await store.similaritySearchWithScore(hen.pageContent, 1)) as [[Document, number]];
        expect(same).toBeCloseTo(1, 6);
      });

      it("answers a vector as it answers the text", async () => {
        await store.addDocuments([llama, hen, shark]);
        const byText = await store.similaritySearchWithScore("hens and eggs", 3);
        const byVector = await store.similaritySearchVectorWithScore(await embeddings.embedQuery("hens and eggs"), 3);
        expect(byVector).toEqual(byText);
        expect(await store.similaritySearch("hens and eggs", 3)).toEqual(byText.map(([document]) => document));
      });

      it("takes what loaders put into metadata: dates and instances become JSON", async () => {
        class PdfInfo {
          readonly pages = 3;
        }
        const metadata = { at: new Date(0), info: new PdfInfo(), gone: undefined };
        await store.addDocuments([new Document({ pageContent: "a loaded page", metadata })], { ids: ["pdf"] });
        const [found] = await store.similaritySearch("page", 1);
        expect(found!.metadata).toEqual({ at: "1970-01-01T00:00:00.000Z", info: { pages: 3 } });
      });

      it("gives documents back as they went in, with their id", async () => {
        const metadata = { nested: { list: [1, "two", null, { three: 3.5 }] }, "dotted.key": "ä", empty: {} };
        const document = new Document({ pageContent: "hens\n\tlay — 卵 🥚 \0 eggs  ", metadata, id: "ключ/1" });
        await store.addDocuments([document]);
        const [found] = await store.similaritySearch("hens", 1);
        expect(found).toBeInstanceOf(Document);
        expect({ ...found }).toEqual({ ...document });
      });

      it("breaks ties by the order of adding", async () => {
        const constant = await subject.make(new FakeEmbeddings());
        const documents = Array.from({ length: 30 }, (_, i) => new Document({ pageContent: `text ${i}`, id: `t${i}` }));
        await constant.addDocuments(documents.slice(0, 20));
        await constant.addDocuments(documents.slice(20));
        for (const k of [1, 5, 30]) {
          const found = await constant.similaritySearch("anything", k);
          expect(found.map(({ id }) => id)).toEqual(documents.slice(0, k).map(({ id }) => id));
        }
      });
    });

    it("keeps everything when it is opened again", async () => {
      await store.addDocuments([llama, hen, shark], { ids: ["a", "b", "c"] });
      await store.delete({ ids: ["a"] });
      const before = await store.similaritySearchWithScore("hens and sharks", ALL);
      store = await subject.reopen(store, embeddings);
      expect(await store.similaritySearchWithScore("hens and sharks", ALL)).toEqual(before);
      await store.addDocuments([llama], { ids: ["a"] });
      expect(await idsFound()).toEqual(["a", "b", "c"]);
    });
  });
}

function cosine(a: number[], b: number[]): number {
  const dot = (x: number[], y: number[]) => x.reduce((sum, value, i) => sum + value * y[i]!, 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}
