import { rmSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { readModelFolder } from "../../../src/embed/model_folder.js";
import { onnxEmbedder } from "../../../src/embed/onnx.js";
import { fakeEmbedder } from "../../support/fake_embedder.js";
import { items, openStore, temporaryFile } from "../../support/store.js";
import { TINY_DIMS, TINY_WINDOW, tinyModel } from "../../support/tiny_model.js";

const transformer = { idx: 0, path: "", type: "sentence_transformers.models.Transformer" };
const pooling = { idx: 1, path: "1_Pooling", type: "sentence_transformers.models.Pooling" };
const normalize = { idx: 2, path: "2_Normalize", type: "sentence_transformers.models.Normalize" };

describe("readModelFolder", () => {
  it("takes the mean, scaled to length 1, where nothing else is said", async () => {
    const folder = await tinyModel();
    expect(await readModelFolder(folder)).toEqual({
      folder,
      weights: path.join(folder, "onnx/model_quantized.onnx"),
      dims: TINY_DIMS,
      window: TINY_WINDOW,
      settings: { pooling: "mean", normalize: true },
    });
  });

  it("reads the files of sentence-transformers, and options before them", async () => {
    const folder = await tinyModel(
      {
        "modules.json": [transformer, pooling],
        "1_Pooling/config.json": {
          word_embedding_dimension: 32,
          pooling_mode_cls_token: true,
          pooling_mode_mean_tokens: false,
        },
        "sentence_bert_config.json": { max_seq_length: 12 },
        "config_sentence_transformers.json": { prompts: { query: "query: ", document: "passage: " } },
      },
      "fp32",
    );
    const model = await readModelFolder(folder);
    expect(model.weights).toBe(path.join(folder, "onnx/model.onnx"));
    expect(model.window).toBe(12);
    const settings = { pooling: "cls", normalize: false, queryPrefix: "query: ", passagePrefix: "passage: " };
    expect(model.settings).toEqual(settings);
    const chosen = await readModelFolder(folder, { pooling: "last", queryPrefix: "" });
    expect(chosen.settings).toEqual({ ...settings, pooling: "last", queryPrefix: "" });
  });

  it("scales where modules.json has a module for it", async () => {
    const folder = await tinyModel({ "modules.json": [transformer, pooling, normalize] });
    expect((await readModelFolder(folder)).settings.normalize).toBe(true);
  });

  it.each(["config.json", "tokenizer.json", "tokenizer_config.json", "onnx/model_quantized.onnx"])(
    "names the missing %s",
    async (name) => {
      const folder = await tinyModel();
      rmSync(path.join(folder, name));
      await expect(readModelFolder(folder)).rejects.toMatchObject({
        code: "NOT_FOUND",
        message: `Expected a sentence model, but there is no file ${path.join(folder, name)}.`,
      });
    },
  );

  it("refuses what it cannot run", async () => {
    const dense = { idx: 2, path: "2_Dense", type: "sentence_transformers.models.Dense" };
    await expect(readModelFolder(await tinyModel({ "modules.json": [transformer, pooling, dense] }))).rejects.toThrow(
      expect.objectContaining({ code: "INVALID_ARGUMENT", message: expect.stringContaining("models.Dense") }),
    );
    // A graph that ends with those layers is another matter.
    const whole = await tinyModel({ "modules.json": [transformer, pooling, dense] });
    const { settings } = await readModelFolder(whole, {}, { output: "sentence_embedding" });
    expect(settings.output).toBe("sentence_embedding");
    const most = await tinyModel({ "1_Pooling/config.json": { pooling_mode_max_tokens: true } });
    await expect(readModelFolder(most)).rejects.toThrow(/pooling_mode_max_tokens/);
    const broken = await tinyModel();
    writeFileSync(path.join(broken, "config.json"), "{");
    await expect(readModelFolder(broken)).rejects.toThrow(expect.objectContaining({ code: "CORRUPT" }));
  });

  it("opens no device, no pipe and no open store in a folder that anybody may have named", async () => {
    const file = await temporaryFile();
    const store = await openStore(file, { embedder: fakeEmbedder() });
    await store.add(items(3));
    for (const [name, target] of [
      ["config.json", "/dev/zero"],
      ["tokenizer_config.json", file],
      ["tokenizer.json", `${file}-shm`],
      ["onnx/model_quantized.onnx", file],
    ] as const) {
      const folder = await tinyModel();
      rmSync(path.join(folder, name));
      symlinkSync(target, path.join(folder, name));
      await expect(onnxEmbedder({ folder })).rejects.toThrow(
        expect.objectContaining({ code: "IO", message: expect.stringContaining(path.join(folder, name)) }),
      );
    }
  });
});
