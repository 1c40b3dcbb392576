import { BaseEmbedding, MetadataMode, TextNode } from "llamaindex";
import { describe, expect, it } from "vitest";
import { toEmbedder as fromLangChain } from "../../../../integrations/langchain/index.js";
import { EmbedlessEmbedding, MiniLMEmbedding, toEmbedder } from "../../../../integrations/llamaindex/index.js";
import { minilm } from "../../../../src/index.js";
import { fakeEmbedder } from "../../../support/fake_embedder.js";
import { WordEmbedding } from "../../../support/llamaindex_embedding.js";

describe("EmbedlessEmbedding", () => {
  it("gives a core embedder's vectors as plain arrays", async () => {
    const embedder = fakeEmbedder({ dims: 8 });
    const embedding = new EmbedlessEmbedding(embedder);
    expect(embedding).toBeInstanceOf(BaseEmbedding);
    const expected = (await embedder.embedDocuments(["a hen", "an owl"])).map((vector) => Array.from(vector));
    expect(await embedding.getTextEmbeddings(["a hen", "an owl"])).toEqual(expected);
    expect(await embedding.getTextEmbeddingsBatch(["a hen", "an owl"])).toEqual(expected);
    expect(await embedding.getTextEmbedding("a hen")).toEqual(expected[0]);
    expect(await embedding.getQueryEmbedding({ type: "text", text: "an owl" })).toEqual(expected[1]);
    expect(Array.isArray((await embedding.getTextEmbeddings(["a hen"]))[0])).toBe(true);
  });

  it("embeds passages as passages and questions as questions", async () => {
    const embedder = fakeEmbedder();
    const embedding = new EmbedlessEmbedding(embedder);
    await embedding.getTextEmbedding("a hen");
    await embedding.getTextEmbeddings(["a hen", "an owl"]);
    expect([embedder.documents, embedder.queries]).toEqual([3, 0]);
    await embedding.getQueryEmbedding({ type: "text", text: "an owl" });
    expect([embedder.documents, embedder.queries]).toEqual([3, 1]);
  });

  it("has no vector for a question that is no text, or empty", async () => {
    const embedder = fakeEmbedder();
    const embedding = new EmbedlessEmbedding(embedder);
    const image = { type: "image_url", image_url: { url: "file:///owl.png" } } as const;
    expect(await embedding.getQueryEmbedding(image)).toBeNull();
    expect(await embedding.getQueryEmbedding({ type: "text", text: "" })).toBeNull();
    expect(await embedding.getTextEmbeddings([])).toEqual([]);
    expect(embedder.calls).toBe(0);
  });

  it.each([
    [{ concurrency: 6, batch: 3 }, 6],
    [{ batch: 3 }, 3],
    [{}, 64],
  ])("%o makes calls of %i texts", async (options, size) => {
    const embedder = fakeEmbedder(options);
    const embedding = new EmbedlessEmbedding(embedder);
    expect(embedding.embedBatchSize).toBe(size);
    for (const [texts, calls] of [
      [size - 1, 1],
      [size, 1],
      [size + 1, 2],
    ] as const) {
      embedder.calls = 0;
      const vectors = await embedding.getTextEmbeddingsBatch(Array.from({ length: texts }, (_, i) => `hen ${i}`));
      expect([vectors.length, embedder.calls]).toEqual([texts, calls]);
    }
    expect(new EmbedlessEmbedding(embedder, { embedBatchSize: 5 }).embedBatchSize).toBe(5);
  });

  it("is a transformation that fills in the embeddings of nodes", async () => {
    const embedder = fakeEmbedder({ dims: 8 });
    const node = new TextNode({ text: "lays eggs", metadata: { animal: "hen" } });
    await new EmbedlessEmbedding(embedder)([node]);
    expect(embedder.texts).toEqual(["animal: hen\n\nlays eggs"]);
    const [vector] = await embedder.embedDocuments([node.getContent(MetadataMode.EMBED)]);
    expect(node.embedding).toEqual(Array.from(vector!));
  });

  it("says so when an embedder answers nothing, and closes it", async () => {
    let closed = 0;
    const embedder = { ...fakeEmbedder(), embedDocuments: async () => [], close: async () => void closed++ };
    const embedding = new EmbedlessEmbedding(embedder);
    await expect(embedding.getTextEmbedding("a hen")).rejects.toMatchObject({ code: "EMBEDDER_OUTPUT" });
    await embedding.close();
    expect(closed).toBe(1);
  });
});

describe("toEmbedder", () => {
  it("takes our own embedder out again, LangChain's bridge does the same", () => {
    const embedder = fakeEmbedder();
    expect(toEmbedder(new EmbedlessEmbedding(embedder))).toBe(embedder);
    expect(fromLangChain(new EmbedlessEmbedding(embedder) as never)).toBe(embedder);
    expect(toEmbedder(new MiniLMEmbedding({ workers: 1 })).id).toBe(minilm().id);
  });

  it("names foreign embeddings by class and model", () => {
    expect(toEmbedder(new WordEmbedding("words-2")).id).toBe("WordEmbedding:words-2");
    const named = (fields: object) => toEmbedder(Object.assign(new WordEmbedding(""), fields)).id;
    expect(named({})).toBe("WordEmbedding");
    expect(named({ modelType: "m" })).toBe("WordEmbedding:m");
    expect(named({ model: "a", modelType: "b" })).toBe("WordEmbedding:a");
  });

  it("asks for passages in batches and for questions as such", async () => {
    const foreign = new WordEmbedding();
    foreign.embedBatchSize = 2;
    const batches: number[] = [];
    foreign.getTextEmbeddings = async (texts) => {
      batches.push(texts.length);
      return (await foreign.fake.embedDocuments(texts)).map((vector) => Array.from(vector));
    };
    const embedder = toEmbedder(foreign);
    expect(embedder.dims).toBeUndefined();
    expect(await embedder.embedDocuments(["a", "b", "c"])).toHaveLength(3);
    expect(batches).toEqual([2, 1]);
    expect([embedder.dims, foreign.fake.queries]).toEqual([256, 0]);
    expect((await embedder.embedQuery("a hen")).length).toBe(256);
    expect(foreign.fake.queries).toBe(1);
  });

  it("refuses a model without an answer to a question", async () => {
    const foreign = Object.assign(new WordEmbedding(), { getQueryEmbedding: async () => null });
    await expect(toEmbedder(foreign).embedQuery("a hen")).rejects.toMatchObject({ code: "EMBEDDER_OUTPUT" });
  });

  it.each([undefined, null, {}, { getTextEmbedding: async () => [] }, "MiniLM"])("refuses %o", (value) => {
    expect(() => toEmbedder(value as never)).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT" }));
  });
});
