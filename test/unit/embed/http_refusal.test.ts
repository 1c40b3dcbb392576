import { describe, expect, it } from "vitest";
import { fewerThan, isAboutTexts, isTooLong, shortened, tokensOf } from "../../../src/embed/http_answer.js";

/** Refusals of a request with too many texts, in the words of the servers, and what 64 texts become. */
const TOO_MANY: [name: string, status: number, words: string, from: number, to: number][] = [
  ["text embeddings inference", 422, "batch size 64 > maximum allowed batch size 32", 64, 32],
  ["text embeddings inference behind a proxy", 413, "Failed to buffer the request body: length limit exceeded", 64, 32],
  ["SiliconFlow", 413, "input batch size 136 > maximum allowed batch size 64", 136, 64],
  [
    "DashScope",
    400,
    "<400> InternalError.Algo.InvalidParameter: Value error, batch size is invalid, it should not be larger than 10.: input.contents",
    64,
    10,
  ],
  [
    "OpenAI",
    400,
    "Invalid 'input': array too long. Expected an array with maximum length 2048, but got an array with length 4096 instead.",
    4096,
    2048,
  ],
  ["OpenAI, earlier", 400, "'$.input' is invalid. Please check the API reference", 64, 32],
  ["OpenAI, tokens", 400, "Requested 375703 tokens, max 300000 tokens per request", 64, 32],
  [
    "OpenAI, tokens a minute",
    429,
    "Request too large for m on tokens per min (TPM): Limit 40000, Requested 50000",
    64,
    32,
  ],
  ["Azure", 400, "Too many inputs. The max number of inputs is 16.", 64, 16],
  ["Mistral", 400, "Too many inputs in request, split into more batches.", 64, 32],
  ["Mistral, tokens", 400, "Too many tokens in batch. Max is 16384 got 17555", 64, 32],
  ["Cohere", 400, "invalid request: total number of texts must be at most 96 - received 128", 128, 96],
  ["Voyage", 400, "The max allowed tokens per submitted batch is 120000. Your batch has 121138 tokens", 64, 32],
  ["Gemini", 400, "BatchEmbedContentsRequest.requests: at most 100 requests can be in one batch", 128, 100],
  ["words of an unknown tongue", 400, "输入过多", 3, 2],
];

/** Refusals of one text, in the words of the servers, with its tokens where they are told. */
const TOO_LONG: [name: string, status: number, words: string, tokens: number][] = [
  [
    "text embeddings inference",
    413,
    "Input validation error: `inputs` must have less than 512 tokens. Given: 534",
    534,
  ],
  ["text embeddings inference, characters", 422, "`inputs` must have less than 32000 characters. Given: 67337", 67337],
  [
    "OpenAI and vLLM",
    400,
    "This model's maximum context length is 8192 tokens, however you requested 25701 tokens (25701 in your prompt; 0 for the completion).",
    25701,
  ],
  ["Ollama", 400, "the input length exceeds the context length", Number.NaN],
  ["Ollama, earlier", 500, "input length exceeds maximum context length", Number.NaN],
  ["llama.cpp", 500, "input is too large to process. increase the physical batch size", Number.NaN],
  ["Mistral", 400, "Input id 0 has 9000 tokens, exceeding max 8192 tokens.", 9000],
  ["DashScope", 400, "Range of input length should be [1, 8192]: the length exceeds the limit", Number.NaN],
];

describe("a refusal of too many texts", () => {
  it.each(TOO_MANY)("of %s is understood", (_, status, words, from, to) => {
    expect(isAboutTexts({ status, words })).toBe(true);
    expect(fewerThan(from, { status, words })).toBe(to);
  });

  it("always leads to fewer texts, and to one in the end", () => {
    for (const [, status, words] of [...TOO_MANY, ...TOO_LONG]) {
      let count = 2048;
      for (let step = 0; count > 1; step++) {
        const fewer = fewerThan(count, { status, words });
        expect(fewer).toBeGreaterThanOrEqual(1);
        expect(fewer).toBeLessThan(count);
        expect(step).toBeLessThan(30);
        count = fewer;
      }
    }
  });
});

describe("a refusal of a text that is too long", () => {
  it.each(TOO_LONG)("of %s is understood", (_, status, words, tokens) => {
    expect([isAboutTexts({ status, words }), isTooLong({ status, words })]).toEqual([true, true]);
    expect(tokensOf({ status, words })).toBe(tokens);
    const text = "word ".repeat(1000);
    expect(shortened(text, { status, words }).length).toBeLessThan(text.length);
    expect(shortened(text, { status, words }).length).toBeGreaterThan(text.length / 5);
  });

  it("leaves no half of a character", () => {
    for (let length = 2; length < 20; length++) {
      const text = shortened("😀".repeat(length), { status: 413, words: "" });
      expect(Buffer.from(text).toString()).toBe(text);
    }
  });
});

it.each([
  [400, "model `m` does not exist"],
  [422, "Unprocessable Entity"],
  [400, "API key not valid. Please pass a valid API key."],
])("%i %s does not say that a text is too long", (status, words) => {
  expect(isTooLong({ status, words })).toBe(false);
});

it.each([401, 403, 404, 429, 500, 503])("%i is not about the texts", (status) => {
  expect(isAboutTexts({ status, words: "no" })).toBe(false);
});
