import {
  BaseLLM,
  type ChatResponse,
  type ChatResponseChunk,
  extractText,
  type LLMChatParamsNonStreaming,
  type LLMChatParamsStreaming,
} from "llamaindex";

/**
 * The smallest language model that LlamaIndex takes. Any OpenAI-compatible endpoint writes the answers if `OPENAI_BASE_URL`
 * is set (with `OPENAI_API_KEY` and `OPENAI_MODEL`, by default `gpt-4o-mini`); otherwise the best line is quoted.
 */
export class ExampleLLM extends BaseLLM {
  metadata = {
    model: "example",
    temperature: 0,
    topP: 1,
    contextWindow: 8192,
    tokenizer: undefined,
    structuredOutput: false,
  };

  override async chat(
    params: LLMChatParamsStreaming | LLMChatParamsNonStreaming,
  ): Promise<ChatResponse & AsyncIterable<ChatResponseChunk>> {
    const content = await answer(extractText(params.messages.at(-1)!.content));
    const stream = async function* () {
      yield { raw: null, delta: content };
    };
    return { raw: null, message: { role: "assistant", content }, [Symbol.asyncIterator]: stream };
  }
}

async function answer(prompt: string): Promise<string> {
  const { OPENAI_BASE_URL: url, OPENAI_API_KEY: key = "none", OPENAI_MODEL: model = "gpt-4o-mini" } = process.env;
  if (!url) return quote(prompt);
  const headers = { "content-type": "application/json", authorization: `Bearer ${key}` };
  const body = JSON.stringify({ model, temperature: 0, messages: [{ role: "user", content: prompt }] });
  const response = await fetch(`${url}/chat/completions`, { method: "POST", headers, body });
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${await response.text()}`);
  return ((await response.json()) as { choices: { message: { content: string } }[] }).choices[0]!.message.content;
}

/** The line of the prompt that has most words of its question, the last line with a question mark. */
function quote(prompt: string): string {
  const lines = prompt.split("\n").filter((line) => line.trim() !== "");
  const at = lines.findLastIndex((line) => line.includes("?"));
  const words = lines[at]!.toLowerCase().match(/[a-z+]{4,}/g) ?? [];
  const shared = (line: string) => words.filter((word) => line.toLowerCase().includes(word)).length;
  return lines.slice(0, at).reduce((best, line) => (shared(line) > shared(best) ? line : best));
}
