import type { AssumedSettings, ModelSettings } from "../api/embedder.js";
import { warnOnce } from "../base/errors.js";
import { dimsOf, unsupported } from "./model_folder.js";

/** Models that are used in the same way. */
interface Family {
  /** The model card that says so, of one of them. */
  readonly card: string;
  readonly settings: Required<Pick<ModelSettings, "pooling" | "normalize">> & ModelSettings;
  readonly output?: AssumedSettings["output"];
  readonly endToken?: string;
  /** Why they cannot be run here, as the end of a sentence. */
  readonly refusal?: string;
  /**
   * By name, in lower case and without the owner: length of the vectors, and number of positions, special tokens
   * included.
   */
  readonly models: Readonly<Record<string, readonly [dims: number, window: number]>>;
}

const MEAN = { pooling: "mean", normalize: true } as const;
const CLS = { pooling: "cls", normalize: true } as const;
const BGE_EN = { ...CLS, queryPrefix: "Represent this sentence for searching relevant passages: " };
const E5 = { ...MEAN, queryPrefix: "query: ", passagePrefix: "passage: " };
const NOMIC = { ...MEAN, queryPrefix: "search_query: ", passagePrefix: "search_document: " };
const WEB_SEARCH = "Instruct: Given a web search query, retrieve relevant passages that answer the query\nQuery:";

/**
 * How well-known models must be run. Conversions to ONNX mostly lack the files that say it, and a model with the wrong
 * pooling or without its prefixes finds less without any error. An entry is never changed once stores were made with
 * it.
 */
const FAMILIES: readonly Family[] = [
  {
    card: "https://huggingface.co/BAAI/bge-small-en-v1.5",
    settings: BGE_EN,
    models: {
      "bge-small-en": [384, 512],
      "bge-base-en": [768, 512],
      "bge-large-en": [1024, 512],
      "bge-small-en-v1.5": [384, 512],
      "bge-base-en-v1.5": [768, 512],
      "bge-large-en-v1.5": [1024, 512],
    },
  },
  {
    card: "https://huggingface.co/BAAI/bge-small-zh-v1.5",
    settings: { ...CLS, queryPrefix: "为这个句子生成表示以用于检索相关文章：" },
    models: { "bge-small-zh-v1.5": [512, 512], "bge-base-zh-v1.5": [768, 512], "bge-large-zh-v1.5": [1024, 512] },
  },
  { card: "https://huggingface.co/BAAI/bge-m3", settings: CLS, models: { "bge-m3": [1024, 8192] } },
  {
    card: "https://huggingface.co/intfloat/e5-small-v2",
    settings: E5,
    models: {
      "e5-small": [384, 512],
      "e5-base": [768, 512],
      "e5-large": [1024, 512],
      "e5-small-v2": [384, 512],
      "e5-base-v2": [768, 512],
      "e5-large-v2": [1024, 512],
      "multilingual-e5-small": [384, 512],
      "multilingual-e5-base": [768, 512],
      "multilingual-e5-large": [1024, 512],
    },
  },
  {
    card: "https://huggingface.co/intfloat/multilingual-e5-large-instruct",
    settings: { ...MEAN, queryPrefix: `${WEB_SEARCH} ` },
    models: { "multilingual-e5-large-instruct": [1024, 512] },
  },
  {
    card: "https://huggingface.co/thenlper/gte-small",
    settings: MEAN,
    models: { "gte-small": [384, 512], "gte-base": [768, 512], "gte-large": [1024, 512] },
  },
  {
    card: "https://huggingface.co/Alibaba-NLP/gte-modernbert-base",
    settings: CLS,
    models: {
      "gte-base-en-v1.5": [768, 8192],
      "gte-large-en-v1.5": [1024, 8192],
      "gte-multilingual-base": [768, 8192],
      "gte-modernbert-base": [768, 8192],
    },
  },
  {
    card: "https://huggingface.co/nomic-ai/nomic-embed-text-v1.5",
    settings: NOMIC,
    models: {
      "nomic-embed-text-v1": [768, 8192],
      "nomic-embed-text-v1.5": [768, 8192],
      "nomic-embed-text-v2-moe": [768, 512],
      "modernbert-embed-base": [768, 8192],
    },
  },
  {
    card: "https://huggingface.co/Snowflake/snowflake-arctic-embed-m-v1.5",
    settings: BGE_EN,
    models: {
      "snowflake-arctic-embed-xs": [384, 512],
      "snowflake-arctic-embed-s": [384, 512],
      "snowflake-arctic-embed-m": [768, 512],
      "snowflake-arctic-embed-m-v1.5": [768, 512],
      "snowflake-arctic-embed-m-long": [768, 2048],
      "snowflake-arctic-embed-l": [1024, 512],
    },
  },
  {
    card: "https://huggingface.co/Snowflake/snowflake-arctic-embed-l-v2.0",
    settings: { ...CLS, queryPrefix: "query: " },
    models: { "snowflake-arctic-embed-m-v2.0": [768, 8192], "snowflake-arctic-embed-l-v2.0": [1024, 8192] },
  },
  {
    card: "https://huggingface.co/mixedbread-ai/mxbai-embed-large-v1",
    settings: BGE_EN,
    models: { "mxbai-embed-large-v1": [1024, 512] },
  },
  {
    card: "https://huggingface.co/jinaai/jina-embeddings-v2-base-en",
    settings: MEAN,
    models: {
      "jina-embeddings-v2-small-en": [512, 8192],
      "jina-embeddings-v2-base-en": [768, 8192],
      "jina-embeddings-v2-base-de": [768, 8192],
      "jina-embeddings-v2-base-es": [768, 8192],
      "jina-embeddings-v2-base-zh": [768, 8192],
      "jina-embeddings-v2-base-code": [768, 8192],
    },
  },
  {
    card: "https://huggingface.co/jinaai/jina-embeddings-v3",
    settings: MEAN,
    refusal: "it has an adapter for each task, and its graph asks for the number of one",
    models: { "jina-embeddings-v3": [1024, 8192] },
  },
  {
    card: "https://huggingface.co/google/embeddinggemma-300m",
    settings: { ...MEAN, queryPrefix: "task: search result | query: ", passagePrefix: "title: none | text: " },
    // Two dense layers follow the mean. Only a graph that includes them gives the model's vectors.
    output: "sentence_embedding",
    models: { "embeddinggemma-300m": [768, 2048] },
  },
  {
    card: "https://huggingface.co/Qwen/Qwen3-Embedding-0.6B",
    // Each text runs alone and without padding, so its last token is the last of the row, whichever side others pad.
    settings: { pooling: "last", normalize: true, queryPrefix: WEB_SEARCH },
    endToken: "<|endoftext|>",
    models: {
      "qwen3-embedding-0.6b": [1024, 32768],
      "qwen3-embedding-4b": [2560, 32768],
      "qwen3-embedding-8b": [4096, 32768],
    },
  },
  {
    card: "https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2",
    settings: MEAN,
    models: {
      "all-minilm-l6-v2": [384, 256],
      "all-minilm-l12-v2": [384, 128],
      "all-mpnet-base-v2": [768, 384],
      "multi-qa-minilm-l6-cos-v1": [384, 512],
      "paraphrase-minilm-l6-v2": [384, 128],
      "paraphrase-multilingual-minilm-l12-v2": [384, 128],
      "paraphrase-multilingual-mpnet-base-v2": [768, 128],
    },
  },
];

/** A well-known model and its settings. */
export interface KnownModel {
  readonly name: string;
  readonly card: string;
  readonly assumed: AssumedSettings;
  readonly refusal: string | undefined;
}

const BY_NAME: ReadonlyMap<string, KnownModel> = new Map(
  FAMILIES.flatMap(({ card, settings, output, endToken, refusal, models }) =>
    Object.entries(models).map(([name, [dims, window]]): [string, KnownModel] => {
      const assumed = { ...settings, dims, window, ...(output && { output }), ...(endToken && { endToken }) };
      return [name, { name, card, assumed, refusal }];
    }),
  ),
);

/** The names of all models of the table. */
export const KNOWN_NAMES: readonly string[] = [...BY_NAME.keys()];

/**
 * The model of this name, such as `Xenova/bge-small-en-v1.5`, `Qwen3-Embedding-0.6B-ONNX`, a folder, or a folder of the
 * hub's cache; `undefined` if it is not in the table.
 */
export function knownModel(name: unknown): KnownModel | undefined {
  if (typeof name !== "string") return undefined;
  const parts = name.toLowerCase().split(/[\\/]/).filter(Boolean);
  // The hub's cache: models--OWNER--NAME/snapshots/COMMIT.
  const last = /^[0-9a-f]{40}$/.test(parts.at(-1) ?? "") ? parts.at(-3) : parts.at(-1);
  const bare = (last ?? "").replace(/^.*--/, "").replace(/[-_.](onnx|ort)([-_.].*)?$/, "");
  // Training wrote the names of folders such as BAAI_bge-small-en into config.json.
  return BY_NAME.get(bare) ?? BY_NAME.get(bare.replace(/^[^_]*_/, ""));
}

type Json = Readonly<Record<string, unknown>>;

/**
 * What the table says of a model, found by its name or by the name in its `config.json`; `undefined` if it is not in
 * the table. A model with vectors of another length only shares the name.
 *
 * @throws EmbedlessError `INVALID_ARGUMENT` for a model that is known not to run here
 */
export function assumedOf(name: string, config: Json): AssumedSettings | undefined {
  const known = [knownModel(name), knownModel(config["_name_or_path"])].find((model) => fits(model, config));
  if (known?.refusal !== undefined) throw unsupported(name, known.refusal);
  return known?.assumed;
}

function fits(model: KnownModel | undefined, config: Json): boolean {
  const dims = dimsOf(config);
  return model !== undefined && (dims === undefined || dims === model.assumed.dims);
}

/** The warning for a model if neither its files, nor the table, nor the caller say how to run it; else `undefined`. */
export function guessOf(name: string, told: (ModelSettings | undefined)[]): string | undefined {
  if (told.some((settings) => settings?.pooling !== undefined)) return undefined;
  return (
    `Neither the files of the model ${name} nor a table of well-known models say how to run it. Assumed are the ` +
    "mean of the tokens and no prefixes. If its model card says otherwise, give pooling, queryPrefix and passagePrefix."
  );
}

/** Emits the warning once. */
export function warnOfGuess(guess: string | undefined): void {
  if (guess !== undefined) warnOnce("EMBEDLESS_ASSUMED", guess);
}
