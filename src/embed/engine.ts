import type { ErrorCode } from "../errors.js";
import type { AssumedSettings, ModelSettings } from "./embedder.js";
import type { ModelFolder } from "./model_folder.js";

/** A model that a child process is to run. Plain data: equal specifications share their processes. */
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
      /** What the table says of it; `"config"`: look it up by the name in `config.json`. */
      assumed: AssumedSettings | "config";
    };

/** The vector of one text, and how much of the text it stands for. */
export interface Embedded {
  readonly vector: Float32Array;
  /** Tokens of the whole text, without the special ones. */
  readonly tokens: number;
  /** Whether the text was longer than the model's window. */
  readonly truncated: boolean;
}

/** What a text is embedded as: models may want another prefix for each. */
export type TextKind = "passage" | "question";

/** A loaded model. Takes one text a run: in a batch an int8 model would give each text another vector. */
export interface Engine {
  /** What the user should know of how the model is run; see `guessOf`. */
  readonly guess?: string | undefined;
  embed(text: string, kind: TextKind): Promise<Embedded>;
}

/** From the pool to a child. `load` comes once and first. */
export type ToChild =
  | { type: "load"; spec: EngineSpec; exactBytes: boolean }
  | { type: "embed"; task: number; text: string; kind: TextKind };

/** From a child to the pool. Tasks are answered in the order in which they came. */
export type FromChild =
  | { type: "ready"; guess?: string | undefined }
  | { type: "unusable"; code: ErrorCode; message: string }
  | ({ type: "embedded"; task: number } & Embedded)
  | { type: "failed"; task: number; code: ErrorCode; message: string };
