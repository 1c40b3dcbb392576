import { Document } from "@langchain/core/documents";
import { beforeEach, describe, expect, it } from "vitest";
import { ALL, type Bench, hen, idsIn, llama, shark, textsIn } from "./subject.js";

/** How documents get in, are found by their ids, replaced and deleted. */
export function writing(bench: () => Bench): void {
  describe("ids come back", () => {
    it("one a document, in order, and on what is found", async () => {
      const ids = (await bench().store.addDocuments([llama, hen, shark])) as string[];
      expect(new Set(ids).size).toBe(3);
      const [found] = await bench().store.similaritySearch(hen.pageContent, 1);
      expect(found?.id).toBe(ids[1]);
    });

    it("those of the options first, then the document's own, then new ones", async () => {
      const { store } = bench();
      const named = new Document({ ...hen, id: "hen" });
      expect(await store.addDocuments([llama, named], { ids: ["a", "b"] })).toEqual(["a", "b"]);
      const [own, made] = (await store.addDocuments([named, shark])) as string[];
      expect(own).toBe("hen");
      expect(made).toEqual(expect.stringMatching(/./));
      expect(await idsIn(store)).toEqual(["a", "b", "hen", made].sort());
    });

    it("those of a bare array", async () => {
      expect(await bench().store.addDocuments([llama, hen], ["a", "b"] as never)).toEqual(["a", "b"]);
      expect(await idsIn(bench().store)).toEqual(["a", "b"]);
    });

    it("and find their documents, in the order asked for", async () => {
      const store = bench().store as unknown as { getByIds(ids: string[]): Promise<Document[]> } & Bench["store"];
      await store.addDocuments([llama, hen, shark], { ids: ["a", "b", "c"] });
      expect(await store.getByIds(["c", "x", "a"])).toEqual([
        { ...shark, id: "c" },
        { ...llama, id: "a" },
      ]);
      expect(await store.getByIds([])).toEqual([]);
    });
  });

  describe("adding", () => {
    it("refuses a wrong number of ids and adds nothing", async () => {
      const { store } = bench();
      await expect(store.addDocuments([llama, hen], { ids: ["a"] })).rejects.toThrow(/2.*1/);
      await expect(store.addDocuments([llama], { ids: [] })).rejects.toThrow(/1.*0/);
      expect(await textsIn(store)).toEqual([]);
    });

    it("takes no documents at all", async () => {
      const { store } = bench();
      await store.addDocuments([hen]);
      await store.addDocuments([]);
      expect(await textsIn(store)).toEqual([hen.pageContent]);
    });

    it("takes a blank document among others, with an id for each", async () => {
      const { store } = bench();
      const blank = new Document({ pageContent: "" });
      const ids = (await store.addDocuments([llama, blank, hen], { ids: ["a", "b", "c"] })) as string[];
      expect(ids).toEqual(["a", "b", "c"]);
      expect((await store.similaritySearch(hen.pageContent, 1))[0]?.id).toBe("c");
      expect(await textsIn(store)).toEqual(expect.arrayContaining([hen.pageContent, llama.pageContent]));
      expect((await store.addDocuments([blank, new Document({ pageContent: " \n" })])) as string[]).toHaveLength(2);
    });

    it("keeps equal texts apart", async () => {
      await bench().store.addDocuments([hen, hen]);
      expect(await textsIn(bench().store)).toEqual([hen.pageContent, hen.pageContent]);
    });

    it("takes metadata of different shapes", async () => {
      const { store } = bench();
      await store.addDocuments([llama, new Document({ pageContent: "bare" })]);
      await store.addDocuments([new Document({ pageContent: "other", metadata: { tags: ["x"], animal: 7 } })]);
      expect(await textsIn(store)).toEqual(["bare", llama.pageContent, "other"]);
    });

    it("takes calls that overlap", async () => {
      const { store } = bench();
      const texts = Array.from({ length: 12 }, (_, i) => `hen ${i} lays eggs`);
      await store.addDocuments([hen]);
      await Promise.all(texts.map((pageContent) => store.addDocuments([new Document({ pageContent })])));
      expect(await textsIn(store)).toEqual([...texts, hen.pageContent].sort());
    });

    it.each([1, 63, 64, 65])("takes %d documents at once", async (n) => {
      const documents = Array.from({ length: n }, (_, i) => new Document({ pageContent: `hen ${i}` }));
      await bench().store.addDocuments(documents);
      expect(await bench().store.similaritySearch("hen", 200)).toHaveLength(n);
    });

    it("takes vectors that the embeddings made", async () => {
      const { store, embeddings } = bench();
      const documents = [llama, hen];
      await store.addVectors(
        await embeddings.embedDocuments(documents.map(({ pageContent }) => pageContent)),
        documents,
      );
      const [found] = await store.similaritySearch(hen.pageContent, 1);
      expect(found?.pageContent).toBe(hen.pageContent);
    });

    it("refuses a wrong number of vectors", async () => {
      const vectors = await bench().embeddings.embedDocuments(["one"]);
      await expect(bench().store.addVectors(vectors, [llama, hen])).rejects.toThrow();
      expect(await textsIn(bench().store)).toEqual([]);
    });
  });

  describe("upsert", () => {
    it("replaces text and metadata of an id that is there", async () => {
      const { store } = bench();
      await store.addDocuments([llama, hen], { ids: ["a", "b"] });
      await store.addDocuments([shark], { ids: ["a"] });
      expect(await idsIn(store)).toEqual(["a", "b"]);
      const [found] = await store.similaritySearch(shark.pageContent, 1);
      expect(found).toMatchObject({ id: "a", pageContent: shark.pageContent, metadata: shark.metadata });
    });

    it("replaces metadata alone when the text stays", async () => {
      const { store } = bench();
      await store.addDocuments([hen], { ids: ["a"] });
      await store.addDocuments([new Document({ ...hen, metadata: { seen: true } })], { ids: ["a"] });
      expect(await store.similaritySearch("hens", ALL)).toEqual([{ ...hen, id: "a", metadata: { seen: true } }]);
    });

    it("goes by the document's own id too", async () => {
      const { store } = bench();
      await store.addDocuments([new Document({ ...hen, id: "a" })]);
      await store.addDocuments([new Document({ ...shark, id: "a" })]);
      expect(await textsIn(store)).toEqual([shark.pageContent]);
    });
  });

  describe("delete by id", () => {
    let ids: string[];
    beforeEach(async () => {
      ids = (await bench().store.addDocuments([llama, hen, shark])) as string[];
    });
    const left = () => textsIn(bench().store);

    it("removes that document and nothing else", async () => {
      await bench().store.delete({ ids: [ids[1]] });
      expect(await left()).toEqual([llama.pageContent, shark.pageContent]);
    });

    it("ignores ids that are not there, and none at all", async () => {
      const { store } = bench();
      await store.delete({ ids: ["x", ids[0], "y"] });
      await store.delete({ ids: [ids[0]] });
      await store.delete({ ids: [] });
      expect(await left()).toEqual([hen.pageContent, shark.pageContent]);
    });

    it("takes the ids that the caller chose", async () => {
      const { store } = bench();
      await store.addDocuments([new Document({ pageContent: "owls hunt" })], { ids: ["owl"] });
      expect(await left()).toHaveLength(4);
      await store.delete({ ids: ["owl"] });
      expect(await left()).toEqual([hen, llama, shark].map(({ pageContent }) => pageContent));
    });
  });

  describe("delete all, or by filter", () => {
    beforeEach(async () => {
      await bench().store.addDocuments([llama, hen, shark]);
    });
    const left = () => textsIn(bench().store);

    it("removes everything, and takes documents again", async () => {
      const { store } = bench();
      await store.delete({ deleteAll: true });
      expect(await left()).toEqual([]);
      await store.addDocuments([hen]);
      expect(await left()).toEqual([hen.pageContent]);
    });

    it("removes what matches and nothing else", async () => {
      for (let round = 0; round < 2; round++) {
        await bench().store.delete({ filter: { legs: { $gte: 2 } } });
        expect(await left()).toEqual([shark.pageContent]);
      }
    });

    it("refuses to guess what to delete", async () => {
      const { store } = bench();
      await expect(store.delete()).rejects.toThrow(/ids/);
      await expect(store.delete({})).rejects.toThrow(/ids/);
      await expect(store.delete({ deleteAll: false })).rejects.toThrow(/ids/);
      await expect(store.delete({ ids: ["a"], filter: { legs: 2 } })).rejects.toThrow(/ids/);
      await expect(store.delete({ filter: { legs: { $regex: "2" } } })).rejects.toThrow(/filter/);
      expect(await left()).toHaveLength(3);
    });
  });
}
