import type { AssumedSettings, ModelSettings, Pooling } from "../api/embedder.js";
import { EmbedlessError, type ErrorCode } from "../base/errors.js";
import type { ModelFolder } from "./model_folder.js";

/** A model for a child process. Plain data: equal specifications share their processes. */
export type EngineSpec =
  | { kind: "onnx"; model: ModelFolder; sha256: string }
  | {
      kind: "transformers";
      model: string;
      dtype: string;
      revision: string;
      /** Base address of the hub; `undefined`: the library's own. */
      host: string | undefined;
      cacheDir: string;
      settings: ModelSettings;
      /** What the table says of the model; `"config"`: it must be looked up by the name in `config.json`. */
      assumed: AssumedSettings | "config";
    };

/** The vector of one text, and whether it covers the whole text. */
export interface Embedded {
  readonly vector: Float32Array;
  /** Tokens of the whole text, without the special ones. */
  readonly tokens: number;
  /** Whether the text was longer than the model's window. */
  readonly truncated: boolean;
}

/** How a text is embedded. Models may need a different prefix for each. */
export type TextKind = "passage" | "question";

/** A loaded model. It takes one text per run, because in a batch an int8 model would give each text another vector. */
export interface Engine {
  /** What the user should know of how the model is run; see `guessOf`. */
  readonly guess?: string | undefined;
  embed(text: string, kind: TextKind): Promise<Embedded>;
}

/** Messages from the pool to a child. `load` comes once and first. */
export type ToChild =
  | { type: "load"; spec: EngineSpec; exactBytes: boolean }
  | { type: "embed"; task: number; text: string; kind: TextKind };

/** Messages from a child to the pool. Tasks are answered in the order in which they came. */
export type FromChild =
  | { type: "ready"; guess?: string | undefined }
  | { type: "unusable"; code: ErrorCode; message: string }
  | ({ type: "embedded"; task: number } & Embedded)
  | { type: "failed"; task: number; code: ErrorCode; message: string };

/** The output of a model for one text: one vector per token, or one for the whole text. */
export interface ModelOutput {
  readonly data: Float32Array;
  /** `[1, tokens, dims]` or `[1, dims]`. */
  readonly shape: readonly number[];
}

/** The vector of a text from the model's output. The output of a model that pools by itself is not pooled again. */
export function sentenceVector(output: ModelOutput, pooling: Pooling, normalize: boolean): Float32Array {
  const [texts, tokens, dims] = output.shape.length === 2 ? [output.shape[0]!, 1, output.shape[1]!] : output.shape;
  if (texts !== 1 || !tokens || !dims || output.data.length !== tokens * dims)
    throw new EmbedlessError(
      "EMBEDDER_OUTPUT",
      `Expected one text's vectors from the model, but it answered the shape [${output.shape}].`,
    );
  const vector = new Float64Array(dims);
  const [first, end] = pooling === "mean" ? [0, tokens] : pooling === "cls" ? [0, 1] : [tokens - 1, tokens];
  for (let token = first; token < end; token++) {
    for (let i = 0; i < dims; i++) vector[i]! += output.data[token * dims + i]!;
  }
  const divisor = normalize ? Math.hypot(...vector) || 1 : end - first;
  return Float32Array.from(vector, (x) => x / divisor);
}
