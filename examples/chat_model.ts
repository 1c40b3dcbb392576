import {
  BaseChatModel,
  type BaseChatModelCallOptions,
  type BindToolsInput,
} from "@langchain/core/language_models/chat_models";
import { AIMessage, type BaseMessage, HumanMessage, ToolMessage } from "@langchain/core/messages";
import type { ChatResult } from "@langchain/core/outputs";
import { ChatOpenAI } from "@langchain/openai";

/**
 * The chat model of the examples: any OpenAI-compatible endpoint if `OPENAI_BASE_URL` or `OPENAI_API_KEY` is set (and
 * `OPENAI_MODEL`, by default `gpt-4o-mini`), otherwise one that needs no network and quotes its prompt.
 */
export function chatModel(): BaseChatModel {
  const { OPENAI_BASE_URL: baseURL, OPENAI_API_KEY: apiKey, OPENAI_MODEL: model = "gpt-4o-mini" } = process.env;
  if (!baseURL && !apiKey) return new QuotingChatModel({});
  // Local servers want no key, but the client wants one.
  return new ChatOpenAI({
    model,
    temperature: 0,
    apiKey: apiKey || "none",
    ...(baseURL && { configuration: { baseURL } }),
  });
}

/** Tools as `bindTools` hands them on. */
interface QuotingOptions extends BaseChatModelCallOptions {
  tools?: BindToolsInput[];
}

/**
 * A stand-in for a chat model. It takes the last line with a question mark for the question, and answers with the
 * sentence of the rest of its messages that has most words of it. With tools it first calls the first one, with the
 * question as `query`, and then answers from what that found.
 */
class QuotingChatModel extends BaseChatModel<QuotingOptions> {
  override _llmType(): string {
    return "quoting";
  }

  override bindTools(tools: BindToolsInput[], options: Partial<QuotingOptions> = {}) {
    return this.withConfig({ ...options, tools });
  }

  override async _generate(messages: BaseMessage[], { tools = [] }: this["ParsedCallOptions"]): Promise<ChatResult> {
    const asked = messages.filter(HumanMessage.isInstance).map(({ text }) => text);
    const question = linesOf(asked).findLast((line) => line.includes("?")) ?? asked.at(-1) ?? "";
    const found = messages.slice(messages.findLastIndex(HumanMessage.isInstance)).filter(ToolMessage.isInstance);
    const [tool] = tools;
    if (tool && found.length === 0) {
      const name = "name" in tool ? String(tool["name"]) : "";
      const call = {
        name,
        args: { query: question.trim() },
        id: `call_${messages.length}`,
        type: "tool_call" as const,
      };
      return answer(new AIMessage({ content: "", tool_calls: [call] }));
    }
    const source = found.length > 0 ? found : messages;
    const lines = linesOf(source.map(({ text }) => text)).filter((line) => line !== question);
    return answer(new AIMessage(bestSentence(lines, question) ?? "I do not know."));
  }
}

function answer(message: AIMessage): ChatResult {
  return { generations: [{ message, text: message.text }] };
}

function linesOf(texts: string[]): string[] {
  return texts.flatMap((text) => text.split("\n"));
}

/** The sentence that shares most words with the question; a word counts the more the fewer sentences have it. */
function bestSentence(lines: string[], question: string): string | undefined {
  const sentences = lines.flatMap((line) => line.match(/\S.*?(?:[.!?](?=\s|$)|$)/g) ?? []);
  const words = sentences.map(wordsOf);
  const weight = (word: string) => 1 / words.filter((some) => some.has(word)).length;
  const shared = words.map((some) => [...wordsOf(question)].filter((word) => some.has(word)));
  const scores = shared.map((some) => some.reduce((sum, word) => sum + weight(word), 0));
  const best = scores.indexOf(Math.max(...scores));
  return scores[best] ? sentences[best] : undefined;
}

/** Words without their endings, roughly: "lives" is "live". Those that say little are left out. */
function wordsOf(text: string): Set<string> {
  const words = (text.toLowerCase().match(/\p{L}{3,}/gu) ?? []).filter((word) => !COMMON.has(word));
  return new Set(words.map((word) => word.replace(/(es|s|ed|ing)$/, "").replace(/e$/, "")));
}

const COMMON = new Set(
  (
    "and are but can did does for from has have how its not that the this was " +
    "what when where which who why with you"
  ).split(" "),
);
