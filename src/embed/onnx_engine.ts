import { Tokenizer } from "@huggingface/tokenizers";
import type { InferenceSession, Tensor } from "onnxruntime-node";
import { EmbedlessError } from "../base/errors.js";
import { optionalPackage } from "../base/packages.js";
import { type Engine, sentenceVector } from "./engine.js";
import { fileSha256, type ModelFolder, readModelFile, unsupported } from "./model_folder.js";
import { TextTokenizer } from "./tokenizer.js";

/**
 * Options of a session: one thread that sleeps when idle, because more processes use more cores, not more threads.
 *
 * @param exactBytes See `needsExactBytes`.
 */
export function sessionOptions(exactBytes: boolean): InferenceSession.SessionOptions {
  return {
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    logSeverityLevel: 3,
    extra: { session: { intra_op: { allow_spinning: "0" }, x64quantprecision: exactBytes ? "1" : "0" } },
  };
}

/** Names that a model may give to the output with its tokens' vectors, best first. */
const OUTPUTS = ["last_hidden_state", "token_embeddings", "sentence_embedding"];

/** The tokenizer of a sentence model's folder. Throws `NOT_FOUND`, `CORRUPT`, `IO`. */
export async function folderTokenizer({ folder, window, settings }: ModelFolder): Promise<TextTokenizer> {
  const [rules, config] = [
    await readModelFile(folder, "tokenizer.json"),
    await readModelFile(folder, "tokenizer_config.json"),
  ];
  const tokenizer = new Tokenizer(rules, config);
  const encode = (text: string, special: boolean): number[] =>
    tokenizer.encode(text, { add_special_tokens: special }).ids;
  return new TextTokenizer(encode, window, settings.maxTokens, settings.endToken);
}

/**
 * Loads a sentence model with ONNX Runtime.
 *
 * @param sha256 The sha256 that the weights must have.
 * @param exactBytes See `needsExactBytes`.
 * @throws EmbedlessError `CORRUPT` if the weights have another checksum or cannot be loaded, `NOT_FOUND` without
 *   `onnxruntime-node`
 */
export async function loadOnnxEngine(model: ModelFolder, sha256: string, exactBytes: boolean): Promise<Engine> {
  const ort = await runtime();
  if ((await fileSha256(model.weights)) !== sha256)
    throw new EmbedlessError("CORRUPT", `The file ${model.weights} is not the expected one: its sha256 differs.`);
  const session = await ort.InferenceSession.create(model.weights, sessionOptions(exactBytes)).catch((cause: Error) => {
    throw new EmbedlessError("CORRUPT", `ONNX Runtime cannot load ${model.weights}: ${cause.message}`, { cause });
  });
  const tokenizer = await folderTokenizer(model);
  const output = outputOf(session.outputNames, model);
  const { pooling, normalize, queryPrefix = "", passagePrefix = "" } = model.settings;
  return {
    async embed(text, kind) {
      const prefix = kind === "question" ? queryPrefix : passagePrefix;
      const { ids, tokens, truncated } = tokenizer.encode(prefix + text);
      const answer = await session.run(feeds(session.inputNames, ids, ort.Tensor), [output]);
      const { data, dims } = answer[output] as Tensor;
      return {
        vector: sentenceVector({ data: data as Float32Array, shape: dims }, pooling, normalize),
        tokens,
        truncated,
      };
    },
  };
}

/** The output that vectors are made from. Throws `INVALID_ARGUMENT` if the graph lacks an output that it must have. */
function outputOf(names: readonly string[], { folder, settings: { output: wanted } }: ModelFolder): string {
  if (wanted === undefined) return OUTPUTS.find((name) => names.includes(name)) ?? names[0]!;
  if (names.includes(wanted)) return wanted;
  throw unsupported(folder, `its layers after the pooling are not in its graph, which has no ${wanted}`);
}

/** Loads ONNX Runtime and lets it initialise. It does that with the first model, even with one that it cannot read. */
export async function warmUp(): Promise<void> {
  try {
    await (await runtime()).InferenceSession.create(new Uint8Array(1));
  } catch {
    // The bytes are not a model. If the runtime cannot be loaded, the error appears when a model needs it.
  }
}

function feeds(names: readonly string[], ids: number[], TensorType: typeof Tensor): Record<string, Tensor> {
  const tensor = (values: Iterable<bigint>): Tensor =>
    new TensorType("int64", BigInt64Array.from(values), [1, ids.length]);
  const known: Record<string, () => Tensor> = {
    input_ids: () => tensor(ids.map(BigInt)),
    attention_mask: () => tensor(ids.map(() => 1n)),
    token_type_ids: () => tensor(ids.map(() => 0n)),
    position_ids: () => tensor(ids.map((_, i) => BigInt(i))),
  };
  return Object.fromEntries(
    names.map((name) => {
      const make = known[name];
      if (!make) throw new EmbedlessError("EMBEDDER_FAILED", `The model needs the unknown input "${name}".`);
      return [name, make()];
    }),
  );
}

function runtime(): Promise<typeof import("onnxruntime-node")> {
  const load = () => import("onnxruntime-node");
  return optionalPackage("onnxruntime-node", "A local model", load, { flags: "--ignore-scripts " });
}
