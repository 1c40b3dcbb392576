import type { Embedder } from "../src/index.js";

/**
 * The key under which the framework classes of this package carry their core embedder. The symbol is registered, so two
 * copies of the package share it.
 */
export const coreEmbedder = Symbol.for("embedless.embedder");

/** The core embedder inside a framework class of this package; `undefined` for anything else. */
export function ownEmbedder(model: unknown): Embedder | undefined {
  return (model as { [coreEmbedder]?: Embedder } | null | undefined)?.[coreEmbedder];
}

/** The calls of a framework's embedding class. */
export interface ForeignCalls {
  /** Embeds passages. Answers one vector per text, in order. */
  embedDocuments(texts: string[]): Promise<number[][]>;
  /** Embeds a question. */
  embedQuery(text: string): Promise<number[]>;
}

/**
 * Wraps a framework's own embeddings as a core embedder. They take no signal, so the core itself stops waiting for
 * them.
 */
export class ForeignEmbedder implements Embedder {
  readonly id: string;
  /** Known after the first answer. */
  dims: number | undefined;
  readonly #calls: ForeignCalls;

  constructor(id: string, calls: ForeignCalls) {
    this.id = id;
    this.#calls = calls;
  }

  async embedDocuments(texts: string[]): Promise<number[][]> {
    const vectors = await this.#calls.embedDocuments(texts);
    this.dims ??= vectors?.[0]?.length;
    return vectors;
  }

  async embedQuery(text: string): Promise<number[]> {
    const vector = await this.#calls.embedQuery(text);
    this.dims ??= vector?.length;
    return vector;
  }
}

/** Properties in which embedding classes keep the name of their model. The first one that is set is used. */
const MODEL_FIELDS = ["model", "modelName", "model_name", "modelId", "model_id", "deploymentName", "modelType"];

/** Class name and model name of a framework's object; `fallback` if it has no class. */
export function nameOfModel(model: object, fallback: string): string {
  const fields = model as Record<string, unknown>;
  const name = MODEL_FIELDS.map((field) => fields[field]).find((value) => typeof value === "string" && value !== "");
  const kind = model.constructor?.name || fallback;
  return name === undefined ? kind : `${kind}:${name}`;
}
