import { Embeddings, type EmbeddingsInterface, type EmbeddingsParams } from "@langchain/core/embeddings";
import { type Embedder, minilm } from "../../src/index.js";
import { coreEmbedder, ForeignEmbedder, nameOfModel, ownEmbedder } from "../embedders.js";
import { checkedOptions, invalid } from "../errors.js";

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
   * @param options.workers Most child processes, about 150 MB each. Default: one a processor. LangChain's own parameters
   *   as in `EmbedlessEmbeddings`.
   */
  constructor(options: EmbeddingsParams & { workers?: number } = {}) {
    const { workers, ...params } = checkedOptions(options, "MiniLMEmbeddings");
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
  const own = ownEmbedder(embeddings);
  if (own) return own;
  if (!isEmbeddings(embeddings)) {
    throw invalid(
      "Expected LangChain embeddings with embedDocuments() and embedQuery() for embeddings, but received something else.",
    );
  }
  const asked = forQuestions(embeddings);
  return new ForeignEmbedder(idOf(embeddings), {
    embedDocuments: (texts) => embeddings.embedDocuments(texts),
    embedQuery: (text) => asked.embedQuery(text),
  });
}

function isEmbeddings(value: unknown): value is EmbeddingsInterface {
  const { embedDocuments, embedQuery } = (value ?? {}) as Partial<EmbeddingsInterface>;
  return typeof embedDocuments === "function" && typeof embedQuery === "function";
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

/** A cache in front of a model does not make it another one. */
function idOf(embeddings: EmbeddingsInterface): string {
  const { underlyingEmbeddings: cached } = embeddings as { underlyingEmbeddings?: unknown };
  return isEmbeddings(cached) ? toEmbedder(cached).id : nameOfModel(embeddings, "Embeddings");
}
