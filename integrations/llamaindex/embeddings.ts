import { BaseEmbedding, extractSingleText, type MessageContentDetail } from "llamaindex";
import { type Embedder, EmbedlessError, minilm } from "../../src/index.js";
import { coreEmbedder, ForeignEmbedder, nameOfModel, ownEmbedder } from "../embedders.js";
import { checkedOptions, invalid } from "../errors.js";

/** Texts per call for an embedder that does not say how many suit it. */
const BATCH = 64;

/**
 * A LlamaIndex `BaseEmbedding` over any embedder of this package (`onnxEmbedder`, `transformersEmbedder`,
 * `httpEmbedder`, or your own). `EmbedlessVectorStore` uses the embedder inside directly, so all of its abilities are
 * kept.
 */
export class EmbedlessEmbedding extends BaseEmbedding {
  readonly [coreEmbedder]: Embedder;

  /**
   * Loads nothing and calls nothing yet.
   *
   * @param embedder Embeds the texts.
   * @param options.embedBatchSize Texts per call. Default: as many as keep the embedder busy.
   */
  constructor(embedder: Embedder, options: { embedBatchSize?: number } = {}) {
    super();
    this[coreEmbedder] = embedder;
    this.embedBatchSize = options.embedBatchSize ?? embedder.concurrency ?? embedder.batch ?? BATCH;
    // LlamaIndex declares this as a property and sets it in its constructor, which would hide a method.
    this.getTextEmbeddings = async (texts) => (texts.length === 0 ? [] : await this.#embed(texts));
  }

  /** The vector of a passage. */
  override async getTextEmbedding(text: string): Promise<number[]> {
    const [vector] = await this.#embed([text]);
    if (vector === undefined)
      throw new EmbedlessError("EMBEDDER_OUTPUT", "The embedder answered no vector for a text.");
    return vector;
  }

  /** The vector of a question; `null` if it is empty or not a text. */
  override async getQueryEmbedding(query: MessageContentDetail): Promise<number[] | null> {
    const text = extractSingleText(query);
    return text ? Array.from(await this[coreEmbedder].embedQuery(text)) : null;
  }

  /**
   * Ends the embedder's child processes and connections. You need it only to end them early, because idle ones do not
   * keep the process alive.
   */
  async close(): Promise<void> {
    await this[coreEmbedder].close?.();
  }

  async #embed(texts: string[]): Promise<number[][]> {
    const vectors = await this[coreEmbedder].embedDocuments(texts);
    return vectors.map((vector) => Array.from(vector));
  }
}

/**
 * A LlamaIndex `BaseEmbedding` with the bundled model, all-MiniLM-L6-v2 (384 dims, English). It runs on the processor
 * in child processes and needs no network.
 *
 * ```ts
 * Settings.embedModel = new MiniLMEmbedding();
 * ```
 */
export class MiniLMEmbedding extends EmbedlessEmbedding {
  /**
   * Loads nothing yet. The first text starts the model.
   *
   * @param options `workers`: most child processes, about 150 MB of memory each; default: one per processor.
   *   `embedBatchSize` as in `EmbedlessEmbedding`.
   */
  constructor(options: { workers?: number; embedBatchSize?: number } = {}) {
    const { workers, ...rest } = checkedOptions(options, "MiniLMEmbedding");
    super(minilm(workers === undefined ? {} : { workers }), rest);
  }
}

/**
 * Converts a LlamaIndex embedding to an embedder of the core. Embeddings of this package answer the embedder inside
 * them. For all others, `id` is the class name and the model name, and `dims` is known after the first answer.
 *
 * @throws `INVALID_ARGUMENT` if `embedModel` lacks the methods of a `BaseEmbedding`.
 */
export function toEmbedder(embedModel: BaseEmbedding): Embedder {
  const own = ownEmbedder(embedModel);
  if (own) return own;
  if (
    typeof embedModel?.getTextEmbeddingsBatch !== "function" ||
    typeof embedModel.getQueryEmbedding !== "function" ||
    typeof embedModel.getTextEmbeddings !== "function"
  ) {
    throw invalid("Expected a BaseEmbedding of LlamaIndex for embedModel, but received something else.");
  }
  return new ForeignEmbedder(nameOfModel(embedModel, "BaseEmbedding"), {
    embedDocuments: (texts) => embedModel.getTextEmbeddingsBatch(texts),
    embedQuery: async (text) => {
      const vector = await embedModel.getQueryEmbedding({ type: "text", text });
      if (vector) return vector;
      throw new EmbedlessError("EMBEDDER_OUTPUT", "The embedModel answered no vector for a question.");
    },
  });
}
