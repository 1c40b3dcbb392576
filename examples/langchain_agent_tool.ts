/**
 * A LangGraph agent that looks facts up in a store: the retriever is its tool, and the model decides what to ask it.
 * With `OPENAI_BASE_URL` or `OPENAI_API_KEY` (and `OPENAI_MODEL`) any OpenAI-compatible model answers, otherwise one
 * that quotes what the tool found. Ends with 1 unless the tool found the right fact for each question.
 */

import { createRetrieverTool } from "@langchain/classic/tools/retriever";
import { Document } from "@langchain/core/documents";
import { HumanMessage, SystemMessage, ToolMessage } from "@langchain/core/messages";
import type { StructuredToolInterface } from "@langchain/core/tools";
import { END, MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import { ToolNode, toolsCondition } from "@langchain/langgraph/prebuilt";
import { EmbedlessVectorStore, MiniLMEmbeddings } from "embedless/langchain";
import { chatModel } from "./chat_model.js";

/** A hotel's handbook for its guests. */
const HANDBOOK = [
  ["breakfast", "Breakfast is served in the winter garden from half past six to ten, on Sundays until noon."],
  ["checkout", "Rooms must be left by eleven; late departure until two costs thirty euros."],
  ["pets", "Dogs are welcome on the ground floor, but not in the restaurant and not in the spa."],
  ["bicycles", "Bicycles stand dry and locked in the old stable; the key hangs behind the reception desk."],
  ["wifi", "The password of the wireless network is printed on the card that opens the room."],
  ["spa", "The sauna is heated from four in the afternoon; children may use it until six with a parent."],
  ["parking", "The courtyard has twelve parking spaces, two of them with a charging point for electric cars."],
  ["doctor", "At night a doctor comes within the hour; the reception calls one under extension nine."],
] as const;

/** Questions, and the entry that answers each. */
const QUESTIONS = [
  ["Where can I leave my bicycle overnight?", "bicycles"],
  ["Until what time do I get something to eat on a Sunday morning?", "breakfast"],
  ["Is there a place to charge my car?", "parking"],
] as const;

async function main(): Promise<boolean> {
  const embeddings = new MiniLMEmbeddings();
  // Without a path the store lives in a temporary file that goes with it.
  const store = await EmbedlessVectorStore.fromDocuments(
    HANDBOOK.map(([id, pageContent]) => new Document({ id, pageContent })),
    embeddings,
  );
  try {
    const tool = createRetrieverTool(store.asRetriever(2), {
      name: "search_handbook",
      description: "Searches the hotel's handbook for guests. Takes a question or a few words.",
    }) as StructuredToolInterface;
    const model = chatModel().bindTools!([tool]);
    const rules = new SystemMessage(
      "You are the porter of a hotel. Search the handbook before you answer, then be brief.",
    );
    const agent = new StateGraph(MessagesAnnotation)
      .addNode("porter", async ({ messages }) => ({ messages: [await model.invoke([rules, ...messages])] }))
      .addNode("tools", new ToolNode([tool]))
      .addEdge(START, "porter")
      .addConditionalEdges("porter", toolsCondition, ["tools", END])
      .addEdge("tools", "porter")
      .compile();

    let right = true;
    for (const [question, id] of QUESTIONS) {
      const { messages } = await agent.invoke({ messages: [new HumanMessage(question)] });
      const found = messages.filter(ToolMessage.isInstance).map(({ text }) => text);
      const fact = HANDBOOK.find(([entry]) => entry === id)![1];
      console.log(`? ${question}\n  ${messages.at(-1)!.text}\n`);
      if (found.some((text) => text.includes(fact))) continue;
      console.error(`  The tool should have found the entry about ${id}, but found: ${found.join(" | ") || "nothing"}`);
      right = false;
    }
    return right;
  } finally {
    await store.close();
    await embeddings.close();
  }
}

process.exitCode = (await main()) ? 0 : 1;
