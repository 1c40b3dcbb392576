import { readFileSync, renameSync } from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Embedder, EmbedderSource } from "../../../src/api/embedder.js";
import { embedPassages, embedQuestion } from "../../../src/embed/guard.js";
import { type OnnxOptions, onnxEmbedder } from "../../../src/embed/onnx.js";
import { embedderFromSource } from "../../../src/embed/source.js";
import { TextTokenizer } from "../../../src/embed/tokenizer.js";
import { transformersEmbedder } from "../../../src/embed/transformers.js";
import { hubServer } from "../../support/hub_server.js";
import { temporaryFile } from "../../support/store.js";
import { type TinyOptions, tinyModel } from "../../support/tiny_model.js";

// Processes load a library and a model each.
vi.setConfig({ testTimeout: 120_000 });

const opened: Embedder[] = [];
const warnings: string[] = [];
const listen = (warning: Error & { code?: string }) => {
  if (warning.code === "EMBEDLESS_ASSUMED") warnings.push(warning.message);
};
beforeEach(() => {
  warnings.length = 0;
  process.on("warning", listen);
});
afterEach(async () => {
  process.off("warning", listen);
  for (const embedder of opened.splice(0)) await embedder.close?.();
});
const nextTick = () => new Promise((done) => setImmediate(done));

const keep = <T extends Embedder>(embedder: T): T => {
  opened.push(embedder);
  return embedder;
};
const open = async (options: OnnxOptions) => keep(await onnxEmbedder({ workers: 1, ...options }));
const named = (options: TinyOptions, files: Record<string, unknown> = {}) => tinyModel(files, "fp32", options);
const BGE = { name: "bge-small-en-v1.5", dims: 384 };

/** Vectors of a passage and of the same as a question. */
async function both(embedder: Embedder, text = "the cat sat"): Promise<Float32Array[]> {
  return [...(await embedPassages(embedder, [text])), await embedQuestion(embedder, text)];
}

describe("a folder with the name of a well-known model", () => {
  it("is run as the table says where its files are silent, and says nothing", async () => {
    const folder = await named(BGE);
    const plain = { folder, pooling: "cls", queryPrefix: "Represent this sentence for searching relevant passages: " };
    const told = await open({ ...(plain as OnnxOptions), passagePrefix: "" });
    const found = await open({ folder });
    expect(await both(found)).toEqual(await both(told));
    expect(found.id).toBe(told.id);
    const mean = await open({ folder, pooling: "mean", queryPrefix: "" });
    expect((await both(mean))[0]).not.toEqual((await both(found))[0]);
    await nextTick();
    expect(warnings).toEqual([]);
  });

  it("has what its own files say, before the table", async () => {
    const e5 = { name: "e5-small-v2", dims: 384 };
    const folder = await named(e5, {
      "1_Pooling/config.json": { pooling_mode_cls_token: true },
      "config_sentence_transformers.json": { prompts: { query: "red " } },
    });
    const found = await open({ folder });
    const told = await open({ folder, pooling: "cls", queryPrefix: "red ", passagePrefix: "passage: " });
    expect(await both(found)).toEqual(await both(told));
  });

  it("is found by the name in config.json too", async () => {
    const folder = await named({ dims: 384 });
    const config = JSON.parse(readFileSync(path.join(folder, "config.json"), "utf8")) as object;
    const other = await named({ dims: 384 }, { "config.json": { ...config, _name_or_path: "BAAI/bge-small-en-v1.5" } });
    expect((await open({ folder: other })).source).toMatchObject({ assumed: { pooling: "cls", dims: 384 } });
    expect((await open({ folder })).source).not.toHaveProperty("assumed");
  });

  it("is another model if its vectors have another length, which gets the usual warning", async () => {
    const folder = await named({ name: "bge-small-en-v1.5", dims: 32 });
    const found = await open({ folder });
    expect(found.source).not.toHaveProperty("assumed");
    await open({ folder });
    await open({ folder, pooling: "mean" });
    await nextTick();
    expect(warnings).toEqual([
      expect.stringMatching(/^Neither the files of the model .* Assumed are the mean of the tokens and no prefixes\./),
    ]);
  });

  it("stays what a store took it for, wherever its folder goes", async () => {
    const folder = await named(BGE);
    const found = await open({ folder });
    const vectors = await both(found);
    const source = JSON.parse(JSON.stringify(found.source)) as Extract<EmbedderSource, { kind: "onnx" }>;
    const moved = path.join(path.dirname(folder), "elsewhere");
    renameSync(folder, moved);
    const again = keep(await embedderFromSource({ ...source, folder: moved }));
    expect([again.id, await both(again)]).toEqual([found.id, vectors]);
    // A store of before the table has no such settings, and its model is run as it was.
    const { assumed, ...before } = source;
    renameSync(moved, folder);
    const old = keep(await embedderFromSource(before));
    const mean = await open({ folder, pooling: "mean", queryPrefix: "" });
    expect(await both(old)).toEqual(await both(mean));
    await nextTick();
    expect(warnings).toEqual([]);
  });

  it.each([
    [{ ...BGE, name: "jina-embeddings-v3", dims: 1024 }, /adapter for each task/],
    [{ name: "embeddinggemma-300m", dims: 768 }, /layers after the pooling are not in its graph/],
    [{ name: "Qwen3-Embedding-0.6B", dims: 1024 }, /must end with <\|endoftext\|>, which its tokenizer does not know/],
  ])("is refused if it would give wrong vectors: %j", async (options, message) => {
    const folder = await named(options);
    const first = async () => embedPassages(await open({ folder }), ["a"]);
    await expect(first()).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      message: expect.stringMatching(message),
    });
  });

  it("of the kind of Qwen3 ends each text with its token, whose vector it takes", async () => {
    const folder = await named({ name: "Qwen3-Embedding-0.6B", dims: 1024, endToken: "<|endoftext|>" });
    const found = await open({ folder, queryPrefix: "" });
    const told = await named({ dims: 1024, endToken: "<|endoftext|>" });
    const bare = await open({ folder: told, pooling: "last" });
    // The tiny tokenizer closes with [SEP] by itself, and the token comes behind it.
    expect(await both(found)).not.toEqual(await both(bare));
    expect(found.maxTokens).toBe(bare.maxTokens! - 1);
  });

  it.each([
    [{ assumed: { pooling: "max" } }],
    [{ assumed: { workers: 100 } }],
    [{ assumed: "config" }],
    [{ assumed: null }],
    [{ assumed: { window: -1 } }],
  ])("in a store file that says nonsense of it is refused: %j", async (wrong) => {
    const source = { kind: "onnx", folder: await named({}), ...wrong } as unknown as EmbedderSource;
    await expect(embedderFromSource(source)).rejects.toMatchObject({ code: "FORMAT_VERSION" });
  });
});

describe("a model of a hub", () => {
  it("is run as the table says, by its name or that in its config.json, and is made again the same", async () => {
    const folder = await named({ dims: 384 });
    const config = JSON.parse(readFileSync(path.join(folder, "config.json"), "utf8")) as object;
    const renamed = await named(
      { dims: 384 },
      { "config.json": { ...config, _name_or_path: "BAAI/bge-small-en-v1.5" } },
    );
    const hub = await hubServer({ "Xenova/bge-small-en-v1.5": folder, "me/mine": renamed, "me/other": folder });
    const cacheDir = await temporaryFile("cache");
    const make = (model: string, more = {}) =>
      keep(transformersEmbedder({ model, host: hub.host, cacheDir, dtype: "fp32", workers: 1, ...more }));
    try {
      const told = await open({
        folder,
        pooling: "cls",
        queryPrefix: "Represent this sentence for searching relevant passages: ",
      });
      const expected = await both(told);
      const near = (vectors: Float32Array[]) =>
        vectors.map((vector, i) => vector.reduce((sum, x, at) => sum + x * expected[i]![at]!, 0));
      for (const model of ["Xenova/bge-small-en-v1.5", "me/mine"]) {
        const found = make(model);
        expect(Math.min(...near(await both(found)))).toBeGreaterThan(0.999);
        const source = JSON.parse(JSON.stringify(found.source)) as EmbedderSource;
        const again = keep(await embedderFromSource(source));
        expect([again.id, again.source]).toEqual([found.id, found.source]);
      }
      await nextTick();
      expect(warnings).toEqual([]);
      const other = make("me/other");
      expect(Math.min(...near(await both(other)))).toBeLessThan(0.99);
      await nextTick();
      expect(warnings).toEqual([expect.stringContaining("the model me/other nor a table")]);
      expect(make("Xenova/bge-small-en-v1.5").id).not.toBe(make("Xenova/bge-small-en-v1.5", { pooling: "mean" }).id);
    } finally {
      await hub.close();
    }
  });

  it("is refused if it cannot be run", () => {
    expect(() => transformersEmbedder({ model: "jinaai/jina-embeddings-v3" })).toThrow(
      expect.objectContaining({ code: "INVALID_ARGUMENT" }),
    );
  });

  it("is another model if its vectors have another length, which gets the usual warning unless the caller knows", async () => {
    const folder = await named({});
    const hub = await hubServer({ "me/bge-small-en-v1.5": folder, "you/bge-small-en-v1.5": folder });
    const cacheDir = await temporaryFile("cache");
    const make = (options: { model: string; pooling?: "mean" }) =>
      keep(transformersEmbedder({ host: hub.host, cacheDir, dtype: "fp32", workers: 1, ...options }));
    try {
      const mean = await open({ folder, pooling: "mean" });
      const [, expected] = await both(mean);
      const near = ([, vector]: Float32Array[]) => vector!.reduce((sum, x, i) => sum + x * expected![i]!, 0);
      expect(near(await both(make({ model: "me/bge-small-en-v1.5", pooling: "mean" })))).toBeGreaterThan(0.999);
      await nextTick();
      expect(warnings).toEqual([]);
      expect(near(await both(make({ model: "you/bge-small-en-v1.5" })))).toBeGreaterThan(0.999);
      await nextTick();
      expect(warnings).toEqual([expect.stringContaining("you/bge-small-en-v1.5")]);
    } finally {
      await hub.close();
    }
  });
});

describe("TextTokenizer with a token that ends every text", () => {
  const ids: Record<string, number> = { a: 1, b: 2, "</s>": 9 };
  const encode = (closed: boolean) => (text: string, special: boolean) => [
    ...text.split(" ").flatMap((word) => ids[word] ?? []),
    ...(special && closed ? [9] : []),
  ];

  it("adds it once, also behind a text that is cut", () => {
    for (const closed of [true, false]) {
      const tokenizer = new TextTokenizer(encode(closed), 4, undefined, "</s>");
      expect(tokenizer.maxTokens).toBe(3);
      expect(tokenizer.encode("a b").ids).toEqual([1, 2, 9]);
      expect(tokenizer.encode("a b a b a").ids).toEqual([1, 2, 1, 9]);
    }
  });
});
