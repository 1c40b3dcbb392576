import { appendFileSync } from "node:fs";
import path from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import type { Embedder } from "../../../src/api/embedder.js";
import { embedPassages, embedQuestion } from "../../../src/embed/guard.js";
import { minilmFolder } from "../../../src/embed/minilm/minilm.js";
import { type OnnxOptions, onnxEmbedder } from "../../../src/embed/onnx.js";
import { TINY_DIMS, TINY_WINDOW, tinyModel } from "../../support/tiny_model.js";

const opened: Embedder[] = [];
afterEach(async () => {
  for (const embedder of opened.splice(0)) await embedder.close?.();
});

async function open(options: Omit<OnnxOptions, "workers">): Promise<Embedder> {
  const embedder = await onnxEmbedder({ ...options, workers: 1 });
  opened.push(embedder);
  return embedder;
}

const norm = (v: Float32Array): number => Math.hypot(...v);
const cosine = (a: Float32Array, b: Float32Array): number =>
  a.reduce((sum, x, i) => sum + x * b[i]!, 0) / norm(a) / norm(b);

describe("onnxEmbedder", () => {
  it("embeds with a model from a folder, int8 close to float32", async () => {
    const [int8, fp32] = [
      await open({ folder: await tinyModel() }),
      await open({ folder: await tinyModel({}, "fp32") }),
    ];
    const texts = ["the cat sat on the mat", "a bird flew over the hill", "one two three"];
    const [a, b] = [await embedPassages(int8, texts), await embedPassages(fp32, texts)];
    for (const [i, vector] of a.entries()) {
      expect(vector).toHaveLength(TINY_DIMS);
      expect(norm(vector)).toBeCloseTo(1, 5);
      expect(cosine(vector, b[i]!)).toBeGreaterThan(0.99);
    }
    expect(cosine(a[0]!, a[1]!)).toBeLessThan(0.98);
    expect(int8.id).not.toBe(fp32.id);
  });

  it("pools, scales and prefixes as it is told", async () => {
    const folder = await tinyModel({}, "fp32");
    const text = "the cat sat";
    const raw = { folder, normalize: false };
    const [mean] = await embedPassages(await open(raw), [text]);
    const [first] = await embedPassages(await open({ ...raw, pooling: "cls" }), [text]);
    const [last] = await embedPassages(await open({ ...raw, pooling: "last" }), [text]);
    expect(Math.abs(norm(mean!) - 1)).toBeGreaterThan(0.01);
    expect(cosine(first!, last!)).toBeLessThan(0.98);
    const [unit] = await embedPassages(await open({ folder }), [text]);
    expect(cosine(mean!, unit!)).toBeGreaterThan(0.999999);
    const prefixed = await open({ folder, queryPrefix: "red ", passagePrefix: "blue " });
    const plain = await open({ folder });
    expect(await embedQuestion(prefixed, text)).toEqual(await embedQuestion(plain, `red ${text}`));
    expect(await embedPassages(prefixed, [text])).toEqual(await embedPassages(plain, [`blue ${text}`]));
    expect(new Set([prefixed.id, plain.id, ...opened.map(({ id }) => id)]).size).toBe(5);
  });

  it("cuts a text that is too long, keeps [SEP], and says so", async () => {
    const embedder = await open({ folder: await tinyModel() });
    expect(embedder.maxTokens).toBe(TINY_WINDOW - 2);
    const cut: number[][] = [];
    const text = (n: number) => "dog ".repeat(n) + "hill ".repeat(3);
    const fits = (n: number) => "dog ".repeat(n);
    const texts = [fits(21), fits(22), fits(23), text(22)];
    const vectors = await embedPassages(embedder, texts, { onTruncated: (i, tokens) => cut.push([i, tokens]) });
    expect(cut).toEqual([
      [2, 23],
      [3, 25],
    ]);
    expect(vectors[2]).toEqual(vectors[1]);
    expect(vectors[3]).toEqual(vectors[1]);
    expect(vectors[0]).not.toEqual(vectors[1]);
    expect(await embedder.countTokens!(text(22))).toBe(25);
  });

  it("takes a shorter window by option", async () => {
    const embedder = await open({ folder: await tinyModel(), maxTokens: 2 });
    const [a, b] = await embedPassages(embedder, ["red dog ran", "red dog flew"]);
    expect(embedder.maxTokens).toBe(2);
    expect(a).toEqual(b);
  });

  it("names what is missing or misspelt", async () => {
    await expect(onnxEmbedder({ folder: "/no/such/folder" })).rejects.toThrow(
      expect.objectContaining({ code: "NOT_FOUND", message: expect.stringContaining("/no/such/folder/config.json") }),
    );
    // @ts-expect-error a misspelt option
    await expect(onnxEmbedder({ folder: "x", poolling: "mean" })).rejects.toThrow(/Did you mean "pooling"/);
    await expect(onnxEmbedder({ folder: await tinyModel(), workers: 0 })).rejects.toThrow(RangeError);
  });

  it("refuses weights that changed since it was made", async () => {
    const folder = await tinyModel();
    const embedder = await open({ folder });
    appendFileSync(path.join(folder, "onnx/model_quantized.onnx"), "x");
    await expect(embedPassages(embedder, ["a"])).rejects.toThrow(expect.objectContaining({ code: "CORRUPT" }));
  });

  it("runs the bundled model's folder like any other", async () => {
    const embedder = await open({ folder: minilmFolder() });
    expect(embedder).toMatchObject({ dims: 384, maxTokens: 254, source: { kind: "onnx", folder: minilmFolder() } });
  });
});
