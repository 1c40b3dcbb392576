import { describe, expect, it } from "vitest";
import type { Embedder, EmbedderSource } from "../../../src/api/embedder.js";
import { httpEmbedder } from "../../../src/embed/http.js";
import { minilm } from "../../../src/embed/minilm/minilm.js";
import { onnxEmbedder } from "../../../src/embed/onnx.js";
import { embedderFromSource, remoteAddressOf } from "../../../src/embed/source.js";
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

  it.each([
    [null],
    ["minilm"],
    [{ kind: "__proto__" }],
    [{ kind: "minilm", workers: 1000 }],
    [{ kind: "http", ...http, headers: { host: "other" } }],
    [{ kind: "http", ...http, apiKey: "x" }],
    [{ kind: "transformers", model: "a/b", cacheDir: "/somewhere" }],
  ])("lets a file decide nothing but the model: %j", async (source) => {
    const hostile = source as unknown as EmbedderSource;
    const refusal = expect.objectContaining({ code: "FORMAT_VERSION" });
    await expect(embedderFromSource(hostile)).rejects.toThrow(refusal);
    expect(() => remoteAddressOf(hostile)).toThrow(refusal);
  });
});

describe("remoteAddressOf", () => {
  const server = (url: unknown) => remoteAddressOf({ kind: "http", url, model: "m" } as EmbedderSource);

  it.each([
    "http://127.0.0.1:11434/v1",
    "http://LOCALHOST/v1",
    "https://[::1]:8/",
    "http://0x7f.1/v1",
    "http://127.9.8.7",
  ])("counts %s as this machine", (url) => expect(server(url)).toBeUndefined());

  it.each([
    "http://192.0.2.1/v1",
    "http://0.0.0.0/v1",
    "http://localhost.example/v1",
    "http://127.0.0.1.example/v1",
    "http://127.0.0.1@192.0.2.1/",
    "http://[::ffff:127.0.0.1]/",
    "no address",
    7,
    undefined,
  ])("does not count %s", (url) => expect(typeof server(url)).toBe("string"));

  it("names a hub of another host, and a folder of another machine", () => {
    expect(remoteAddressOf({ kind: "transformers", model: "a/b" })).toBeUndefined();
    expect(remoteAddressOf({ kind: "transformers", model: "a/b", host: "https://huggingface.co/" })).toBeUndefined();
    expect(remoteAddressOf({ kind: "transformers", model: "a/b", host: "http://hub/" })).toBe("http://hub/");
    expect(remoteAddressOf({ kind: "onnx", folder: "/models/a" })).toBeUndefined();
    expect(remoteAddressOf({ kind: "onnx", folder: "\\\\host\\share" })).toBe("\\\\host\\share");
    expect(remoteAddressOf({ kind: "minilm" })).toBeUndefined();
  });
});
