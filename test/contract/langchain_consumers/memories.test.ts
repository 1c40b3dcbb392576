import { VectorStoreRetrieverMemory } from "@langchain/classic/memory";
import { TimeWeightedVectorStoreRetriever } from "@langchain/classic/retrievers/time_weighted";
import { MemoryVectorStore } from "@langchain/classic/vectorstores/memory";
import { Document } from "@langchain/core/documents";
import { SemanticSimilarityExampleSelector } from "@langchain/core/example_selectors";
import { FewShotPromptTemplate, PromptTemplate } from "@langchain/core/prompts";
import { FakeEmbeddings } from "@langchain/core/utils/testing";
import type { VectorStore } from "@langchain/core/vectorstores";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { EmbedlessVectorStore } from "../../../integrations/langchain/index.js";
import { WordEmbeddings } from "../../support/langchain_embeddings.js";
import { animals, embedlessStore, idsOf, reopened } from "../../support/langchain_stores.js";

describe("TimeWeightedVectorStoreRetriever", () => {
  const HOUR = 3_600_000;
  beforeEach(() => {
    vi.useFakeTimers({ now: 1_700_000_000_000, toFake: ["Date"] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  const note = (id: string, pageContent: string) => new Document({ id, pageContent });

  /** Notes of three times, asked for the next day. */
  async function remembered(vectorStore: VectorStore, decayRate: number) {
    const retriever = new TimeWeightedVectorStoreRetriever({ vectorStore, memoryStream: [], k: 1, decayRate });
    await retriever.addDocuments([note("old", "the hen lays an egg in the barn")]);
    vi.setSystemTime(Date.now() + 24 * HOUR);
    await retriever.addDocuments([note("new", "the hen lays in the garden"), note("other", "sharks swim at night")]);
    vi.setSystemTime(Date.now() + HOUR);
    return { retriever, found: idsOf(await retriever.invoke("the hen lays an egg in the barn")) };
  }

  it.each([
    [1e-10, ["old", "new"]],
    [0.5, ["new", "old"]],
  ])("weighs nearness and age (decay %d) as over LangChain's own store", async (decayRate, ids) => {
    const { found } = await remembered(await embedlessStore(), decayRate);
    expect(found).toEqual((await remembered(new MemoryVectorStore(new WordEmbeddings()), decayRate)).found);
    expect(found).toEqual(ids);
  });

  it("goes on after a restart with the stream of memories read from the store", async () => {
    const store = await embedlessStore();
    const { retriever } = await remembered(store, 1e-10);
    const again = await reopened(store);
    const stream: Document[] = [];
    for await (const { id, text, metadata } of (await again.store()).passages()) {
      stream.push(new Document({ id, pageContent: text, metadata }));
    }
    stream.sort((a, b) => a.metadata["buffer_idx"] - b.metadata["buffer_idx"]);
    expect(idsOf(stream)).toEqual(idsOf(retriever.getMemoryStream()));
    const resumed = new TimeWeightedVectorStoreRetriever({ vectorStore: again, memoryStream: stream, k: 1 });
    expect(idsOf(await resumed.invoke("sharks swim at night"))[0]).toBe("other");
    await resumed.addDocuments([note("newest", "owls hunt mice")]);
    expect(await again.getByIds(["newest"])).toMatchObject([{ metadata: { buffer_idx: 3 } }]);
  });
});

describe("VectorStoreRetrieverMemory", () => {
  it("remembers what was said, also in the next process", async () => {
    const store = await embedlessStore();
    const memory = new VectorStoreRetrieverMemory({
      vectorStoreRetriever: store.asRetriever(1),
      memoryKey: "history",
      metadata: { session: 7 },
    });
    expect(await memory.loadMemoryVariables({ prompt: "anything" })).toEqual({ history: "" });
    await memory.saveContext({ input: "my favourite animal is the owl" }, { output: "noted" });
    await memory.saveContext({ input: "my bicycle is blue" }, { output: "nice" });
    const owl = "input: my favourite animal is the owl\noutput: noted";
    expect(await memory.loadMemoryVariables({ prompt: "which animal is my favourite" })).toEqual({ history: owl });

    const later = new VectorStoreRetrieverMemory({
      vectorStoreRetriever: (await reopened(store)).asRetriever({ k: 2, filter: { session: 7 } }),
      returnDocs: true,
    });
    const { memory: found } = await later.loadMemoryVariables({ prompt: "favourite animal" });
    expect(found).toMatchObject([{ pageContent: owl, metadata: { session: 7 }, id: expect.any(String) }, {}]);
  });
});

describe("SemanticSimilarityExampleSelector", () => {
  const examples = [
    { input: "happy", output: "sad" },
    { input: "tall", output: "short" },
    { input: "sunny weather", output: "gloomy weather" },
  ];

  it("makes its store by fromTexts and selects as over LangChain's own store", async () => {
    const select = async (kind: typeof EmbedlessVectorStore | typeof MemoryVectorStore) => {
      const options = { k: 2, inputKeys: ["input"], exampleKeys: ["input"] };
      const selector = await SemanticSimilarityExampleSelector.fromExamples(
        examples,
        new WordEmbeddings(),
        kind,
        options,
      );
      await selector.addExample({ input: "windy weather", output: "calm weather" });
      const prompt = new FewShotPromptTemplate({
        exampleSelector: selector,
        examplePrompt: PromptTemplate.fromTemplate("{input}"),
        suffix: "{input}",
        inputVariables: ["input"],
      });
      return prompt.format({ input: "the weather is sunny" });
    };
    const formatted = await select(EmbedlessVectorStore);
    expect(formatted).toBe(await select(MemoryVectorStore));
    expect(formatted).toBe("\n\nsunny weather\n\nwindy weather\n\nthe weather is sunny");
  });

  it("selects the first added where all are equally near", async () => {
    const store = await EmbedlessVectorStore.fromTexts(
      examples.map(({ input }) => input),
      examples,
      new FakeEmbeddings(),
    );
    const selector = new SemanticSimilarityExampleSelector({ vectorStore: store, k: 2 });
    expect(await selector.selectExamples({ input: "anything" })).toEqual(examples.slice(0, 2));
    await store.close();
  });

  it("selects by a filter from a store that is there already", async () => {
    const store = await embedlessStore();
    await store.addDocuments(animals());
    const vectorStore = await reopened(store);
    const selector = new SemanticSimilarityExampleSelector({
      vectorStore,
      k: 1,
      filter: { legs: { $lt: 4 } },
      exampleKeys: ["animal"],
    });
    expect(await selector.selectExamples({ text: "llamas carry loads" })).toHaveLength(1);
    expect(await selector.selectExamples({ text: "owls hunt mice at night" })).toEqual([{ animal: "owl" }]);
  });
});
