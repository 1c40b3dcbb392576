import { createRetrieverTool } from "@langchain/classic/tools/retriever";
import { AIMessage, type BaseMessage, HumanMessage, ToolMessage } from "@langchain/core/messages";
import { StringOutputParser } from "@langchain/core/output_parsers";
import { ChatPromptTemplate } from "@langchain/core/prompts";
import { RunnableLambda, RunnablePassthrough, RunnableSequence } from "@langchain/core/runnables";
import type { StructuredToolInterface } from "@langchain/core/tools";
import { FakeChatModel } from "@langchain/core/utils/testing";
import type { VectorStoreRetriever } from "@langchain/core/vectorstores";
import { END, MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import { createReactAgent, ToolNode, toolsCondition } from "@langchain/langgraph/prebuilt";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { chatModel } from "../../../examples/chat_model.js";
import type { EmbedlessVectorStore } from "../../../integrations/langchain/index.js";
import { animals, embedlessStore, idsOf, reopened } from "../../support/langchain_stores.js";

/** The store's documents as a tool. Under `exactOptionalPropertyTypes` LangGraph does not take its type as it is. */
const toolOver = (retriever: VectorStoreRetriever<EmbedlessVectorStore>) =>
  createRetrieverTool(retriever, named) as StructuredToolInterface;

const named = { name: "animal_facts", description: "Looks up facts about animals." };

async function filled(): Promise<EmbedlessVectorStore> {
  const store = await embedlessStore();
  await store.addDocuments(animals());
  return reopened(store);
}

describe("createRetrieverTool", () => {
  it("gives the texts of what was found, best first", async () => {
    const tool = toolOver((await filled()).asRetriever(2));
    expect(await tool.invoke({ query: "hens lay one egg" })).toBe(
      "hens lay one egg a day\n\nostriches lay one huge egg and run fast",
    );
  });

  it("passes the run on to the retriever's callbacks", async () => {
    const runs: unknown[] = [];
    const handleRetrieverEnd = (found: { id?: string }[]) => void runs.push(idsOf(found));
    const tool = toolOver((await filled()).asRetriever({ k: 1, tags: ["facts"] }));
    await tool.invoke({ query: "owls hunt mice" }, { callbacks: [{ handleRetrieverEnd }] });
    expect(runs).toEqual([["owl"]]);
  });
});

describe("an LCEL chain", () => {
  it("answers from what was found, in batches too, and hands the sources on", async () => {
    const store = await filled();
    const retriever = store.asRetriever({ k: 1, filter: { legs: { $gt: 0 } } });
    const prompt = ChatPromptTemplate.fromTemplate("{context} | {question}");
    const answer = RunnableSequence.from([prompt, new FakeChatModel({}), new StringOutputParser()]);
    const chain = RunnableSequence.from([
      { sources: retriever, question: new RunnablePassthrough<string>() },
      RunnablePassthrough.assign({ context: ({ sources }) => sources[0].pageContent }),
      RunnablePassthrough.assign({ answer }),
    ]);
    const questions = ["owls hunt mice", "hens lay an egg", "sharks swim in every ocean"];
    const answers = await chain.batch(questions);
    expect(answers.map(({ sources }) => sources[0].id).slice(0, 2)).toEqual(["owl", "hen"]);
    expect(answers[0].answer).toBe("owls hunt mice at night | owls hunt mice");
    expect(answers[2].sources[0].id).not.toBe("shark");
  });

  it("reports the retriever's run in its event stream", async () => {
    const chain = (await filled()).asRetriever(1).pipe(RunnableLambda.from((found: unknown[]) => found.length));
    const names: string[] = [];
    for await (const { event } of chain.streamEvents("hens lay", { version: "v2" })) names.push(event);
    expect(names).toEqual(expect.arrayContaining(["on_retriever_start", "on_retriever_end"]));
  });
});

describe("a LangGraph agent with the retriever as its tool", () => {
  beforeEach(() => {
    // The model that needs no network, whatever this machine has set.
    vi.stubEnv("OPENAI_BASE_URL", "");
    vi.stubEnv("OPENAI_API_KEY", "");
    return () => vi.unstubAllEnvs();
  });

  const typesOf = (messages: BaseMessage[]) => messages.map((message) => message.type);

  it("asks the tool, gets the documents, and answers from them", async () => {
    const tools = [toolOver((await filled()).asRetriever(2))];
    const model = chatModel().bindTools!(tools);
    const graph = new StateGraph(MessagesAnnotation)
      .addNode("agent", async ({ messages }) => ({ messages: [await model.invoke(messages)] }))
      .addNode("tools", new ToolNode(tools))
      .addEdge(START, "agent")
      .addConditionalEdges("agent", toolsCondition, ["tools", END])
      .addEdge("tools", "agent")
      .compile();
    const { messages } = await graph.invoke({ messages: [new HumanMessage("Which animals hunt mice?")] });
    expect(typesOf(messages)).toEqual(["human", "ai", "tool", "ai"]);
    const [, call, found, answer] = messages as [HumanMessage, AIMessage, ToolMessage, AIMessage];
    expect(call.tool_calls).toMatchObject([{ name: "animal_facts", args: { query: "Which animals hunt mice?" } }]);
    expect(found.content).toContain("owls hunt mice at night");
    expect(found.tool_call_id).toBe(call.tool_calls![0]!.id);
    expect(answer.text).toBe("owls hunt mice at night");
  });

  it("works with the prebuilt agent, which also sees documents added meanwhile", async () => {
    const store = await filled();
    const agent = createReactAgent({
      llm: chatModel(),
      tools: [toolOver(store.asRetriever(1))],
    });
    const ask = async (question: string) => {
      const { messages } = await agent.invoke({ messages: [new HumanMessage(question)] });
      return messages.at(-1)!.text;
    };
    expect(await ask("What do hens lay?")).toBe("hens lay one egg a day");
    await store.addDocuments([{ pageContent: "platypuses lay eggs and feed milk", metadata: {}, id: "platypus" }]);
    expect(await ask("What do platypuses lay and feed?")).toBe("platypuses lay eggs and feed milk");
  });

  it("tells the model of an error of the store, and the run goes on", async () => {
    const store = await filled();
    const tools = new ToolNode([toolOver(store.asRetriever(1))]);
    await store.close();
    const call = new AIMessage({ content: "", tool_calls: [{ name: named.name, args: { query: "hens" }, id: "1" }] });
    const { messages } = await tools.invoke({ messages: [call] });
    expect(messages).toHaveLength(1);
    expect(messages[0]).toBeInstanceOf(ToolMessage);
    expect(messages[0].content).toContain("The vector store was closed.");
  });
});
