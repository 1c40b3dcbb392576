import { Embeddings, type EmbeddingsInterface, type EmbeddingsParams } from "@langchain/core/embeddings";
import { type Embedder, minilm } from "../../src/index.js";
import { coreEmbedder, ForeignEmbedder, nameOfModel, ownEmbedder } from "../embedders.js";
import { checkedOptions, invalid } from "../errors.js";

/**
 * LangChain `Embeddings` over any embedder of this package (`onnxEmbedder`, `transformersEmbedder`, `httpEmbedder`, or
 * your own). `EmbedlessVectorStore` uses the embedder inside directly, so all of its abilities are kept.
 */
export class EmbedlessEmbeddings extends Embeddings {
  readonly [coreEmbedder]: Embedder;

  /**
   * Loads nothing and calls nothing yet.
   *
   * @param embedder Embeds the texts.
   * @param params LangChain's own parameters. Its retries do not apply, because the embedder itself decides what to try
   *   again.
   */
  constructor(embedder: Embedder, params: EmbeddingsParams = {}) {
    super(params);
    this[coreEmbedder] = embedder;
  }

  /** Embeds passages. Answers one vector per text, in order. For no texts the embedder is not called. */
  async embedDocuments(documents: string[]): Promise<number[][]> {
    if (documents.length === 0) return [];
    const vectors = await this[coreEmbedder].embedDocuments(documents);
    return vectors.map((vector) => Array.from(vector));
  }

  /** The vector of a question. */
  async embedQuery(document: string): Promise<number[]> {
    return Array.from(await this[coreEmbedder].embedQuery(document));
  }

  /**
   * Ends the embedder's child processes and connections. You need it only to end them early, because idle ones do not
   * keep the process alive.
   */
  async close(): Promise<void> {
    await this[coreEmbedder].close?.();
  }
}

/**
 * LangChain `Embeddings` with the bundled model, all-MiniLM-L6-v2 (384 dims, English). It runs on the processor in
 * child processes and needs no network.
 *
 * ```ts
 * const vector = await new MiniLMEmbeddings().embedQuery("Where do llamas live?");
 * ```
 */
export class MiniLMEmbeddings extends EmbedlessEmbeddings {
  /**
   * Loads nothing yet. The first text starts the model.
   *
   * @param options LangChain's own parameters as in `EmbedlessEmbeddings`, and `workers`: most child processes, about
   *   150 MB of memory each. Default: one per processor.
   */
  constructor(options: EmbeddingsParams & { workers?: number } = {}) {
    const { workers, ...params } = checkedOptions(options, "MiniLMEmbeddings");
    super(minilm(workers === undefined ? {} : { workers }), params);
  }
}

/**
 * Converts LangChain embeddings to an embedder of the core. Embeddings of this package answer the embedder inside them.
 * For all others, `id` is the class name and the model name (those of the cached embeddings for
 * `CacheBackedEmbeddings`), and `dims` is known after the first answer. They take no signal, so the core itself stops
 * waiting for them. Some embeddings embed passages differently after they were asked a question; the first search
 * refuses them with `MODEL_MISMATCH`. `PineconeEmbeddings` would be among them, but their questions are embedded by a
 * copy.
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
 * The embeddings that embed questions. `PineconeEmbeddings.embedQuery` sets `params.inputType` to `"query"` and leaves
 * it so for passages too. Therefore questions get a copy with its own `params`.
 */
function forQuestions(embeddings: EmbeddingsInterface): EmbeddingsInterface {
  const { params } = embeddings as { params?: { inputType?: unknown } };
  if (params?.inputType !== "passage") return embeddings;
  return Object.create(embeddings, { params: { value: { ...params }, writable: true } }) as EmbeddingsInterface;
}

/** A cache in front of a model does not change the model. */
function idOf(embeddings: EmbeddingsInterface): string {
  const { underlyingEmbeddings: cached } = embeddings as { underlyingEmbeddings?: unknown };
  return isEmbeddings(cached) ? toEmbedder(cached).id : nameOfModel(embeddings, "Embeddings");
}
