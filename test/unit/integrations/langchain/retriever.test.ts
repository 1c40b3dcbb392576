import { Document } from "@langchain/core/documents";
import { StringOutputParser } from "@langchain/core/output_parsers";
import { PromptTemplate } from "@langchain/core/prompts";
import { RunnableLambda, RunnablePassthrough, RunnableSequence } from "@langchain/core/runnables";
import { FakeChatModel, FakeListChatModel } from "@langchain/core/utils/testing";
import { afterEach, beforeEach, expect, it } from "vitest";
import { EmbedlessVectorStore } from "../../../../integrations/langchain/index.js";
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

it("serialises for tracing without its contents", () => {
  const text = JSON.stringify(store);
  expect(JSON.parse(text)).toMatchObject({ lc: 1, type: "not_implemented" });
  expect(text).not.toContain("llamas");
  expect(store.lc_namespace).toEqual(["langchain", "vectorstores", "embedless"]);
});
