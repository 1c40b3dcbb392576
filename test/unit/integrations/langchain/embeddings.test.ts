import { Embeddings } from "@langchain/core/embeddings";
import { describe, expect, it } from "vitest";
import {
  EmbedlessEmbeddings,
  EmbedlessVectorStore,
  MiniLMEmbeddings,
  toEmbedder,
} from "../../../../integrations/langchain/index.js";
import { fakeEmbedder } from "../../../support/fake_embedder.js";
import { WordEmbeddings } from "../../../support/langchain_embeddings.js";

describe("EmbedlessEmbeddings", () => {
  it("gives a core embedder's vectors as plain arrays", async () => {
    const embedder = fakeEmbedder({ dims: 8 });
    const embeddings = new EmbedlessEmbeddings(embedder);
    expect(embeddings).toBeInstanceOf(Embeddings);
    const expected = (await embedder.embedDocuments(["a hen", "an owl"])).map((vector) => Array.from(vector));
    expect(await embeddings.embedDocuments(["a hen", "an owl"])).toEqual(expected);
    expect(await embeddings.embedQuery("an owl")).toEqual(expected[1]);
    expect(Array.isArray(expected[0])).toBe(true);
  });

  it("asks nothing of the embedder for no text", async () => {
    const embedder = fakeEmbedder();
    expect(await new EmbedlessEmbeddings(embedder).embedDocuments([])).toEqual([]);
    expect(embedder.calls).toBe(0);
  });

  it("closes the embedder", async () => {
    let closed = 0;
    const embedder = { ...fakeEmbedder(), close: async () => void closed++ };
    await new EmbedlessEmbeddings(embedder).close();
    expect(closed).toBe(1);
  });
});

describe("toEmbedder", () => {
  it("takes our own embedder out again", () => {
    const embedder = fakeEmbedder();
    expect(toEmbedder(new EmbedlessEmbeddings(embedder))).toBe(embedder);
  });

  it("names foreign embeddings by class and model", () => {
    expect(toEmbedder(new WordEmbeddings("words-2")).id).toBe("WordEmbeddings:words-2");
    const named = (fields: object) => toEmbedder(Object.assign(new WordEmbeddings(""), fields)).id;
    expect(named({})).toBe("WordEmbeddings");
    expect(named({ modelName: "m" })).toBe("WordEmbeddings:m");
    expect(named({ model_name: "m" })).toBe("WordEmbeddings:m");
    expect(named({ model: "a", modelName: "b" })).toBe("WordEmbeddings:a");
    expect(named({ model: { not: "a name" } })).toBe("WordEmbeddings");
  });

  it("learns the length of vectors from the first answer", async () => {
    const embedder = toEmbedder(new WordEmbeddings());
    expect(embedder.dims).toBeUndefined();
    const [vector] = await embedder.embedDocuments(["a hen"]);
    expect(embedder.dims).toBe(vector!.length);
    const other = toEmbedder(new WordEmbeddings());
    expect((await other.embedQuery("a hen")).length).toBe(other.dims);
  });

  it.each([undefined, null, {}, { embedQuery: async () => [] }, "MiniLM"])("refuses %o", (value) => {
    expect(() => toEmbedder(value as never)).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT" }));
  });
});

it("options that are no object are refused in words", () => {
  expect(() => new MiniLMEmbeddings(null as never)).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT" }));
  expect(() => new MiniLMEmbeddings("fast" as never)).toThrow(/options of MiniLMEmbeddings/);
});

it("a config that says what the adapter decides is refused, and not dropped", () => {
  const made = (config: object) => () => new EmbedlessVectorStore(new WordEmbeddings(), config);
  expect(made({ metric: "l2" })).toThrow(expect.objectContaining({ code: "METRIC_MISMATCH" }));
  expect(made({ embedder: {} })).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT" }));
  expect(made({ metric: "cosine" })).not.toThrow();
});
