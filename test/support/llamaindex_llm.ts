import { BaseLLM, type ChatResponse, type ChatResponseChunk, extractText, type LLMMetadata } from "llamaindex";

/** A language model for tests: answers with what it was asked, word for word. */
export class EchoLLM extends BaseLLM {
  metadata: LLMMetadata = {
    model: "echo",
    temperature: 0,
    topP: 1,
    contextWindow: 100_000,
    tokenizer: undefined,
    structuredOutput: false,
  };

  /** The last message back, whole or as a stream of one piece. */
  override async chat(params: never): Promise<ChatResponse & AsyncIterable<ChatResponseChunk>> {
    const { messages } = params as { messages: { content: string }[] };
    const delta = extractText(messages.at(-1)!.content);
    return {
      raw: null,
      message: { content: delta, role: "assistant" },
      async *[Symbol.asyncIterator]() {
        yield { raw: null, delta };
      },
    };
  }
}
