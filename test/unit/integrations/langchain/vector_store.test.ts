import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Document } from "@langchain/core/documents";
import type { EmbeddingsInterface } from "@langchain/core/embeddings";
import { BasicTranslator, Comparison, Operation, StructuredQuery } from "@langchain/core/structured_query";
import type { SaveableVectorStore, VectorStore, VectorStoreInterface } from "@langchain/core/vectorstores";
import { afterEach, beforeEach, describe, expect, expectTypeOf, it } from "vitest";
import { EmbedlessVectorStore, toEmbedder } from "../../../../integrations/langchain/index.js";
import { type AddProgress, VectorStore as CoreStore, type Filter } from "../../../../src/index.js";
import { fakeEmbedder } from "../../../support/fake_embedder.js";
import { WordEmbeddings } from "../../../support/langchain_embeddings.js";

const hen = new Document({ pageContent: "hens lay one egg a day", id: "hen" });
const llama = new Document({ pageContent: "llamas live in the high andes", id: "llama" });

let folder: string;
let path: string;
const open: { close(): Promise<void> }[] = [];

function closedLater<T extends { close(): Promise<void> }>(store: T): T {
  open.push(store);
  return store;
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "embedless-langchain-"));
  path = join(folder, "store.db");
});

afterEach(async () => {
  for (const store of open.splice(0).reverse()) await store.close();
  await rm(folder, { recursive: true });
});

const newStore = (embeddings: EmbeddingsInterface = new WordEmbeddings()) =>
  closedLater(new EmbedlessVectorStore(embeddings, { path }));

it("is what LangChain's types ask for", () => {
  expectTypeOf<EmbedlessVectorStore>().toExtend<VectorStore>();
  expectTypeOf<EmbedlessVectorStore>().toExtend<VectorStoreInterface>();
  expectTypeOf<typeof EmbedlessVectorStore>().toExtend<typeof VectorStore>();
  expectTypeOf<EmbedlessVectorStore>().toExtend<SaveableVectorStore>();
  expectTypeOf<typeof EmbedlessVectorStore>().toExtend<typeof SaveableVectorStore>();
});

describe("the file", () => {
  it("is opened by the first call, once", async () => {
    const store = newStore();
    expect(existsSync(path)).toBe(false);
    const cores = await Promise.all([
      store.store(),
      store.store(),
      store.addDocuments([hen]).then(() => store.store()),
    ]);
    expect(existsSync(path)).toBe(true);
    expect(new Set(cores).size).toBe(1);
    expect(await cores[0].count()).toBe(1);
  });

  it("may be tried again after it could not be opened", async () => {
    const missing = join(folder, "later", "store.db");
    const store = closedLater(new EmbedlessVectorStore(new WordEmbeddings(), { path: missing, create: false }));
    await expect(store.similaritySearch("hens")).rejects.toMatchObject({ code: "NOT_FOUND" });
    await expect(store.similaritySearch("hens")).rejects.toMatchObject({ code: "NOT_FOUND" });
    await expect(store.close()).resolves.toBeUndefined();
  });

  it("is temporary without a path, and gone when the store is closed", async () => {
    const store = new EmbedlessVectorStore(new WordEmbeddings());
    await store.addDocuments([hen]);
    const { path: file } = await store.store();
    expect(existsSync(file)).toBe(true);
    await store.close();
    expect(existsSync(dirname(file))).toBe(false);
  });

  it("is not shared between two temporary stores", async () => {
    const stores = [1, 2].map(() => closedLater(new EmbedlessVectorStore(new WordEmbeddings())));
    await stores[0]!.addDocuments([hen]);
    expect(await stores[1]!.similaritySearch("hens")).toEqual([]);
  });

  it("stays when the store is closed, and refuses every call afterwards", async () => {
    const store = newStore();
    await store.addDocuments([hen]);
    await store.close();
    await store.close();
    expect(existsSync(path)).toBe(true);
    const closed = { code: "CLOSED" };
    await expect(store.addDocuments([hen])).rejects.toMatchObject(closed);
    await expect(store.addVectors([[1]], [hen])).rejects.toMatchObject(closed);
    await expect(store.delete({ ids: [] })).rejects.toMatchObject(closed);
    await expect(store.similaritySearch("hens")).rejects.toMatchObject(closed);
    await expect(store.similaritySearchVectorWithScore([1], 1)).rejects.toMatchObject(closed);
    await expect(store.asRetriever().invoke("hens")).rejects.toMatchObject(closed);
  });
});

describe("fromTexts and fromDocuments", () => {
  it("pair each text with its metadata", async () => {
    const texts = [hen.pageContent, llama.pageContent];
    const store = closedLater(
      await EmbedlessVectorStore.fromTexts(texts, [{ n: 1 }, { n: 2 }], new WordEmbeddings(), { path }),
    );
    const found = await store.similaritySearch("llamas", 2);
    expect(found.map(({ metadata }) => metadata)).toEqual([{ n: 2 }, { n: 1 }]);
  });

  it("give one metadata object to all", async () => {
    const store = closedLater(
      await EmbedlessVectorStore.fromTexts(["a hen", "a cock"], { k: 1 }, new WordEmbeddings()),
    );
    expect((await store.similaritySearch("hen", 2)).map(({ metadata }) => metadata)).toEqual([{ k: 1 }, { k: 1 }]);
  });

  it("give texts that are left over no metadata, and refuse metadata that are left over", async () => {
    const made = EmbedlessVectorStore.fromTexts(["a"], [{}, { n: 2 }], new WordEmbeddings(), { path });
    await expect(made).rejects.toMatchObject({ code: "INVALID_ARGUMENT", message: expect.stringMatching(/1.*2/) });
    for (const few of [[{ n: 1 }], [{ n: 1 }, undefined], [{ n: 1 }, null]] as object[][]) {
      const store = closedLater(await EmbedlessVectorStore.fromTexts(["a hen", "a cock"], few, new WordEmbeddings()));
      expect((await store.similaritySearch("hen", 2)).map(({ metadata }) => metadata)).toEqual([{ n: 1 }, {}]);
    }
    const none = closedLater(await EmbedlessVectorStore.fromTexts(["a hen"], undefined as never, new WordEmbeddings()));
    expect((await none.similaritySearch("hen", 2)).map(({ metadata }) => metadata)).toEqual([{}]);
    const noTexts = EmbedlessVectorStore.fromTexts("a hen" as never, {}, new WordEmbeddings());
    await expect(noTexts).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });

  it("make the subclass they are called on", async () => {
    class Special extends EmbedlessVectorStore {}
    const where = { path };
    const made = closedLater(await Special.fromTexts(["a hen"], {}, new WordEmbeddings(), where));
    expect(made).toBeInstanceOf(Special);
    await made.close();
    expect(closedLater(await Special.fromExistingIndex(new WordEmbeddings(), where))).toBeInstanceOf(Special);
  });

  it("close the file again if a document is refused", async () => {
    const documents = [hen, new Document({ pageContent: "" })];
    const made = EmbedlessVectorStore.fromDocuments(documents, new WordEmbeddings(), { path, blank: "refuse" });
    await expect(made).rejects.toMatchObject({ code: "INVALID_TEXT" });
    const store = newStore();
    expect(await store.similaritySearch("hens")).toEqual([]);
  });
});

describe("fromExistingIndex", () => {
  it("takes the file, or the folder with embedless.db in it", async () => {
    const inFolder = await EmbedlessVectorStore.fromDocuments([hen], new WordEmbeddings(), { path: folder });
    const { path: file } = await inFolder.store();
    expect(file).toBe(join(folder, "embedless.db"));
    await inFolder.close();
    for (const where of [folder, file, { path: folder }, { path: file }]) {
      const store = await EmbedlessVectorStore.fromExistingIndex(new WordEmbeddings(), where);
      expect(await store.similaritySearch("hens")).toEqual([{ ...hen }]);
      await store.close();
    }
  });

  it("refuses a missing file and makes none", async () => {
    for (const where of [path, folder]) {
      const opened = EmbedlessVectorStore.fromExistingIndex(new WordEmbeddings(), where);
      await expect(opened).rejects.toMatchObject({ code: "NOT_FOUND" });
    }
    expect(existsSync(path) || existsSync(join(folder, "embedless.db"))).toBe(false);
  });

  it("refuses to guess where", async () => {
    const opened = EmbedlessVectorStore.fromExistingIndex(new WordEmbeddings(), {});
    await expect(opened).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });

  it("refuses other embeddings than those that made it", async () => {
    await (await EmbedlessVectorStore.fromDocuments([hen], new WordEmbeddings("one"), { path })).close();
    const other = EmbedlessVectorStore.fromExistingIndex(new WordEmbeddings("two"), path);
    await expect(other).rejects.toMatchObject({ code: "MODEL_MISMATCH" });
  });
});

describe("a core store given as { store }", () => {
  it("is used, and stays open for its owner", async () => {
    const embeddings = new WordEmbeddings();
    const core = closedLater(await CoreStore.open(path, { embedder: toEmbedder(embeddings) }));
    const store = new EmbedlessVectorStore(embeddings, { store: core });
    await store.addDocuments([hen]);
    expect(await store.store()).toBe(core);
    await store.close();
    expect(await core.count()).toBe(1);
    await expect(store.similaritySearch("hens")).rejects.toMatchObject({ code: "CLOSED" });
  });

  it("is refused if it compares otherwise or embeds otherwise", async () => {
    const embeddings = new WordEmbeddings();
    const metric = closedLater(await CoreStore.open(path, { embedder: toEmbedder(embeddings), metric: "l2" }));
    expect(() => new EmbedlessVectorStore(embeddings, { store: metric })).toThrow(
      expect.objectContaining({ code: "METRIC_MISMATCH" }),
    );
    const other = closedLater(await CoreStore.open(join(folder, "other.db"), { embedder: fakeEmbedder() }));
    expect(() => new EmbedlessVectorStore(embeddings, { store: other })).toThrow(
      expect.objectContaining({ code: "MODEL_MISMATCH" }),
    );
  });
});

describe("a filter", () => {
  const refused = expect.objectContaining({ code: "INVALID_FILTER" });
  const filters = [{ $where: "1" }, { animal: {} }, [{ animal: "hen" }], null, "animal = 'hen'"] as never[];

  it.each(filters.map((filter) => [filter] as const))(
    "%o is refused wherever it is given, never ignored",
    async (filter) => {
      const store = newStore();
      await store.addDocuments([hen]);
      await expect(store.similaritySearch("hens", 1, filter)).rejects.toEqual(refused);
      await expect(store.similaritySearch("hens", 0, filter)).rejects.toEqual(refused);
      await expect(store.similaritySearchWithScore("hens", 1, filter)).rejects.toEqual(refused);
      const vector = await store.embeddings.embedQuery("hens");
      await expect(store.similaritySearchVectorWithScore(vector, 1, filter)).rejects.toEqual(refused);
      await expect(store.delete({ filter } as never)).rejects.toEqual(refused);
      await expect(store.delete({ ids: ["hen"], filter } as never)).rejects.toEqual(refused);
      await expect(store.asRetriever(1, filter).invoke("hens")).rejects.toEqual(refused);
      await expect(store.asRetriever({ filter }).invoke("hens")).rejects.toEqual(refused);
      await expect(store.asRetriever({ k: 1 }, filter).invoke("hens")).rejects.toEqual(refused);
      expect(await store.similaritySearch("hens")).toHaveLength(1);
    },
  );

  it("may be a function over documents, before ranking is cut", async () => {
    const store = newStore();
    await store.addDocuments([hen, llama]);
    const isLlama = ({ pageContent, id }: Document) => id === "llama" && pageContent.startsWith("llamas");
    expect((await store.similaritySearch("hens lay eggs", 1, isLlama)).map(({ id }) => id)).toEqual(["llama"]);
    expect((await store.asRetriever({ k: 1, filter: isLlama }).invoke("hens")).map(({ id }) => id)).toEqual(["llama"]);
    const failing = () => {
      throw new RangeError("no");
    };
    await expect(store.similaritySearch("hens", 1, failing)).rejects.toThrow(RangeError);
    await expect(store.delete({ filter: isLlama as never })).rejects.toMatchObject({ code: "INVALID_FILTER" });
  });

  it("knows the metadata that the store was declared with", async () => {
    const store = closedLater(new EmbedlessVectorStore<{ legs: number }>(new WordEmbeddings(), { path }));
    await store.addDocuments([new Document({ ...hen, metadata: { legs: 2 } })]);
    const [found] = await store.similaritySearch("hens", 1, ({ metadata }) => metadata.legs === 2);
    expectTypeOf(found!.metadata).toEqualTypeOf<{ legs: number }>();
    expect(found!.metadata.legs).toBe(2);
  });

  it("is written by LangChain's own translator of structured queries", async () => {
    const store = newStore();
    const animals = [hen, llama].map(
      (one, i) => new Document({ ...one, metadata: { legs: 2 + 2 * i, animal: one.id } }),
    );
    await store.addDocuments(animals);
    const legs = new Comparison("gte", "legs", 3);
    const animal = new Comparison("ne", "animal", "hen");
    const { filter } = new BasicTranslator().visitStructuredQuery(
      new StructuredQuery("", new Operation("and", [legs, animal])),
    );
    expect(filter).toEqual({ $and: [{ legs: { $gte: 3 } }, { animal: { $ne: "hen" } }] });
    const found = await store.similaritySearch("hens", 4, filter as Filter);
    expect(found.map(({ id }) => id)).toEqual([llama.id]);
  });

  it("of undefined is none", async () => {
    const store = newStore();
    await store.addDocuments([hen]);
    expect(await store.similaritySearch("hens", 1, undefined)).toHaveLength(1);
    expect(await store.asRetriever({ k: 1, filter: undefined as never }).invoke("hens")).toHaveLength(1);
  });
});

describe("searching and adding", () => {
  it("embeds a question that comes again only once", async () => {
    const embeddings = new WordEmbeddings();
    const store = newStore(embeddings);
    await store.addDocuments([hen, llama]);
    for (let i = 0; i < 3; i++) await store.similaritySearch("Where do llamas live?", 1);
    expect(embeddings.fake.queries).toBe(1);
  });

  it("passes on recall and recompute", async () => {
    const embeddings = new WordEmbeddings();
    const store = closedLater(new EmbedlessVectorStore(embeddings, { path, recompute: 0, cacheBytes: 0 }));
    await store.addDocuments([hen, llama]);
    await store.similaritySearch("hens", 1);
    const before = embeddings.fake.documents;
    expect(await store.similaritySearch("llamas", 1)).toHaveLength(1);
    expect(embeddings.fake.documents).toBe(before);
    const wrong = closedLater(new EmbedlessVectorStore(embeddings, { path, recall: 2 }));
    await expect(wrong.similaritySearch("hens", 1)).rejects.toBeInstanceOf(RangeError);
  });

  it.each([2.5, Number.NaN, "3"])("refuses k = %s", async (k) => {
    const store = newStore();
    await store.addDocuments([hen]);
    await expect(store.similaritySearch("hens", k as number)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });

  it("mends a text that was cut within a character", async () => {
    const store = newStore();
    await store.addDocuments([new Document({ pageContent: "half an egg \ud83e" })]);
    const [found] = await store.similaritySearch("egg", 1);
    expect(found?.pageContent).toBe("half an egg \ufffd");
  });

  it("refuses vectors that the embeddings did not make", async () => {
    const embeddings = new WordEmbeddings();
    const store = newStore(embeddings);
    const [right, wrong] = await embeddings.embedDocuments([hen.pageContent, "something else"]);
    await expect(store.addVectors([wrong!], [hen])).rejects.toMatchObject({ code: "INVALID_VECTOR" });
    expect(await store.similaritySearch("hens")).toEqual([]);
    expect(await store.addVectors([right!], [hen])).toEqual(["hen"]);
  });

  it("keeps vectors that the embeddings did not make where the config says so", async () => {
    const embeddings = new WordEmbeddings();
    const config = { path, vectors: "float16", vectorsIn: "memory", codes: { bytes: 24 } } as const;
    const store = closedLater(new EmbedlessVectorStore(embeddings, config));
    const [wrong, other] = await embeddings.embedDocuments(["something else", "a third thing"]);
    expect(await store.addVectors([wrong!, other!], [hen, llama])).toEqual(["hen", "llama"]);
    const before = embeddings.fake.calls;
    const [[found, score]] = (await store.similaritySearchVectorWithScore(wrong!, 1)) as [[Document, number]];
    expect([found.id, embeddings.fake.calls]).toEqual(["hen", before]);
    expect(score).toBeCloseTo(1, 3);
    expect(await (await store.store()).stats()).toMatchObject({ vectors: "float16", codes: { bytes: 24 } });
    const otherwise = new EmbedlessVectorStore(embeddings, { path, vectors: "float32" });
    await expect(otherwise.store()).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });

  it("reports progress and stops at a signal, adding nothing", async () => {
    const store = newStore();
    const progress: AddProgress[] = [];
    await store.addDocuments([hen, llama], { onProgress: (step) => progress.push(step) });
    expect(progress.at(-1)).toEqual({ done: 2, total: 2, committed: 2 });
    const more = new Document({ pageContent: "another hen", id: "more" });
    const stopped = store.addDocuments([more], { signal: AbortSignal.abort() });
    await expect(stopped).rejects.toMatchObject({ code: "ABORTED" });
    expect(await (await store.store()).has(["more"])).toEqual([false]);
  });

  it("names a misspelt option", async () => {
    const store = newStore();
    await expect(store.addDocuments([hen], { id: ["a"] } as never)).rejects.toThrow(/"id"/);
    await expect(store.delete({ id: ["a"] } as never)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });
});

describe("documents by id", () => {
  it("come in the order asked for, without those that are not there", async () => {
    const store = newStore();
    await store.addDocuments([hen, llama]);
    expect(await store.getByIds(["llama", "nobody", "hen"])).toEqual([llama, hen]);
    expect(await store.getByIds([])).toEqual([]);
  });
});

describe("diversity", () => {
  const animals = ["hens lay one egg a day", "hens lay one egg a week", "hens lay one egg a month", "owls hunt hens"];
  const documents = animals.map((pageContent, i) => new Document({ pageContent, id: `d${i}`, metadata: { n: i } }));

  it("is traded against nearness by lambda", async () => {
    const store = newStore();
    await store.addDocuments(documents);
    const search = (options: { k: number; fetchK?: number; lambda?: number; filter?: Filter }) =>
      store.maxMarginalRelevanceSearch("hens lay one egg", options);
    const near = await store.similaritySearch("hens lay one egg", 2);
    expect(await search({ k: 2, lambda: 1 })).toEqual(near);
    expect((await search({ k: 2, lambda: 0.2 })).map(({ id }) => id)).toContain("d3");
    expect((await search({ k: 2, lambda: 0.2, filter: { n: { $lt: 3 } } })).map(({ id }) => id)).not.toContain("d3");
    expect(await search({ k: 3, fetchK: 1 })).toHaveLength(3);
    expect(await search({ k: 9 })).toHaveLength(4);
    expect(await search({ k: 0 })).toEqual([]);
  });

  it("is what a retriever of that kind asks for, and an empty store has none", async () => {
    const store = newStore();
    const retriever = store.asRetriever({ k: 2, searchType: "mmr", searchKwargs: { fetchK: 4, lambda: 0.2 } });
    expect(await retriever.invoke("hens")).toEqual([]);
    await store.addDocuments(documents);
    expect((await retriever.invoke("hens lay one egg")).map(({ id }) => id)).toContain("d3");
  });
});

describe("words", () => {
  it("find what a vector blurs, by choice of the store", async () => {
    const keyed = new Document({ pageContent: "part number xk4711 is out of stock", id: "part" });
    const store = closedLater(
      new EmbedlessVectorStore(new WordEmbeddings(), { path, keywords: true, mode: "keyword" }),
    );
    await store.addDocuments([hen, llama, keyed]);
    expect((await store.asRetriever(1).invoke("XK4711?")).map(({ id }) => id)).toEqual(["part"]);
    expect(await store.similaritySearch("zebra", 1)).toEqual([]);
    // A vector has no words: it is searched by meaning.
    const vector = await store.embeddings.embedQuery("hens lay eggs");
    expect((await store.similaritySearchVectorWithScore(vector, 1))[0]![0].id).toBe("hen");
    const hybrid = closedLater(new EmbedlessVectorStore(new WordEmbeddings(), { path, mode: "hybrid" }));
    expect((await hybrid.similaritySearch("xk4711", 3)).map(({ id }) => id)).toContain("part");
  });
});
