import { EmbedlessError, show } from "../base/errors.js";

/**
 * Turns text into vectors. Implement this for your own model. The embedders of this package are in `src/embed`.
 *
 * The store embeds passages when they are added. It embeds a few of them again whenever a search needs exact scores.
 * Therefore the same text must always give the same vector, up to a cosine of 0.999. If that is true only while a text
 * is embedded alone, the store embeds one text at a time.
 */
export interface Embedder {
  /**
   * Names the model, its weights and its settings. Equal ids must mean equal vectors. The store remembers the id, and
   * another id fails with `MODEL_MISMATCH`.
   */
  readonly id: string;
  /** Length of every vector. `undefined` until the first answer, if the model does not say its length before. */
  readonly dims: number | undefined;
  /** Texts per call that suit this embedder. Default 64. */
  readonly batch?: number;
  /** Most texts that should be in work at once, counted over all calls. Default: `batch`. */
  readonly concurrency?: number;
  /**
   * `true`: the vector of a text does not depend on the other texts of its call. If left out, the store tests this when
   * it is created, and embeds one text at a time if vectors do depend on them.
   */
  readonly batchInvariant?: boolean | undefined;
  /**
   * Longest passage, in tokens, that is embedded whole. Text beyond it is not embedded, so no search finds it.
   * `undefined`: unknown.
   */
  readonly maxTokens?: number | undefined;
  /**
   * Plain JSON from which `embedderFromSource` creates this embedder again. The store saves it, so never put a secret
   * in it.
   */
  readonly source?: EmbedderSource | undefined;
  /** A codebook that comes with this model; see `src/embed/minilm/codebook.ts`. */
  readonly codebook?: ShippedCodebook | undefined;
  /** Embeds passages. Answers one vector per text, in the order of the texts. */
  embedDocuments(texts: string[], options?: EmbedOptions): Promise<ArrayLike<number>[]>;
  /** Embeds a question. */
  embedQuery(text: string, options?: EmbedOptions): Promise<ArrayLike<number>>;
  /** Loads the model before the first text needs it. A failure is reported by the next call that embeds. */
  preload?(): Promise<void>;
  /** Number of tokens of `text` in this model, special tokens not counted. */
  countTokens?(text: string): number | Promise<number>;
  /** Ends child processes and connections. A store calls it only for an embedder that the store itself created. */
  close?(): Promise<void>;
}

/** What the store passes to each call of an embedder. An embedder may ignore all of it. */
export interface EmbedOptions {
  /** Fires when the answer is no longer needed, also after a timeout. */
  signal?: AbortSignal;
  /**
   * Called for each text that is longer than the model's window, with the text's index in the call and its number of
   * tokens (`NaN`: unknown). An embedder that cannot know of such texts never calls it.
   */
  onTruncated?: (index: number, tokens: number) => void;
}

/** How the vectors of a text's tokens become one vector: their mean, the first token's vector, or the last token's. */
export type Pooling = "mean" | "cls" | "last";

/**
 * Settings that change the vectors of a local model. A setting that is left out comes from the model's own files. If
 * they do not say it either, it comes from a table of well-known models (`src/embed/known_models.ts`), found by the
 * model's name or by the name in its `config.json`.
 */
export interface ModelSettings {
  /** Default: what `1_Pooling/config.json` says, else the table, else `"mean"`. */
  pooling?: Pooling;
  /** Whether vectors are scaled to length 1. Default: what `modules.json` says, else the table, else `true`. */
  normalize?: boolean;
  /**
   * Text put before each question. Default: the prompt `query` of `config_sentence_transformers.json`, else the
   * table's, else nothing.
   */
  queryPrefix?: string;
  /**
   * Text put before each passage. Default: the prompt `passage` or `document` of the same file, else the table's, else
   * nothing.
   */
  passagePrefix?: string;
  /**
   * Most tokens of a text that are embedded, special tokens not counted. The rest is cut off. Default: as many as the
   * model takes.
   */
  maxTokens?: number;
}

/** What the table of well-known models says of one model. It is used where the model's own files say nothing. */
export interface AssumedSettings extends ModelSettings {
  /** Length of the vectors. A model of the same name with another length is not the model that the table means. */
  dims?: number;
  /** Number of positions, special tokens included. */
  window?: number;
  /** The output that the model's graph must have, for models that do more with it than pooling and scaling. */
  output?: "sentence_embedding";
  /** The token that must end every text, even if the tokenizer's rules do not add it. */
  endToken?: string;
}

/** How a store file names its embedder, so that it can be created again. */
export type EmbedderSource =
  | { kind: "minilm" }
  | ({ kind: "onnx"; folder: string; assumed?: AssumedSettings } & ModelSettings)
  | ({
      kind: "transformers";
      model: string;
      dtype?: string;
      revision?: string;
      host?: string;
      /** `"config"`: the table is searched by the name in `config.json`, because it does not hold this name. */
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
 * Checks an embedder's answer and copies it. There must be as many vectors as texts, all of one length, and every
 * element must be finite in float32. The error names the first text whose vector is wrong.
 *
 * @param id The embedder's id, for the error.
 * @param texts The texts that were embedded.
 * @param dims The length that vectors must have; `undefined`: the first vector's length.
 * @throws EmbedlessError `EMBEDDER_OUTPUT`
 */
export function checkVectors(id: string, vectors: unknown, texts: readonly string[], dims?: number): Float32Array[] {
  if (!Array.isArray(vectors)) throw nonsense(id, `answered ${show(vectors)} instead of an array of vectors`);
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
