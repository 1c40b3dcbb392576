import { describe, expect, it } from "vitest";
import { KNOWN_NAMES, knownModel } from "../../../src/embed/known_models.js";
import { resolveAssumed } from "../../../src/embed/settings.js";

describe("knownModel", () => {
  it.each([
    ["Xenova/bge-small-en-v1.5", "bge-small-en-v1.5"],
    ["BAAI/bge-small-en-v1.5", "bge-small-en-v1.5"],
    ["/models/bge-small-en-v1.5/", "bge-small-en-v1.5"],
    ["C:\\models\\e5-small-v2", "e5-small-v2"],
    ["onnx-community/Qwen3-Embedding-0.6B-ONNX", "qwen3-embedding-0.6b"],
    ["onnx-community/embeddinggemma-300m-ONNX", "embeddinggemma-300m"],
    ["/root/.cache/torch/sentence_transformers/BAAI_bge-small-en/", "bge-small-en"],
    [`/home/me/hub/models--Xenova--all-MiniLM-L6-v2/snapshots/${"0a".repeat(20)}`, "all-minilm-l6-v2"],
    ["snowflake-arctic-embed-m-v2.0", "snowflake-arctic-embed-m-v2.0"],
    ["me/gte-small-onnx-int8", "gte-small"],
  ])("finds %s", (name, found) => expect(knownModel(name)?.name).toBe(found));

  it.each([
    "some/minilm",
    "bge",
    "me/bge-small-en-v1.5-finetuned",
    "me/my-bge-small-en-v1.5",
    "bge-small-en-v1.5/onnx",
    "constructor",
    "__proto__",
    "",
    undefined,
    7,
  ])("does not take %s for one", (name) => expect(knownModel(name)).toBeUndefined());

  it("has entries that are whole, in the words of a store file", () => {
    expect(new Set(KNOWN_NAMES).size).toBe(KNOWN_NAMES.length);
    for (const name of KNOWN_NAMES) {
      const { card, assumed } = knownModel(name)!;
      expect(name).toBe(name.toLowerCase());
      expect(card).toMatch(/^https:\/\/huggingface\.co\/[\w-]+\/[\w.-]+$/);
      expect(resolveAssumed(JSON.parse(JSON.stringify(assumed)))).toEqual(assumed);
      expect(assumed.pooling).toBeDefined();
      expect(assumed.dims).toBeGreaterThan(100);
    }
  });

  it.each([
    ["bge-base-en-v1.5", "cls", "Represent this sentence for searching relevant passages: ", undefined],
    ["multilingual-e5-small", "mean", "query: ", "passage: "],
    ["gte-small", "mean", undefined, undefined],
    ["nomic-embed-text-v1.5", "mean", "search_query: ", "search_document: "],
    ["snowflake-arctic-embed-l-v2.0", "cls", "query: ", undefined],
    ["jina-embeddings-v2-base-en", "mean", undefined, undefined],
    ["embeddinggemma-300m", "mean", "task: search result | query: ", "title: none | text: "],
    [
      "Qwen3-Embedding-0.6B",
      "last",
      "Instruct: Given a web search query, retrieve relevant passages that answer the query\nQuery:",
      undefined,
    ],
  ])("says of %s what its card says", (name, pooling, queryPrefix, passagePrefix) => {
    const { assumed } = knownModel(name)!;
    expect([assumed.pooling, assumed.queryPrefix, assumed.passagePrefix]).toEqual([
      pooling,
      queryPrefix,
      passagePrefix,
    ]);
  });
});
