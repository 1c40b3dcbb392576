import { describe, expect, it } from "vitest";
import type { Embedder, EmbedderSource } from "../../../src/embed/embedder.js";
import { httpEmbedder } from "../../../src/embed/http.js";
import { minilm } from "../../../src/embed/minilm/minilm.js";
import { onnxEmbedder } from "../../../src/embed/onnx.js";
import { embedderFromSource } from "../../../src/embed/source.js";
import { transformersEmbedder } from "../../../src/embed/transformers.js";
import { tinyModel } from "../../support/tiny_model.js";

const http = { url: "http://h/v1", model: "m" };
const makers: [string, () => Embedder | Promise<Embedder>][] = [
  ["minilm", () => minilm()],
  ["onnx", async () => onnxEmbedder({ folder: await tinyModel(), pooling: "cls", queryPrefix: "q: ", maxTokens: 7 })],
  [
    "transformers",
    () => transformersEmbedder({ model: "a/b", dtype: "fp32", revision: "v1", host: "http://h", normalize: false }),
  ],
  ["http", () => httpEmbedder({ ...http, dimensions: 8, batch: 5, queryPrefix: "q: ", passagePrefix: "p: " })],
  ["http, plain", () => httpEmbedder(http)],
];

describe("embedderFromSource", () => {
  it.each(makers)("makes %s again from plain JSON", async (_, make) => {
    const embedder = await make();
    const stored = JSON.parse(JSON.stringify(embedder.source)) as EmbedderSource;
    const again = await embedderFromSource(stored);
    expect(again.id).toBe(embedder.id);
    expect(again.source).toEqual(embedder.source);
    expect([again.batch, again.maxTokens, again.dims]).toEqual([embedder.batch, embedder.maxTokens, embedder.dims]);
  });

  it("refuses what it does not know", async () => {
    const future = { kind: "telepathy" } as unknown as EmbedderSource;
    await expect(embedderFromSource(future)).rejects.toThrow(expect.objectContaining({ code: "FORMAT_VERSION" }));
    await expect(embedderFromSource({ kind: "onnx", folder: "/gone" })).rejects.toThrow(
      expect.objectContaining({ code: "NOT_FOUND" }),
    );
  });
});
