import { EmbedlessError, show } from "../base/errors.js";

/**
 * What turns text into vectors. Implement this for a model of your own; the ones of this package are in this folder.
 *
 * The store embeds passages once when they are added and again, a few at a time, whenever a search has to know an exact
 * score. So the same text must always give the same vector, up to a cosine of 0.999. Where it does so alone but not among
 * other texts, the store embeds one text at a time.
 */
export interface Embedder {
  /** Names model, weights and settings so precisely that equal ids mean equal vectors. Stored; a differing id is `MODEL_MISMATCH`. */
  readonly id: string;
  /** Length of every vector; `undefined` until the first answer, for models that do not tell beforehand. */
  readonly dims: number | undefined;
  /** Texts per call that suit this embedder; default 64. */
  readonly batch?: number;
  /** Most texts worth having under way at once (calls x texts); default `batch`. */
  readonly concurrency?: number;
  /**
   * `true`: the vector of a text does not depend on the other texts of its call. Left out, the store finds out when it is
   * made, and embeds one text at a time if it does.
   */
  readonly batchInvariant?: boolean | undefined;
  /** Longest passage in tokens that is embedded whole; what lies beyond it can never be found. `undefined`: not known. */
  readonly maxTokens?: number | undefined;
  /** Plain JSON from which `embedderFromSource` makes this embedder again; stored, so never put a secret in it. */
  readonly source?: EmbedderSource | undefined;
  /** A codebook that ships with this model; see `src/embed/minilm/codebook.ts`. */
  readonly codebook?: ShippedCodebook | undefined;
  /** Embeds passages. One vector a text, in order. */
  embedDocuments(texts: string[], options?: EmbedOptions): Promise<ArrayLike<number>[]>;
  /** Embeds a question. */
  embedQuery(text: string, options?: EmbedOptions): Promise<ArrayLike<number>>;
  /** Loads what the first text would have to wait for. Failures are told by the calls that embed. */
  preload?(): Promise<void>;
  /** Tokens that `text` takes in this model, without the special ones. */
  countTokens?(text: string): number | Promise<number>;
  /** Ends child processes and connections. Called by the store only for embedders that the store itself made. */
  close?(): Promise<void>;
}

/** What the store passes along with each call of an embedder. An embedder may ignore all of it. */
export interface EmbedOptions {
  /** Fires when nobody waits for the answer any more, on a timeout too. */
  signal?: AbortSignal;
  /** Called for each text that is longer than the model's window, with its place in the call and its tokens (`NaN`: not known). Embedders that cannot know of such texts never call it. */
  onTruncated?: (index: number, tokens: number) => void;
}

/** How the vectors of a text's tokens become one: their mean, that of the first token, or that of the last. */
export type Pooling = "mean" | "cls" | "last";

/**
 * Settings that change the vectors of a local model. Left out, the model's own files decide; what they leave open, a table
 * of well-known models (`src/embed/known_models.ts`), by the model's name or the one in its `config.json`.
 */
export interface ModelSettings {
  /** Default: what `1_Pooling/config.json` says, else the table, else `"mean"`. */
  pooling?: Pooling;
  /** Scale vectors to length 1. Default: what `modules.json` says, else the table, else `true`. */
  normalize?: boolean;
  /** Put before each question. Default: the prompt `query` of `config_sentence_transformers.json`, else by the table, else nothing. */
  queryPrefix?: string;
  /** Put before each passage. Default: the prompt `passage` or `document` of the same file, else by the table, else nothing. */
  passagePrefix?: string;
  /** Tokens of a text that are embedded, special ones not counted; the rest is cut off. Default: as many as the model takes. */
  maxTokens?: number;
}

/** What the table of well-known models says of one, for what the model's own files leave open. */
export interface AssumedSettings extends ModelSettings {
  /** Length of the vectors: a model of this name with others is not the one that is meant. */
  dims?: number;
  /** Positions, special tokens included. */
  window?: number;
  /** The answer of the graph that has to be there, for models that do more with it than pooling and scaling. */
  output?: "sentence_embedding";
  /** The token that every text has to end with, whether the tokenizer's rules put it there or not. */
  endToken?: string;
}

/** How an embedder is found again from the store file alone. */
export type EmbedderSource =
  | { kind: "minilm" }
  | ({ kind: "onnx"; folder: string; assumed?: AssumedSettings } & ModelSettings)
  | ({
      kind: "transformers";
      model: string;
      dtype?: string;
      revision?: string;
      host?: string;
      /** `"config"`: by the name in `config.json`, for this one is not in the table. */
      assumed?: AssumedSettings | "config";
    } & ModelSettings)
  | {
      kind: "http";
      url: string;
      model: string;
      dimensions?: number;
      batch?: number;
      queryPrefix?: string;
      passagePrefix?: string;
      truncate?: boolean;
    };

/** A codebook file of this package, named by the sha256 (hex) of its bytes. */
export interface ShippedCodebook {
  readonly sha256: string;
  /** Reads the file. Throws `CORRUPT` unless its bytes have this sha256, `NOT_FOUND` if it is missing. */
  load(): Promise<Uint8Array>;
}

/**
 * Checks an embedder's answer and copies it: as many vectors as texts, all of one length, every element finite in
 * float32. A sentence of the error names the first text at fault.
 *
 * @param id of the embedder, for the error
 * @param texts that were asked for
 * @param dims that vectors must have; `undefined`: the first vector decides
 * @throws EmbedlessError `EMBEDDER_OUTPUT`
 */
export function checkVectors(id: string, vectors: unknown, texts: readonly string[], dims?: number): Float32Array[] {
  if (!Array.isArray(vectors)) throw nonsense(id, `answered ${show(vectors)} where an array of vectors was expected`);
  if (vectors.length !== texts.length)
    throw nonsense(id, `answered ${vectors.length} vectors for ${texts.length} texts`);
  let expected = dims;
  return vectors.map((vector: unknown, index) => {
    const checked = checkVector(id, vector, texts[index]!, expected);
    expected = checked.length;
    return checked;
  });
}

function checkVector(id: string, vector: unknown, text: string, dims: number | undefined): Float32Array {
  if (!isArrayLike(vector)) throw nonsense(id, `answered ${show(vector)} instead of a vector for ${show(text)}`);
  const wanted = dims === undefined ? "at least 1 is" : `${dims} are`;
  if (vector.length === 0 || (dims !== undefined && vector.length !== dims))
    throw nonsense(id, `answered a vector of ${vector.length} dims for ${show(text)}, where ${wanted} expected`);
  const copy = new Float32Array(vector.length);
  for (let i = 0; i < copy.length; i++) {
    const element = vector[i];
    if (typeof element === "number") copy[i] = element;
    if (typeof element !== "number" || !Number.isFinite(copy[i]))
      throw nonsense(id, `answered ${show(element)} as element ${i} of the vector for ${show(text)}`);
  }
  return copy;
}

function isArrayLike(value: unknown): value is ArrayLike<unknown> {
  return typeof value === "object" && value !== null && Number.isInteger((value as { length?: unknown }).length);
}

function nonsense(id: string, what: string): EmbedlessError {
  return new EmbedlessError("EMBEDDER_OUTPUT", `The embedder ${id} ${what}.`);
}
