import { Document } from "@langchain/core/documents";
import { beforeEach, describe, expect, it } from "vitest";
import { ALL, type Bench, hen, llama, shark } from "./subject.js";

type Test = (document: Document) => boolean;

/** Filters, as objects and as functions: in each kind of search, and before the ranking is cut. */
export function filtering(bench: () => Bench): void {
  const found = async (filter: object | Test, k = ALL, text = "hens") =>
    (await bench().store.similaritySearch(text, k, filter)).map(({ metadata }) => metadata["animal"]).sort();

  /** Asserts what each kind of search finds. */
  async function everywhere(filter: object | Test, animals: string[]): Promise<void> {
    const { store, embeddings } = bench();
    expect(await found(filter)).toEqual(animals);
    const scored = await store.similaritySearchWithScore("hens", ALL, filter);
    expect(scored.map(([{ metadata }]) => metadata["animal"]).sort()).toEqual(animals);
    const vector = await embeddings.embedQuery("hens");
    expect(await store.similaritySearchVectorWithScore(vector, ALL, filter)).toEqual(scored);
    expect(await store.asRetriever({ k: ALL, filter }).invoke("hens")).toHaveLength(animals.length);
  }

  /** A hundred hens that the others rank behind. */
  async function addHens(): Promise<void> {
    const texts = Array.from({ length: 120 }, (_, i) => `hens lay egg ${i}`);
    await bench().store.addDocuments(
      texts.map((pageContent, i) => new Document({ pageContent, metadata: { animal: `hen ${i}`, legs: 2 } })),
    );
  }

  describe("object filters ($eq, $in, ...)", () => {
    beforeEach(async () => {
      await bench().store.addDocuments([llama, hen, shark]);
    });

    it.each<[filter: object, animals: string[]]>([
      [{}, ["hen", "llama", "shark"]],
      [{ animal: "hen" }, ["hen"]],
      [{ animal: "ox" }, []],
      [{ legs: { $gt: 0 } }, ["hen", "llama"]],
      [{ legs: { $gte: 2, $lt: 4 } }, ["hen"]],
      [{ animal: { $in: ["hen", "shark"] } }, ["hen", "shark"]],
      [{ animal: { $nin: ["hen", "shark"] } }, ["llama"]],
      [{ animal: { $ne: "hen" } }, ["llama", "shark"]],
      [{ $and: [{ legs: { $gte: 1 } }, { animal: { $eq: "llama" } }] }, ["llama"]],
      [{ $or: [{ legs: 0 }, { legs: 2 }] }, ["hen", "shark"]],
      [{ $not: { legs: { $lte: 2 } } }, ["llama"]],
      [{ legs: "2" }, []],
      [{ color: { $exists: true } }, []],
    ])("%j", everywhere);

    it("give k documents however far down they rank", async () => {
      await addHens();
      expect(await found({ animal: { $in: ["llama", "shark"] } }, 2, "hens lay egg 7")).toEqual(["llama", "shark"]);
      expect(await found({ legs: { $ne: 2 } }, 5, "hens lay egg 7")).toEqual(["llama", "shark"]);
    });

    it("that make no sense are refused", async () => {
      for (const filter of [{ legs: { $regex: "2" } }, { legs: {} }, { $and: [] }, { legs: Number.NaN }, "legs"]) {
        await expect(bench().store.similaritySearch("hens", 1, filter as never)).rejects.toThrow(/filter/);
      }
    });
  });

  describe("function filters", () => {
    beforeEach(async () => {
      await bench().store.addDocuments([llama, hen, shark]);
    });

    it.each<[string, filter: Test, animals: string[]]>([
      ["by metadata", ({ metadata }) => metadata["legs"] > 0, ["hen", "llama"]],
      ["by text", ({ pageContent }) => pageContent.includes("ocean"), ["shark"]],
      ["that let nothing through", () => false, []],
      ["that let all through", () => true, ["hen", "llama", "shark"]],
    ])("%s", async (_, filter, animals) => {
      await everywhere(filter, animals);
    });

    it("give k documents however far down they rank", async () => {
      await addHens();
      expect(await found(({ metadata }) => metadata["legs"] !== 2, 2, "hens lay egg 7")).toEqual(["llama", "shark"]);
    });
  });
}
