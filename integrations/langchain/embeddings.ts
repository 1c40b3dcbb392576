import { Embeddings, type EmbeddingsInterface, type EmbeddingsParams } from "@langchain/core/embeddings";
import { type Embedder, EmbedlessError, minilm } from "../../src/index.js";

/** Under this key our classes carry their core embedder. A registered symbol, so that two copies of the package agree. */
const coreEmbedder = Symbol.for("embedless.embedder");

/**
 * Any embedder of this package (`onnxEmbedder`, `transformersEmbedder`, `httpEmbedder`, or one of your own) as LangChain
 * `Embeddings`. `EmbedlessVectorStore` takes the embedder out again, so nothing is lost on the way.
 */
export class EmbedlessEmbeddings extends Embeddings {
  readonly [coreEmbedder]: Embedder;

  /**
   * Makes nothing and calls nothing yet.
   *
   * @param embedder What really embeds.
   * @param params LangChain's own parameters. Retries do not apply: the embedder decides what is worth trying again.
   */
  constructor(embedder: Embedder, params: EmbeddingsParams = {}) {
    super(params);
    this[coreEmbedder] = embedder;
  }

  /** One vector a text, in order. No text gives no call. */
  async embedDocuments(documents: string[]): Promise<number[][]> {
    if (documents.length === 0) return [];
    const vectors = await this[coreEmbedder].embedDocuments(documents);
    return vectors.map((vector) => Array.from(vector));
  }

  /** The vector of a question. */
  async embedQuery(document: string): Promise<number[]> {
    return Array.from(await this[coreEmbedder].embedQuery(document));
  }

  /** Ends the embedder's child processes and connections. Needed only to end them early: idle ones keep no process alive. */
  async close(): Promise<void> {
    await this[coreEmbedder].close?.();
  }
}

/**
 * The bundled model, all-MiniLM-L6-v2 (384 dims, English, runs on the processor in child processes, no network).
 *
 * ```ts
 * const vector = await new MiniLMEmbeddings().embedQuery("Where do llamas live?");
 * ```
 */
export class MiniLMEmbeddings extends EmbedlessEmbeddings {
  /**
   * Loads nothing yet: the first text starts the model.
   *
   * @param params.workers Most child processes, about 150 MB each. Default: one a processor. LangChain's own parameters
   *   as in `EmbedlessEmbeddings`.
   */
  constructor({ workers, ...params }: EmbeddingsParams & { workers?: number } = {}) {
    super(minilm(workers === undefined ? {} : { workers }), params);
  }
}

/**
 * LangChain embeddings as an embedder of the core. Those of this package give back the embedder inside them. For all
 * others `id` is the class name and the model name (of `CacheBackedEmbeddings` those of what is cached), and `dims` shows
 * with the first answer. A signal means nothing to them: the core stops waiting by itself. Embeddings that embed passages
 * differently once they were asked a question are refused with `MODEL_MISMATCH` at the first search; `PineconeEmbeddings`,
 * which are such ones, are kept from it.
 *
 * @throws `INVALID_ARGUMENT` if `embeddings` lacks `embedDocuments` or `embedQuery`.
 */
export function toEmbedder(embeddings: EmbeddingsInterface): Embedder {
  const own = (embeddings as Partial<EmbedlessEmbeddings> | undefined)?.[coreEmbedder];
  if (own) return own;
  if (!isEmbeddings(embeddings)) {
    throw new EmbedlessError(
      "INVALID_ARGUMENT",
      "Expected LangChain embeddings with embedDocuments() and embedQuery() for embeddings, but received something else.",
    );
  }
  return new LangChainEmbedder(embeddings);
}

function isEmbeddings(value: unknown): value is EmbeddingsInterface {
  const { embedDocuments, embedQuery } = (value ?? {}) as Partial<EmbeddingsInterface>;
  return typeof embedDocuments === "function" && typeof embedQuery === "function";
}

/** Foreign LangChain embeddings, seen from the core. */
class LangChainEmbedder implements Embedder {
  readonly id: string;
  dims: number | undefined;
  readonly #forPassages: EmbeddingsInterface;
  readonly #forQuestions: EmbeddingsInterface;

  constructor(embeddings: EmbeddingsInterface) {
    this.#forPassages = embeddings;
    this.#forQuestions = forQuestions(embeddings);
    this.id = nameOf(embeddings);
  }

  async embedDocuments(texts: string[]): Promise<number[][]> {
    const vectors = await this.#forPassages.embedDocuments(texts);
    this.dims ??= vectors?.[0]?.length;
    return vectors;
  }

  async embedQuery(text: string): Promise<number[]> {
    const vector = await this.#forQuestions.embedQuery(text);
    this.dims ??= vector?.length;
    return vector;
  }
}

/**
 * The embeddings that questions go to. `PineconeEmbeddings.embedQuery` sets `params.inputType` to `"query"` and leaves it
 * so, also for passages: it gets a copy of its `params` to do that in.
 */
function forQuestions(embeddings: EmbeddingsInterface): EmbeddingsInterface {
  const { params } = embeddings as { params?: { inputType?: unknown } };
  if (params?.inputType !== "passage") return embeddings;
  return Object.create(embeddings, { params: { value: { ...params }, writable: true } }) as EmbeddingsInterface;
}

/** Where LangChain's embedding classes keep the name of their model; the first one that is set counts. */
const MODEL_FIELDS = ["model", "modelName", "model_name", "modelId", "model_id", "deploymentName"];

function nameOf(embeddings: EmbeddingsInterface): string {
  const fields = embeddings as unknown as Record<string, unknown>;
  // A cache in front of a model does not make it another one.
  const cached = fields["underlyingEmbeddings"];
  if (isEmbeddings(cached)) return toEmbedder(cached).id;
  const model = MODEL_FIELDS.map((field) => fields[field]).find((value) => typeof value === "string" && value !== "");
  const name = embeddings.constructor?.name || "Embeddings";
  return model === undefined ? name : `${name}:${model}`;
}
