import path from "node:path";
import type { AssumedSettings, Embedder, ModelSettings } from "../api/embedder.js";
import { checkKeys } from "../base/checks.js";
import { assumedOf, guessOf, warnOfGuess } from "./known_models.js";
import { LocalEmbedder } from "./local_embedder.js";
import { fileSha256, folderSettings, readModelFile, readModelFolder } from "./model_folder.js";
import { folderTokenizer } from "./onnx_engine.js";
import { nonEmptyString, resolveSettings, SETTING_KEYS, settingsDigest } from "./settings.js";

/** Options of `onnxEmbedder`. */
export interface OnnxOptions extends ModelSettings {
  /**
   * Folder with `config.json`, `tokenizer.json`, `tokenizer_config.json` and `onnx/model_quantized.onnx` or
   * `onnx/model.onnx`.
   */
  folder: string;
  /** Most child processes. Each holds the model in memory. Default: one per processor. */
  workers?: number;
}

/**
 * Creates an embedder for a sentence model in a folder on this machine. Pooling, normalisation and prefixes come from
 * the options. What they leave open comes from the files of sentence-transformers in the folder, then from a table of
 * well-known models, by the name of the folder or the name in `config.json`. For a model that is in neither, tokens are
 * averaged and scaled to length 1 without a prefix, and a warning says so.
 *
 * @throws EmbedlessError `NOT_FOUND` naming the file that is missing, `INVALID_ARGUMENT` for a kind of model that
 *   cannot be run
 */
export async function onnxEmbedder(options: OnnxOptions): Promise<Embedder> {
  checkKeys("onnxEmbedder", options, { folder: 1, workers: 1, ...SETTING_KEYS });
  const folder = path.resolve(nonEmptyString("folder", options.folder));
  const assumed = assumedOf(folder, await readModelFile(folder, "config.json"));
  const files = await folderSettings(folder, assumed);
  warnOfGuess(guessOf(folder, [files, assumed, options]));
  return await onnxEmbedderAs(options, assumed);
}

/** The same embedder with the settings that the table gave when a store was created, or with none. */
export async function onnxEmbedderAs(options: OnnxOptions, assumed: AssumedSettings = {}): Promise<Embedder> {
  const folder = path.resolve(nonEmptyString("folder", options.folder));
  const chosen = resolveSettings(options);
  const model = await readModelFolder(folder, chosen, assumed);
  const weights = await fileSha256(model.weights);
  const tokenizer = await folderTokenizer(model);
  const { pooling, normalize, queryPrefix = "", passagePrefix = "" } = model.settings;
  const vocabulary = await fileSha256(path.join(folder, "tokenizer.json"));
  const { output, endToken } = model.settings;
  const run = [pooling, normalize, queryPrefix, passagePrefix, tokenizer.maxTokens, vocabulary];
  const digest = settingsDigest(...run, ...(output || endToken ? [output, endToken] : []));
  return new LocalEmbedder({
    id: `onnx:sha256:${weights}:${digest}`,
    dims: model.dims,
    maxTokens: tokenizer.maxTokens,
    source: { kind: "onnx", folder, ...chosen, ...(Object.keys(assumed).length > 0 && { assumed }) },
    workers: options.workers,
    spec: async () => ({ kind: "onnx", model, sha256: weights }),
    tokenizer: async () => tokenizer,
  });
}
