import type { Embedder } from "../src/index.js";

/** Under this key our framework classes carry their core embedder. A registered symbol, so that two copies of the package agree. */
export const coreEmbedder = Symbol.for("embedless.embedder");

/** The core embedder inside one of our framework classes; `undefined` for anything else. */
export function ownEmbedder(model: unknown): Embedder | undefined {
  return (model as { [coreEmbedder]?: Embedder } | null | undefined)?.[coreEmbedder];
}

/** How a framework's embedding class is asked. */
export interface ForeignCalls {
  /** Embeds passages: one vector a text, in order. */
  embedDocuments(texts: string[]): Promise<number[][]>;
  /** Embeds a question. */
  embedQuery(text: string): Promise<number[]>;
}

/** A framework's own embeddings, seen from the core. They know no signal: the core stops waiting for them by itself. */
export class ForeignEmbedder implements Embedder {
  readonly id: string;
  /** Shows with the first answer. */
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

/** Where embedding classes keep the name of their model; the first one that is set counts. */
const MODEL_FIELDS = ["model", "modelName", "model_name", "modelId", "model_id", "deploymentName", "modelType"];

/** Class name and model name of a framework's object; `fallback` for one without a class. */
export function nameOfModel(model: object, fallback: string): string {
  const fields = model as Record<string, unknown>;
  const name = MODEL_FIELDS.map((field) => fields[field]).find((value) => typeof value === "string" && value !== "");
  const kind = model.constructor?.name || fallback;
  return name === undefined ? kind : `${kind}:${name}`;
}
