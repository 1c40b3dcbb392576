import { Document } from "@langchain/core/documents";
import { describe, expect, it } from "vitest";
import { EmbedlessVectorStore } from "../../../../integrations/langchain/index.js";
import { embedlessStore } from "../../../support/langchain_stores.js";

const circular: Record<string, unknown> = {};
circular["self"] = circular;
let deep: Record<string, unknown> = {};
for (let i = 0; i < 20_000; i++) deep = { deep };
let nested: Record<string, unknown> = {};
for (let i = 0; i < 100; i++) nested = { nested };

const hen = new Document({ pageContent: "hens lay one egg a day", id: "hen" });

describe("what cannot be stored is refused, named by its place, and leaves the store as it was", () => {
  it.each<[string, unknown, RegExp]>([
    ["nothing", undefined, /documents\[1\].*undefined/],
    ["null", null, /documents\[1\].*null/],
    ["a text", "hens", /documents\[1\].*hens/],
    ["a bigint", new Document({ pageContent: "x", metadata: { n: 1n } }), /metadata of documents\[1\].*BigInt/],
    ["what contains itself", new Document({ pageContent: "x", metadata: circular }), /documents\[1\].*contains itself/],
    ["what is far too deep", new Document({ pageContent: "x", metadata: deep }), /documents\[1\].*too deeply/],
    ["a function", { pageContent: "x", metadata: () => 1 }, /metadata of documents\[1\]/],
    [
      "a getter that throws",
      {
        pageContent: "x",
        metadata: {
          get a() {
            throw new Error("no");
          },
        },
      },
      /documents\[1\].*no/,
    ],
    ["a list", { pageContent: "x", metadata: ["a"] }, /\[1\]\.metadata/],
    ["what is too deep for a store", new Document({ pageContent: "x", metadata: nested }), /\[1\]\.metadata/],
    ["no text", { metadata: {} }, /\[1\]\.text/],
  ])("%s", async (_, document, message) => {
    const store = await embedlessStore();
    const added = store.addDocuments([hen, document as Document]);
    await expect(added).rejects.toMatchObject({
      code: expect.stringMatching(/^(INVALID_|LIMIT)/),
      message: expect.stringMatching(message),
    });
    expect(await store.getByIds(["hen"])).toEqual([]);
  });

  it("what is no array of documents", async () => {
    const store = await embedlessStore();
    for (const documents of [undefined, null, "hens", hen]) {
      await expect(store.addDocuments(documents as never)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    }
    // biome-ignore lint/suspicious/noSparseArray: such arrays come along.
    const holes = store.addDocuments([hen, , hen] as never);
    await expect(holes).rejects.toMatchObject({ message: expect.stringContaining("documents[1]") });
    for (const [vectors, documents] of [
      [undefined, [hen]],
      [[], undefined],
      ["a", [hen]],
    ] as never[][]) {
      await expect(store.addVectors(vectors!, documents!)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    }
    await expect(store.addDocuments([hen], { ids: "a" as never })).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    expect(await store.getByIds(["hen"])).toEqual([]);
    expect(await store.addDocuments([hen], null as never)).toEqual(["hen"]);
    expect(() => new EmbedlessVectorStore(store.embeddings, null as never)).toThrow(/config/);
  });
});

describe("blank documents", () => {
  const blank = new Document({ pageContent: " \n" });

  it("are passed over, and ids line up with all documents", async () => {
    const store = await embedlessStore();
    const [first, second, third] = await store.addDocuments([blank, hen, new Document({ ...blank, id: "own" })]);
    expect([second, third]).toEqual(["hen", "own"]);
    expect(first).toEqual(expect.stringMatching(/./));
    expect(await store.getByIds([first!, second!, third!])).toEqual([hen]);
    expect(store.skipped).toBe(2);
    // The ids serve in every other call.
    await store.delete({ ids: [first!, third!] });
    expect(await store.addDocuments([blank], ["hen"])).toEqual(["hen"]);
    expect(await store.getByIds(["hen"])).toEqual([hen]);
    expect(store.skipped).toBe(3);
  });

  it("with their vectors too", async () => {
    const store = await embedlessStore();
    const [vector] = await store.embeddings.embedDocuments([hen.pageContent]);
    expect(await store.addVectors([[0, 0], vector!], [blank, hen], ["a", "b"])).toEqual(["a", "b"]);
    expect(await store.getByIds(["a", "b"])).toHaveLength(1);
  });

  it("make one warning a store", async () => {
    const warnings: (Error & { code?: string })[] = [];
    const hear = (warning: Error) => warnings.push(warning);
    process.on("warning", hear);
    const store = await embedlessStore();
    await store.addDocuments([hen, blank, blank]);
    await store.addDocuments([blank]);
    await new Promise((resolve) => setImmediate(resolve));
    process.off("warning", hear);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatchObject({
      code: "EMBEDLESS_SKIPPED",
      message: expect.stringMatching(/2 of 3 documents were not added.*documents\[1\]/),
    });
  });

  it("are refused if a call or a store asks for that", async () => {
    const store = await embedlessStore();
    const strict = await embedlessStore(undefined, { blank: "refuse" });
    for (const added of [store.addDocuments([hen, blank], { blank: "refuse" }), strict.addDocuments([hen, blank])]) {
      await expect(added).rejects.toMatchObject({ code: "INVALID_TEXT", message: expect.stringContaining("items[1]") });
    }
    expect(await strict.addDocuments([hen, blank], { blank: "skip" })).toHaveLength(2);
    expect(await store.addDocuments([hen, blank], { blank: undefined } as never)).toHaveLength(2);
    expect([store.skipped, strict.skipped]).toEqual([1, 1]);
  });
});

describe("questions", () => {
  it.each(["", " ", "\n\t"])("without words (%j) find nothing, by any way to ask", async (question) => {
    const store = await embedlessStore(undefined, { keywords: true });
    await store.addDocuments([hen]);
    expect(await store.similaritySearch(question)).toEqual([]);
    expect(await store.similaritySearchWithScore(question, 3)).toEqual([]);
    expect(await store.maxMarginalRelevanceSearch(question, { k: 2 })).toEqual([]);
    for (const searchType of ["similarity", "mmr", "keyword", "hybrid"] as const) {
      expect(await store.asRetriever({ searchType }).invoke(question)).toEqual([]);
    }
    await expect(store.similaritySearch(question, 1, { a: { $like: 1 } } as never)).rejects.toMatchObject({
      code: "INVALID_FILTER",
    });
  });

  it.each([undefined, null, 5, {}])("%j is none", async (question) => {
    const store = await embedlessStore();
    const refusal = { code: "INVALID_ARGUMENT", message: expect.stringContaining("query") };
    await expect(store.similaritySearch(question as never)).rejects.toMatchObject(refusal);
    await expect(store.similaritySearchVectorWithScore(question as never, 1)).rejects.toMatchObject(refusal);
    await expect(store.maxMarginalRelevanceSearch(question as never, undefined as never)).rejects.toMatchObject(
      refusal,
    );
  });

  it("may ask for more than there is, without end too", async () => {
    const store = await embedlessStore();
    await store.addDocuments([hen]);
    for (const k of [10_001, 2 ** 40, Number.POSITIVE_INFINITY]) {
      expect(await store.similaritySearch("hens", k)).toEqual([hen]);
      expect(await store.maxMarginalRelevanceSearch("hens", { k: 2, fetchK: k })).toEqual([hen]);
    }
    const lambda = "much" as never;
    await expect(store.maxMarginalRelevanceSearch("hens", { k: 2, lambda })).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
    });
    for (const k of [1.5, "3" as never, Number.NaN]) {
      const refusal = { code: "INVALID_ARGUMENT", message: expect.stringMatching(/for (k|fetchK)/) };
      await expect(store.maxMarginalRelevanceSearch("hens", { k })).rejects.toMatchObject(refusal);
      await expect(store.maxMarginalRelevanceSearch("hens", { k: 1, fetchK: k })).rejects.toMatchObject(refusal);
    }
    await expect(store.similaritySearch("hens", Number.NaN)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });

  it("with null for a filter are told to leave it out", async () => {
    const store = await embedlessStore();
    await expect(store.similaritySearch("hens", 1, null as never)).rejects.toMatchObject({
      code: "INVALID_FILTER",
      message: expect.stringContaining("leave filter out"),
    });
  });
});

describe("delete says what it takes", () => {
  it.each<[unknown, string, RegExp]>([
    [["hen"], "INVALID_ARGUMENT", /array.*delete\(\{ ids \}\)/],
    ["hen", "INVALID_ARGUMENT", /string/],
    [null, "INVALID_ARGUMENT", /null/],
    [{ id: "hen" }, "INVALID_ARGUMENT", /"id"/],
    [{ ids: "hen" }, "INVALID_ARGUMENT", /ids/],
    [{ ids: null }, "INVALID_ARGUMENT", /ids/],
    [{ filter: null }, "INVALID_FILTER", /null/],
    [{ filter: () => true }, "INVALID_FILTER", /function/],
    [{ filter: {} }, "INVALID_FILTER", /conditions/],
  ])("%j", async (options, code, message) => {
    const store = await embedlessStore();
    await store.addDocuments([hen]);
    await expect(store.delete(options as never)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    });
    expect(await store.getByIds(["hen"])).toHaveLength(1);
  });
});
