import { createHash } from "node:crypto";
import { close, read } from "node:fs";
import { access } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import type { AssumedSettings, ModelSettings, Pooling } from "../api/embedder.js";
import { EmbedlessError, show } from "../base/errors.js";
import { openGivenFile, readGivenFile } from "../storage/open_files.js";

/** A sentence model's folder, with everything needed to run it. Plain data that is sent to the child processes. */
export interface ModelFolder {
  readonly folder: string;
  /** The ONNX file. */
  readonly weights: string;
  /** Length of the vectors, if `config.json` says it. */
  readonly dims: number | undefined;
  /** Number of positions, special tokens included. */
  readonly window: number;
  readonly settings: RunSettings;
}

/** All settings that decide how tokens become a vector. */
export type RunSettings = ModelSettings &
  Required<Pick<ModelSettings, "pooling" | "normalize">> &
  Pick<AssumedSettings, "output" | "endToken">;

/** Names of the ONNX file, in the order in which they are tried. */
const WEIGHTS = ["onnx/model_quantized.onnx", "onnx/model.onnx", "model_quantized.onnx", "model.onnx"];

/** Models that count their positions from the padding token, so they have two fewer than their table has rows. */
const OFFSET_POSITIONS = new Set(["roberta", "xlm-roberta", "camembert", "mpnet"]);

type Json = Record<string, unknown>;

/**
 * Reads how a sentence model must be run: `config.json`, `tokenizer_config.json` and, if they exist, the files of
 * sentence-transformers (`modules.json`, `1_Pooling/config.json`, `sentence_bert_config.json`,
 * `config_sentence_transformers.json`). `chosen` has priority over the files, and the files over `assumed`.
 *
 * @throws EmbedlessError `NOT_FOUND` naming the missing file, `INVALID_ARGUMENT` for a model that needs more than
 *   tokens, mean, first or last token, and scaling
 */
export async function readModelFolder(
  folder: string,
  chosen: ModelSettings = {},
  assumed: AssumedSettings = {},
): Promise<ModelFolder> {
  const config = await readModelFile(folder, "config.json");
  const tokenizerConfig = await readModelFile(folder, "tokenizer_config.json");
  await firstOf(folder, ["tokenizer.json"]);
  const sentence = await folderSettings(folder, assumed);
  const bert = (await optional(folder, "sentence_bert_config.json")) as Json | undefined;
  const rows = number(config["max_position_embeddings"]) ?? number(config["n_positions"]);
  const offset = OFFSET_POSITIONS.has(String(config["model_type"])) ? 2 : 0;
  const limits = [number(tokenizerConfig["model_max_length"]), number(bert?.["max_seq_length"]), rows && rows - offset];
  return {
    folder,
    weights: await firstOf(folder, WEIGHTS),
    dims: dimsOf(config),
    window: Math.min(...limits.map((limit) => limit ?? assumed.window ?? 512)),
    settings: runSettings(assumed, sentence, chosen),
  };
}

/**
 * How a model is run: as the caller says, else as its files say, else as the table says, else by the mean of its tokens
 * scaled to length 1.
 */
export function runSettings(assumed: AssumedSettings, files: ModelSettings, chosen: ModelSettings): RunSettings {
  const { dims: _, window: __, ...table } = assumed;
  return { pooling: "mean", normalize: true, ...table, ...files, ...defined(chosen) };
}

/** Length of the vectors according to `config.json`; `undefined` if it does not say. */
export function dimsOf(config: Json): number | undefined {
  return number(config["hidden_size"]) ?? number(config["dim"]) ?? number(config["d_model"]);
}

/** What the files of sentence-transformers in a folder say. Throws as `readModelFolder`. */
export function folderSettings(folder: string, assumed?: AssumedSettings): Promise<ModelSettings> {
  return sentenceSettings(folder, (name) => optional(folder, name), assumed);
}

/**
 * What the files of sentence-transformers say about a model, wherever they come from.
 *
 * @param model The model's name in errors.
 * @param read Answers the content of a JSON file of the model, `undefined` if there is none.
 * @param assumed For models whose graph has its own layers after the pooling.
 */
export async function sentenceSettings(
  model: string,
  read: (name: string) => Promise<unknown>,
  { output }: AssumedSettings = {},
): Promise<ModelSettings> {
  const modules = await read("modules.json");
  const types = Array.isArray(modules) ? modules.map((module) => String((module as Json)["type"])) : undefined;
  const strange = types?.find(
    (type) => !/\.(Transformer|Pooling|Normalize)$/.test(type) && !(output && type.endsWith(".Dense")),
  );
  if (strange) throw unsupported(model, `its modules.json asks for ${show(strange)}`);
  const prompts = ((await read("config_sentence_transformers.json")) as Json | undefined)?.["prompts"];
  const { query, passage, document } = (prompts ?? {}) as Record<string, unknown>;
  return defined({
    pooling: poolingOf(model, (await read("1_Pooling/config.json")) as Json | undefined),
    normalize: types?.some((type) => type.endsWith(".Normalize")),
    queryPrefix: typeof query === "string" ? query : undefined,
    passagePrefix: typeof passage === "string" ? passage : typeof document === "string" ? document : undefined,
  });
}

function poolingOf(model: string, config: Json | undefined): Pooling | undefined {
  if (!config) return undefined;
  const modes = Object.keys(config).filter((key) => key.startsWith("pooling_mode_") && config[key] === true);
  if (modes.length === 1) {
    if (modes[0] === "pooling_mode_mean_tokens") return "mean";
    if (modes[0] === "pooling_mode_cls_token") return "cls";
    if (modes[0] === "pooling_mode_lasttoken") return "last";
  }
  throw unsupported(model, `its 1_Pooling/config.json asks for ${modes.join(" and ") || "no pooling"}`);
}

/**
 * The error for a model that would give wrong vectors here.
 *
 * @param why The end of a sentence.
 */
export function unsupported(model: string, why: string): EmbedlessError {
  return new EmbedlessError("INVALID_ARGUMENT", `The model ${model} cannot be run here: ${why}.`);
}

async function firstOf(folder: string, names: string[]): Promise<string> {
  for (const name of names) {
    const file = path.join(folder, name);
    const found = await access(file).then(
      () => true,
      () => false,
    );
    if (found) return file;
  }
  throw missing(path.join(folder, names[0]!));
}

/** A JSON file of a model's folder. Throws `NOT_FOUND` if it is missing, `CORRUPT` if it is not JSON, `IO`. */
export async function readModelFile(folder: string, name: string): Promise<Json> {
  const content = await optional(folder, name);
  if (content === undefined) throw missing(path.join(folder, name));
  return content as Json;
}

async function optional(folder: string, name: string): Promise<unknown> {
  const file = path.join(folder, name);
  let text: string;
  try {
    text = await readModelText(file);
  } catch (cause) {
    if (cause instanceof EmbedlessError) throw cause;
    const code = (cause as NodeJS.ErrnoException).code;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw new EmbedlessError("IO", `Cannot read ${file}: ${(cause as Error).message}`, { cause });
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new EmbedlessError("CORRUPT", `Expected JSON in ${file}: ${(cause as Error).message}`, { cause });
  }
}

function missing(file: string): EmbedlessError {
  return new EmbedlessError("NOT_FOUND", `Expected a sentence model, but there is no file ${file}.`);
}

/** Numbers such as 1e30 mean "no limit" and count as missing. */
export function number(value: unknown): number | undefined {
  return typeof value === "number" && Number.isInteger(value) && value > 0 && value < 1e6 ? value : undefined;
}

/** Removes the keys whose value is `undefined`. */
function defined(settings: { [K in keyof ModelSettings]?: ModelSettings[K] | undefined }): ModelSettings {
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
}

/** Largest file that is read. The largest tokenizers have about 20 MB. */
const LARGEST_TEXT = 512 * 2 ** 20;

/**
 * The text of a file of a model's folder. A store file may name any folder, so only regular files are read, and never a
 * file of a store that is open here.
 *
 * @throws the file system's error, EmbedlessError `IO` if it is not such a file, `LIMIT` above 512 MB
 */
export async function readModelText(file: string): Promise<string> {
  const content = await readGivenFile(file, LARGEST_TEXT);
  if (content === "tooLarge") {
    throw new EmbedlessError(
      "LIMIT",
      `Expected at most ${LARGEST_TEXT} bytes in a model's file, but ${file} has more.`,
    );
  }
  if (typeof content === "string") throw notAModelFile(file);
  return content.toString("utf8");
}

/**
 * Opens a file of a model's folder. The caller closes the descriptor.
 *
 * @throws as `readModelText`
 */
export function openModelFile(file: string): number {
  const descriptor = openGivenFile(file);
  if (typeof descriptor === "number") return descriptor;
  throw notAModelFile(file);
}

function notAModelFile(file: string): EmbedlessError {
  return new EmbedlessError(
    "IO",
    `Expected a regular file of a model, but ${file} is a device, a pipe or an open store.`,
  );
}

const readPiece = promisify(read);
const closeFile = promisify(close);

/** Bytes per read, always into the same memory. A stream takes new memory for each piece, and twice the time. */
const PIECE_BYTES = 1 << 20;

/** The sha256 of a model's file in hex, read in pieces. Throws `NOT_FOUND` or `IO` naming the file. */
export async function fileSha256(file: string): Promise<string> {
  const hash = createHash("sha256");
  try {
    const descriptor = openModelFile(file);
    const piece = Buffer.allocUnsafe(PIECE_BYTES);
    try {
      for (;;) {
        const { bytesRead } = await readPiece(descriptor, piece, 0, piece.length, null);
        if (bytesRead === 0) break;
        hash.update(piece.subarray(0, bytesRead));
      }
    } finally {
      await closeFile(descriptor);
    }
  } catch (cause) {
    if (cause instanceof EmbedlessError) throw cause;
    const code = (cause as NodeJS.ErrnoException).code === "ENOENT" ? "NOT_FOUND" : "IO";
    throw new EmbedlessError(code, `Cannot read ${file}: ${(cause as Error).message}`, { cause });
  }
  return hash.digest("hex");
}

/** The sha256 of text or bytes in hex. */
export function sha256(content: string | Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}
