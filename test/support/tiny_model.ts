import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";

export const TINY_DIMS = 32;
/** Positions of the tiny model, `[CLS]` and `[SEP]` included. */
export const TINY_WINDOW = 24;

/** Words that it knows, with ids from 4 on; 0 to 3 are `[PAD]`, `[UNK]`, `[CLS]`, `[SEP]`. */
const WORDS = "a the cat dog bird sat ran flew on over under mat tree hill red green blue one two three".split(" ");
const SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"];

const CONFIG = {
  model_type: "bert",
  hidden_size: TINY_DIMS,
  num_attention_heads: 4,
  num_hidden_layers: 2,
  intermediate_size: 64,
  max_position_embeddings: TINY_WINDOW,
  vocab_size: SPECIAL.length + WORDS.length,
  type_vocab_size: 2,
  layer_norm_eps: 1e-12,
};

type Precision = "int8" | "fp32";

/** How a tiny model differs from others. */
export interface TinyOptions {
  /** Name of its folder. Default: a random one. */
  name?: string;
  /** Length of its vectors, a multiple of 4. Default 32. */
  dims?: number;
  /** A special token in place of the last word. */
  endToken?: string;
}

/** A folder with the safetensors file of a BERT encoder of random weights, for the exporter. */
export function tinyWeights(seed = 7, { name, dims = TINY_DIMS }: TinyOptions = {}): string {
  const parent = mkdtempSync(path.join(tmpdir(), "embedless-tiny-"));
  const folder = name === undefined ? parent : path.join(parent, name);
  mkdirSync(folder, { recursive: true });
  const config = { ...CONFIG, hidden_size: dims };
  writeFileSync(path.join(folder, "config.json"), JSON.stringify(config));
  writeFileSync(path.join(folder, "model.safetensors"), safetensors(shapes(config), seed));
  return folder;
}

/** The exporter of the package, applied to such a folder. */
export async function exportTiny(folder: string, precision: Precision): Promise<Buffer> {
  const program = pathToFileURL(path.resolve("src/embed/minilm/export/export_bert.mjs")).href;
  const { exportBert } = (await import(program)) as { exportBert(folder: string, precision: Precision): Buffer };
  return exportBert(folder, precision);
}

/** The optimiser of the package, from file to file. */
export async function optimizeModel(from: string, to: string): Promise<void> {
  const program = pathToFileURL(path.resolve("src/embed/minilm/export/optimize.mjs")).href;
  const { optimize } = (await import(program)) as { optimize(from: string, to: string): Promise<void> };
  await optimize(from, to);
}

/** A sentence model's folder as `onnxEmbedder` wants it; `files` are added as JSON, by path. */
export async function tinyModel(
  files: Record<string, unknown> = {},
  precision: Precision = "int8",
  options: TinyOptions = {},
): Promise<string> {
  const folder = tinyWeights(7, options);
  const all = { "tokenizer.json": tokenizer(options), "tokenizer_config.json": TOKENIZER_CONFIG, ...files };
  for (const [name, content] of Object.entries(all)) {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    writeFileSync(path.join(folder, name), JSON.stringify(content));
  }
  mkdirSync(path.join(folder, "onnx"));
  const name = precision === "int8" ? "model_quantized.onnx" : "model.onnx";
  writeFileSync(path.join(folder, "onnx", name), await exportTiny(folder, precision));
  return folder;
}

const TOKENIZER_CONFIG = {
  tokenizer_class: "BertTokenizer",
  do_lower_case: true,
  unk_token: "[UNK]",
  sep_token: "[SEP]",
  pad_token: "[PAD]",
  cls_token: "[CLS]",
  model_max_length: TINY_WINDOW,
};

function tokenizer({ endToken }: TinyOptions): object {
  const words = endToken === undefined ? [...SPECIAL, ...WORDS] : [...SPECIAL, ...WORDS.slice(0, -1), endToken];
  const vocab = Object.fromEntries(words.map((word, id) => [word, id]));
  const added = [...SPECIAL, ...(endToken === undefined ? [] : [endToken])];
  const special = (token: string) => ({ SpecialToken: { id: token, type_id: 0 } });
  return {
    version: "1.0",
    added_tokens: added.map((content) => ({
      ...{
        id: vocab[content],
        content,
        special: true,
        single_word: false,
        lstrip: false,
        rstrip: false,
        normalized: false,
      },
    })),
    normalizer: { type: "BertNormalizer", clean_text: true, handle_chinese_chars: true, lowercase: true },
    pre_tokenizer: { type: "BertPreTokenizer" },
    post_processor: {
      type: "TemplateProcessing",
      single: [special("[CLS]"), { Sequence: { id: "A", type_id: 0 } }, special("[SEP]")],
      pair: [],
      special_tokens: {
        "[CLS]": { id: "[CLS]", ids: [2], tokens: ["[CLS]"] },
        "[SEP]": { id: "[SEP]", ids: [3], tokens: ["[SEP]"] },
      },
    },
    decoder: { type: "WordPiece", prefix: "##", cleanup: true },
    model: {
      type: "WordPiece",
      unk_token: "[UNK]",
      continuing_subword_prefix: "##",
      max_input_chars_per_word: 100,
      vocab,
    },
  };
}

function shapes({ hidden_size: h, intermediate_size: wide }: typeof CONFIG): [string, number[]][] {
  const norm = (name: string): [string, number[]][] => [
    [`${name}.weight`, [h]],
    [`${name}.bias`, [h]],
  ];
  const linear = (name: string, outs: number, ins: number): [string, number[]][] => [
    [`${name}.weight`, [outs, ins]],
    [`${name}.bias`, [outs]],
  ];
  const layer = (at: string) => [
    ...["query", "key", "value"].flatMap((part) => linear(`${at}attention.self.${part}`, h, h)),
    ...linear(`${at}attention.output.dense`, h, h),
    ...norm(`${at}attention.output.LayerNorm`),
    ...linear(`${at}intermediate.dense`, wide, h),
    ...linear(`${at}output.dense`, h, wide),
    ...norm(`${at}output.LayerNorm`),
  ];
  return [
    ["embeddings.word_embeddings.weight", [CONFIG.vocab_size, h]],
    ["embeddings.token_type_embeddings.weight", [CONFIG.type_vocab_size, h]],
    ["embeddings.position_embeddings.weight", [CONFIG.max_position_embeddings, h]],
    ...norm("embeddings.LayerNorm"),
    ...[0, 1].flatMap((i) => layer(`encoder.layer.${i}.`)),
  ];
}

/** Weights between -0.5 and 0.5 of a seeded linear congruential generator, around 1 where they scale a norm. */
function safetensors(tensors: [string, number[]][], seed: number): Buffer {
  let state = seed;
  const next = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return (state >>> 0) / 2 ** 32 - 0.5;
  };
  const header: Record<string, object> = {};
  const parts: Buffer[] = [];
  let at = 0;
  for (const [name, shape] of tensors) {
    const middle = name.endsWith("LayerNorm.weight") ? 1 : 0;
    const data = Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => middle + next());
    header[name] = { dtype: "F32", shape, data_offsets: [at, at + data.byteLength] };
    at += data.byteLength;
    parts.push(Buffer.from(data.buffer));
  }
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([length, json, ...parts]);
}
