import { Document, type DocumentInterface } from "@langchain/core/documents";
import { StringOutputParser } from "@langchain/core/output_parsers";
import { PromptTemplate } from "@langchain/core/prompts";
import { RunnableLambda, RunnablePassthrough, RunnableSequence } from "@langchain/core/runnables";
import { FakeChatModel, FakeListChatModel } from "@langchain/core/utils/testing";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { EmbedlessRetriever, EmbedlessVectorStore } from "../../../../integrations/langchain/index.js";
import { WordEmbeddings } from "../../../support/langchain_embeddings.js";

const documents = [
  new Document({ pageContent: "llamas live in the high andes", id: "llama" }),
  new Document({ pageContent: "hens lay one egg a day", id: "hen" }),
  new Document({ pageContent: "sharks swim in every ocean", id: "shark" }),
];

let store: EmbedlessVectorStore;
beforeEach(async () => {
  store = await EmbedlessVectorStore.fromDocuments(documents, new WordEmbeddings());
});
afterEach(() => store.close());

const joined = (found: Document[]) => found.map(({ pageContent }) => pageContent).join("\n");

it("a retriever gives k documents, best first", async () => {
  const found = await store.asRetriever(2).invoke("which hens lay an egg");
  expect(found).toHaveLength(2);
  expect(found[0]).toMatchObject({ id: "hen" });
  expect(await store.asRetriever({ k: 1 }).invoke("sharks swim")).toMatchObject([{ id: "shark" }]);
  expect(await store.asRetriever().invoke("sharks swim")).toHaveLength(3);
});

it("a retriever tells its callbacks what it does", async () => {
  const events: unknown[] = [];
  const callbacks = [
    {
      handleRetrieverStart: (_: unknown, query: string, __: string, ___?: string, tags?: string[]) => {
        events.push(query, tags);
      },
      handleRetrieverEnd: (found: Document[]) => {
        events.push(found.map(({ id }) => id));
      },
    },
  ];
  await store.asRetriever({ k: 1, tags: ["mine"], callbacks }).invoke("hens lay");
  expect(events).toEqual(["hens lay", ["mine", "embedless"], ["hen"]]);
});

it("a retriever adds documents", async () => {
  const retriever = store.asRetriever(1);
  const added = new Document({ pageContent: "owls hunt at night" });
  expect(await retriever.addDocuments([added], { ids: ["owl"] })).toEqual(["owl"]);
  expect(await retriever.invoke("owls hunt")).toEqual([{ ...added, id: "owl" }]);
});

it("a chain puts what was found into the prompt and passes the question on", async () => {
  const prompt = PromptTemplate.fromTemplate("Context: {context}\nQuestion: {question}");
  // FakeChatModel answers with the prompt itself.
  const chain = RunnableSequence.from([
    { context: store.asRetriever(1).pipe(joined), question: new RunnablePassthrough() },
    prompt,
    new FakeChatModel({}),
    new StringOutputParser(),
  ]);
  expect(await chain.invoke("how many eggs do hens lay in a day")).toBe(
    "Context: hens lay one egg a day\nQuestion: how many eggs do hens lay in a day",
  );
});

it("chains run in batches and stream", async () => {
  const prompt = PromptTemplate.fromTemplate("{context}");
  const chain = RunnableSequence.from([
    { context: store.asRetriever(1).pipe(RunnableLambda.from(joined)) },
    prompt,
    new FakeChatModel({}),
    new StringOutputParser(),
  ]);
  const questions = documents.map(({ pageContent }) => pageContent);
  expect(await chain.batch(questions)).toEqual(questions);
  const streaming = store
    .asRetriever(1)
    .pipe(joined)
    .pipe(new FakeListChatModel({ responses: ["one egg"] }));
  let answer = "";
  for await (const chunk of await streaming.stream("hens")) answer += chunk.content;
  expect(answer).toBe("one egg");
});

describe("kinds of search", () => {
  const question = "which hens lay an egg in the ocean";
  const ids = (found: DocumentInterface[]) => found.map(({ id }) => id);

  it("by score threshold gives at most k, and none below it", async () => {
    const scored = await store.similaritySearchWithScore(question, 3);
    const least = scored[1]![1];
    const retriever = (scoreThreshold: number, k = 4) =>
      store.asRetriever({ searchType: "similarity_score_threshold", searchKwargs: { scoreThreshold }, k });
    expect(ids(await retriever(least).invoke(question))).toEqual(ids(scored.slice(0, 2).map(([found]) => found)));
    expect(await retriever(least + 1e-6).invoke(question)).toHaveLength(1);
    expect(await retriever(-1, 2).invoke(question)).toHaveLength(2);
    expect(await retriever(1.1).invoke(question)).toEqual([]);
  });

  it("by words, and by words and meaning", async () => {
    const words = await EmbedlessVectorStore.fromDocuments(documents, new WordEmbeddings(), { keywords: true });
    const fake = (words.embeddings as WordEmbeddings).fake;
    fake.queries = 0;
    expect(ids(await words.asRetriever({ searchType: "keyword" }).invoke("sharks"))).toEqual(["shark"]);
    expect(fake.queries).toBe(0);
    const hybrid = words.asRetriever({ searchType: "hybrid", k: 2 });
    expect(ids(await hybrid.invoke("sharks swim"))[0]).toBe("shark");
    const scored = await words.similaritySearchWithScore("sharks swim", 1, undefined, undefined, { mode: "hybrid" });
    expect(scored[0]![1]).toBeCloseTo(2 / 61, 6);
    await words.close();
  });

  it("by mmr takes its arguments, filters and defaults", async () => {
    const few = store.asRetriever({ searchType: "mmr", k: 2, searchKwargs: { lambda: 1, fetchK: 3 } });
    expect(ids(await few.invoke(question))).toEqual(ids(await store.similaritySearch(question, 2)));
    expect(await store.asRetriever({ searchType: "mmr" }).invoke(question)).toHaveLength(3);
    const none = store.asRetriever({ searchType: "mmr", filter: { kind: "x" } });
    expect(await none.invoke(question)).toEqual([]);
  });

  it("takes the dials", async () => {
    const fake = (store.embeddings as WordEmbeddings).fake;
    await store.asRetriever({ recompute: 0, k: 1 }).invoke("the first question proves the model");
    fake.documents = 0;
    expect(await store.asRetriever({ recompute: 0, k: 1 }).invoke("a question not asked before")).toHaveLength(1);
    expect(fake.documents).toBe(0);
  });

  it("refuses what there is not", () => {
    expect(() => store.asRetriever({ searchType: "fuzzy" as never })).toThrow(/similarity.*mmr.*fuzzy/);
    expect(() => store.asRetriever({ searchType: "similarity_score_threshold" })).toThrow(/scoreThreshold/);
  });
});

it("a signal given to invoke stops the search itself, and that one alone", async () => {
  const slow = new WordEmbeddings();
  const searched = await EmbedlessVectorStore.fromDocuments(documents, slow);
  const retriever = searched.asRetriever({ k: 1 });
  expect(retriever).toBeInstanceOf(EmbedlessRetriever);
  await retriever.invoke("the first question proves the model");
  slow.embedQuery = () => new Promise(() => {}); // never answers
  const stop = new AbortController();
  const stopped = retriever.invoke("hens", { signal: stop.signal });
  setTimeout(() => stop.abort(), 20);
  await expect(stopped).rejects.toMatchObject({ code: "ABORTED" });
  delete (slow as { embedQuery?: unknown }).embedQuery;
  expect(await retriever.invoke("hens lay")).toMatchObject([{ id: "hen" }]);
  await searched.close();
});

it("a filter beside fields is not lost, the fields' own goes first", async () => {
  const filter = (document: Document) => document.id === "llama";
  expect(await store.asRetriever({ k: 3 } as never, filter).invoke("hens")).toMatchObject([{ id: "llama" }]);
  const own = { k: 3, filter: (document: Document) => document.id === "shark" };
  expect(await store.asRetriever(own, filter).invoke("hens")).toMatchObject([{ id: "shark" }]);
});

it("serialises for tracing without its contents", () => {
  const text = JSON.stringify(store);
  expect(JSON.parse(text)).toMatchObject({ lc: 1, type: "not_implemented" });
  expect(text).not.toContain("llamas");
  expect(store.lc_namespace).toEqual(["langchain", "vectorstores", "embedless"]);
});
