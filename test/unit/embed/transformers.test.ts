import { cpSync, mkdirSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import type { Embedder } from "../../../src/api/embedder.js";
import { embedPassages, embedQuestion } from "../../../src/embed/guard.js";
import { minilm, minilmFolder } from "../../../src/embed/minilm/minilm.js";
import type { onnxEmbedder } from "../../../src/embed/onnx.js";
import { type TransformersOptions, transformersEmbedder } from "../../../src/embed/transformers.js";
import { type HubServer, hubServer } from "../../support/hub_server.js";
import { TINY_WINDOW, tinyModel } from "../../support/tiny_model.js";

// Each process loads a whole library and a model, which takes long on a busy machine.
vi.setConfig({ testTimeout: 120_000 });

const opened: Embedder[] = [];
let hub: HubServer;

beforeAll(async () => {
  const tiny = await tinyModel({
    "modules.json": [
      { type: "sentence_transformers.models.Transformer" },
      { type: "sentence_transformers.models.Pooling" },
    ],
    "1_Pooling/config.json": { pooling_mode_cls_token: true },
    "config_sentence_transformers.json": { prompts: { query: "red " } },
  });
  hub = await hubServer({ "some/minilm": minilmFolder(), "some/tiny": tiny });
});
afterAll(() => hub.close());
afterEach(async () => {
  for (const embedder of opened.splice(0)) await embedder.close?.();
});

const emptyCache = (): string => mkdtempSync(path.join(tmpdir(), "embedless-cache-"));

function open(options: Partial<TransformersOptions> & { model: string }): Embedder {
  const embedder = transformersEmbedder({ host: hub.host, cacheDir: emptyCache(), workers: 1, ...options });
  opened.push(embedder);
  return embedder;
}

const cosine = (a: Float32Array, b: Float32Array): number => {
  const dot = (x: Float32Array, y: Float32Array) => x.reduce((sum, v, i) => sum + v * y[i]!, 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
};

describe("transformersEmbedder", () => {
  it("gives the vectors of the bundled model, served as a hub would", async () => {
    const [fetched, bundled] = [open({ model: "some/minilm", workers: 2 }), minilm({ workers: 1 })];
    opened.push(bundled);
    const texts = ["The cat sat on the mat.", "fetch(url).then((r) => r.json())", "Ein Satz auf Deutsch, 42.", "a"];
    const cut: number[] = [];
    const long = "bridge ".repeat(300);
    const onTruncated = (_: number, tokens: number) => cut.push(tokens);
    const [a, b] = [
      await embedPassages(fetched, [...texts, long], { onTruncated }),
      await embedPassages(bundled, [...texts, long]),
    ];
    for (const [i, vector] of a.entries()) expect(cosine(vector, b[i]!)).toBeGreaterThan(0.999);
    expect(cut).toEqual([300]);
    expect(fetched.dims).toBe(384);
    expect(fetched.id).toBe("transformers:some/minilm@main:q8");
  });

  it("pools, scales and prefixes as the model's files say, keeping [SEP] when it cuts", async () => {
    const embedder = open({ model: "some/tiny" });
    const [text, prefixed] = await embedPassages(embedder, ["dog ran", "red dog ran"]);
    expect(await embedQuestion(embedder, "dog ran")).toEqual(prefixed);
    expect(Math.abs(Math.hypot(...text!) - 1)).toBeGreaterThan(0.01);
    const mean = open({ model: "some/tiny", pooling: "mean" });
    const [other] = await embedPassages(mean, ["dog ran"]);
    expect(cosine(text!, other!)).toBeLessThan(0.99);
    const [fits, long] = await embedPassages(mean, ["dog ".repeat(TINY_WINDOW - 2), "dog ".repeat(TINY_WINDOW + 9)]);
    expect(long).toEqual(fits);
  });

  it("asks the hub once, then works from the cache without it", async () => {
    const own = await hubServer({ "some/tiny": await tinyModel() });
    const cacheDir = emptyCache();
    const first = open({ model: "some/tiny", host: own.host, cacheDir });
    const [vector] = await embedPassages(first, ["dog ran"]);
    expect(own.requests).toContain("/some/tiny/resolve/main/onnx/model_quantized.onnx");
    await first.close!();
    await own.close();
    const again = open({ model: "some/tiny", host: own.host, cacheDir });
    expect(await embedPassages(again, ["dog ran"])).toEqual([vector]);
  });

  it("says in a sentence that the hub has no such model", async () => {
    await expect(embedPassages(open({ model: "some/other" }), ["a"])).rejects.toMatchObject({
      code: "NOT_FOUND",
      message: expect.stringMatching(/^The hub http:\/\/127\.0\.0\.1:\d+\/ does not have the model some\/other /),
    });
    await expect(embedPassages(open({ model: "some/tiny", dtype: "fp16" }), ["a"])).rejects.toThrow(
      expect.objectContaining({ code: "NOT_FOUND", message: expect.stringContaining("dtype fp16") }),
    );
  });

  it("says in a sentence that the hub cannot be reached", async () => {
    const cacheDir = emptyCache();
    await expect(
      embedPassages(open({ model: "some/tiny", host: "http://127.0.0.1:1/", cacheDir }), ["a"]),
    ).rejects.toMatchObject({
      code: "EMBEDDER_FAILED",
      message: `Cannot reach the hub http://127.0.0.1:1/, and ${cacheDir} does not hold the model some/tiny (revision main, dtype q8).`,
    });
  });

  it("contacts nobody before the first text", async () => {
    const own = await hubServer({});
    open({ model: "some/tiny", host: own.host });
    expect(own.requests).toEqual([]);
    await own.close();
  });

  it.each(["", "../etc", "a/b/c", "https://x/y"])("refuses %o as the name of a model", (model) => {
    expect(() => transformersEmbedder({ model })).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT" }));
  });
});

describe("a package without its optional parts", () => {
  it("names the one to install", async () => {
    const root = mkdtempSync(path.join(tmpdir(), "embedless-bare-"));
    cpSync("dist/src", path.join(root, "dist/src"), { recursive: true });
    writeFileSync(path.join(root, "package.json"), readFileSync("package.json"));
    mkdirSync(path.join(root, "node_modules/@huggingface"), { recursive: true });
    const tokenizers = "node_modules/@huggingface/tokenizers";
    symlinkSync(path.resolve(tokenizers), path.join(root, tokenizers));
    const load = async (file: string) => import(pathToFileURL(path.join(root, "dist/src/embed", file)).href);
    const transformers = (await load("transformers.js")) as { transformersEmbedder: typeof transformersEmbedder };
    const onnx = (await load("onnx.js")) as { onnxEmbedder: typeof onnxEmbedder };
    const local = await onnx.onnxEmbedder({ folder: await tinyModel() });
    await expect(local.embedQuery("a")).rejects.toMatchObject({
      code: "NOT_FOUND",
      message: expect.stringMatching(/is not installed: npm install --ignore-scripts onnxruntime-node$/),
    });
    const fetched = transformers.transformersEmbedder({ model: "some/tiny", cacheDir: emptyCache() });
    await expect(fetched.embedQuery("a")).rejects.toMatchObject({
      code: "NOT_FOUND",
      message: expect.stringMatching(/is not installed: npm install @huggingface\/transformers$/),
    });
  });
});
