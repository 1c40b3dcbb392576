import { resolve } from "node:path";
import type { Callbacks } from "@langchain/core/callbacks/manager";
import type { Document, DocumentInterface } from "@langchain/core/documents";
import type { EmbeddingsInterface } from "@langchain/core/embeddings";
import { maximalMarginalRelevance } from "@langchain/core/utils/math";
import {
  type MaxMarginalRelevanceSearchOptions,
  SaveableVectorStore,
  type VectorStoreRetrieverInput,
} from "@langchain/core/vectorstores";
import type { Metadata, SearchOptions, SearchResult, Store } from "../../src/index.js";
import { invalid } from "../errors.js";
import { withinStore } from "../hit_limit.js";
import { LazyStore } from "../lazy_store.js";
import { fileToSave } from "../location.js";
import { dialsOf, type SearchDials } from "../search_dials.js";
import { Skipped } from "../skipped.js";
import {
  type AddDocumentsOptions,
  type DeleteOptions,
  type EmbedlessConfig,
  locationOf,
  type SearchCallOptions,
  toDelete,
} from "./config.js";
import {
  checkDocuments,
  checkLength,
  type DocumentFilter,
  isEmpty,
  lineUp,
  toDocument,
  toDocuments,
  toFilter,
  toItem,
} from "./documents.js";
import { toEmbedder } from "./embeddings.js";
import { EmbedlessRetriever, type EmbedlessRetrieverFields } from "./retriever.js";

/**
 * LangChain's vector store in a file that keeps the texts and no vectors.
 *
 * Scores are cosine similarities; higher is better. Adding an id again replaces the document. Each found document
 * carries its `id`. A filter is an object in MongoDB's style (see `Filter`; `BasicTranslator` of a self-query retriever
 * writes such filters) or a function over documents. A function reads every text, which is slow above some ten thousand
 * documents. Both are applied inside the search, so it finds `k` documents whenever that many match. Anything else
 * throws `INVALID_FILTER`.
 *
 * @typeParam M The type of the documents' metadata.
 *
 * ```ts
 * const store = new EmbedlessVectorStore(new MiniLMEmbeddings(), { path: "animals.db" });
 * await store.addDocuments([new Document({ pageContent: "Llamas live in the Andes.", id: "llama" })]);
 * const [[document, score]] = await store.similaritySearchWithScore("Where do llamas live?", 1);
 * const grazers = await store.similaritySearch("Who eats grass?", 3, { legs: 4, continent: { $ne: "Europe" } });
 * const retriever = store.asRetriever(5);
 * ```
 */
export class EmbedlessVectorStore<M extends Metadata = Metadata> extends SaveableVectorStore {
  /** Conditions on metadata, or a function over documents. */
  declare FilterType: DocumentFilter<M>;
  readonly #dials: SearchDials;
  readonly #blank: "skip" | "refuse";
  readonly #skipped = new Skipped("document");
  readonly #store: LazyStore;

  /**
   * Opens nothing yet. The first call that needs the file opens it.
   *
   * @param embeddings Any LangChain embeddings, for documents and questions. Those of this package work best.
   * @param config Where the passages are. Default: a private temporary file.
   * @throws `METRIC_MISMATCH` or `MODEL_MISMATCH` if `config.store` has another metric than cosine or other embeddings.
   */
  constructor(embeddings: EmbeddingsInterface, config: EmbedlessConfig = {}) {
    // LangChain would keep the second argument for serialisation, but an open store cannot be serialised.
    super(embeddings, {});
    if (typeof config !== "object" || config === null) throw invalid("Expected an object for the config of the store.");
    this.#dials = dialsOf(config);
    this.#blank = config.blank ?? "skip";
    this.#store = new LazyStore("LangChain", locationOf(config), () => toEmbedder(this.embeddings));
  }

  /** LangChain's name for this kind of store. */
  override _vectorstoreType(): string {
    return "embedless";
  }

  /**
   * Creates a store filled with `texts`. There is one metadata object per text, or one for all; texts without one have
   * none. The config is that of the constructor.
   */
  static override async fromTexts(
    texts: string[],
    metadatas: object[] | object,
    embeddings: EmbeddingsInterface,
    config: EmbedlessConfig = {},
  ): Promise<EmbedlessVectorStore> {
    const documents = toDocuments(texts, metadatas);
    // `SemanticSimilarityExampleSelector.fromExamples` passes all of its options, its own ones too.
    const { k: _, inputKeys: __, exampleKeys: ___, ...own } = config as EmbedlessConfig & Record<string, unknown>;
    // biome-ignore lint/complexity/noThisInStatic: `this` may be a subclass, which must make its own kind.
    return this.fromDocuments(documents, embeddings, own);
  }

  /**
   * Creates a store filled with `documents`. The config is that of the constructor. If adding fails, the store is
   * closed.
   */
  static override async fromDocuments(
    documents: DocumentInterface[],
    embeddings: EmbeddingsInterface,
    config: EmbedlessConfig = {},
  ): Promise<EmbedlessVectorStore> {
    const store = new this(embeddings, config);
    try {
      await store.addDocuments(documents);
    } catch (error) {
      await store.close();
      throw error;
    }
    return store;
  }

  /**
   * Opens an existing store.
   *
   * @param where The file, a folder with `embedless.db` in it, or a config with `path`.
   * @throws `NOT_FOUND` if there is no such file, `MODEL_MISMATCH` if other embeddings created it.
   */
  static async fromExistingIndex(
    embeddings: EmbeddingsInterface,
    where: string | EmbedlessConfig,
  ): Promise<EmbedlessVectorStore> {
    const config = typeof where === "string" ? { path: where } : (where ?? {});
    if (config.store === undefined && config.path === undefined) {
      throw invalid(
        "Expected the path of an existing store, or a config with one, as the second argument, but received none.",
      );
    }
    const store = new this(embeddings, config.store ? config : { ...config, create: false });
    await store.store();
    return store;
  }

  /**
   * The core store, opened if it is not open yet. Use it for `get`, `count`, `stats`, `verify` and everything else that
   * LangChain lacks.
   */
  async store(): Promise<Store> {
    return await this.#store.open();
  }

  /** Number of blank documents that this object has not added so far. */
  get skipped(): number {
    return this.#skipped.count;
  }

  /**
   * Adds documents. If an id exists already, its document is replaced. Either all documents are added or none. A blank
   * document cannot be found by anything, so it is not added and only counted (`skipped`). If a document with its id
   * exists, it stays.
   *
   * @param options `ids` (or the bare array): one per document. They override each document's `id`; if neither is
   *   given, an id is made. `blank`, `signal` and `onProgress` as in `VectorStore.add`.
   * @returns One id per document, in order. `getByIds` finds nothing under the id of a blank document.
   */
  override async addDocuments(
    documents: DocumentInterface[],
    options?: AddDocumentsOptions | string[],
  ): Promise<string[]> {
    return this.#add(documents, options);
  }

  /**
   * Adds documents with known vectors, which saves embedding them. A store created with `vectors: "float16"` or another
   * form keeps any vectors. Other stores keep none, so they compare a sample of the vectors with what the embeddings
   * make of the texts.
   *
   * @throws `INVALID_VECTOR` if vectors are not kept and one is not what the embeddings make of its document.
   */
  override async addVectors(
    vectors: number[][],
    documents: DocumentInterface[],
    options?: AddDocumentsOptions | string[],
  ): Promise<string[]> {
    checkDocuments(documents);
    checkLength("vectors", vectors, documents);
    return this.#add(documents, options, vectors);
  }

  /**
   * Deletes by id, by metadata, or everything, in one transaction.
   *
   * @throws `INVALID_ARGUMENT` unless exactly one of `ids`, `filter` and `deleteAll: true` is given; `INVALID_FILTER`.
   */
  override async delete(options?: DeleteOptions): Promise<void> {
    const what = toDelete(options);
    await (await this.store()).delete(what);
  }

  /**
   * Finds the `k` documents closest to the question, best first. It finds none if `k` is below 1 or the question is
   * empty.
   *
   * @param _callbacks Callbacks of LangChain. A store does not call them, but retrievers do.
   * @param options Search options for this call, and a `signal` that stops it.
   */
  override async similaritySearch(
    query: string,
    k = 4,
    filter?: this["FilterType"],
    _callbacks?: Callbacks,
    options?: SearchCallOptions,
  ): Promise<Document<M>[]> {
    const found = await this.#search(query, k, filter, options);
    return found.map(([document]) => document);
  }

  /** As `similaritySearch`, with each document's cosine similarity. */
  override async similaritySearchWithScore(
    query: string,
    k = 4,
    filter?: this["FilterType"],
    _callbacks?: Callbacks,
    options?: SearchCallOptions,
  ): Promise<[Document<M>, number][]> {
    return this.#search(query, k, filter, options);
  }

  /** Finds the `k` documents closest to a question's vector, with their cosine similarities, best first. */
  override async similaritySearchVectorWithScore(
    query: number[],
    k: number,
    filter?: this["FilterType"],
    options?: SearchCallOptions,
  ): Promise<[Document<M>, number][]> {
    return this.#search(query, k, filter, options);
  }

  /**
   * Finds documents that are near the question and different from each other (maximal marginal relevance, Carbonell and
   * Goldstein 1998), among the nearest `fetchK`.
   *
   * @param options.k Number of documents. Default 4.
   * @param options.fetchK Number of nearest documents to choose from. Default 20, and never fewer than `k`.
   * @param options.lambda 1: only nearness counts; 0: only difference counts. Default 0.5. Search options and `signal`
   *   as for `similaritySearch`, but the search is always by meaning.
   */
  override async maxMarginalRelevanceSearch(
    query: string,
    options: MaxMarginalRelevanceSearchOptions<this["FilterType"]> & SearchCallOptions,
    _callbacks?: Callbacks,
  ): Promise<Document<M>[]> {
    const { k = 4, fetchK = 20, lambda = 0.5, filter, signal } = options ?? {};
    if (!Number.isFinite(lambda)) throw invalid(`Expected a number for lambda, but received ${String(lambda)}.`);
    for (const [name, value] of Object.entries({ k, fetchK })) {
      if (!Number.isInteger(value) && value !== Number.POSITIVE_INFINITY)
        throw invalid(`Expected a whole number for ${name}, but received ${JSON.stringify(value)}.`);
    }
    if (k < 1) return [];
    const { hits, vector } = await this.#find(query, Math.max(k, fetchK), filter, {
      ...dialsOf(options ?? {}),
      ...(signal && { signal }),
      mode: "vector",
      includeVectors: true,
    });
    if (vector === undefined) return [];
    const known = hits.filter((hit) => hit.vector !== undefined);
    const vectors = known.map((hit) => Array.from(hit.vector!));
    const chosen = maximalMarginalRelevance(Array.from(vector), vectors, lambda, Math.min(k, known.length));
    return chosen.map((i) => toDocument<M>(known[i]!));
  }

  /** The documents of these ids, in their order. Ids that the store does not have are left out. */
  async getByIds(ids: string[]): Promise<Document<M>[]> {
    const found = await (await this.store()).get(ids);
    return found.flatMap((passage) => (passage ? toDocument<M>(passage) : []));
  }

  /**
   * A retriever over this store, by default with 4 documents per question, by similarity. With fields instead of a
   * number, `searchType` may also be `"mmr"`, `"similarity_score_threshold"`, `"keyword"` or `"hybrid"`.
   */
  override asRetriever(
    kOrFields?: number | Partial<VectorStoreRetrieverInput<this>>,
    filter?: this["FilterType"],
    callbacks?: Callbacks,
    tags?: string[],
    metadata?: Record<string, unknown>,
    verbose?: boolean,
  ): EmbedlessRetriever<this>;
  /** With fields that LangChain's type does not know: more search types, and search options. */
  override asRetriever(fields: EmbedlessRetrieverFields<this["FilterType"]>): EmbedlessRetriever<this>;
  override asRetriever(
    kOrFields?: number | EmbedlessRetrieverFields<this["FilterType"]>,
    filter?: this["FilterType"],
    callbacks?: Callbacks,
    tags?: string[],
    metadata?: Record<string, unknown>,
    verbose?: boolean,
  ): EmbedlessRetriever<this> {
    const fields = typeof kOrFields === "object" ? kOrFields : kOrFields === undefined ? {} : { k: kOrFields };
    // LangChain drops further arguments if the first is an object, but a filter must never be lost silently.
    return new EmbedlessRetriever<this>({
      filter,
      ...(callbacks && { callbacks }),
      ...(metadata && { metadata }),
      ...(verbose !== undefined && { verbose }),
      ...fields,
      tags: [...(fields.tags ?? tags ?? []), this._vectorstoreType()],
      vectorStore: this,
    });
  }

  /**
   * Copies the store while it is in use. `load` opens the copy. A store that was opened at that place is on disk
   * already and need not be saved.
   *
   * @param directory A folder, created if it is missing, or a name with an extension, which is a file. An existing
   *   store is replaced.
   * @throws `LOCKED` if the store to be replaced is in use, `NO_SPACE`, `IO`
   */
  override async save(directory: string): Promise<void> {
    const file = fileToSave(directory);
    const store = await this.store();
    if (resolve(file) !== store.path) await store.backup(file, { overwrite: true });
  }

  /** `fromExistingIndex` with its arguments in LangChain's order. */
  static override async load(directory: string, embeddings: EmbeddingsInterface): Promise<EmbedlessVectorStore> {
    // biome-ignore lint/complexity/noThisInStatic: `this` may be a subclass, which must make its own kind.
    return this.fromExistingIndex(embeddings, directory);
  }

  /**
   * Closes the file, and removes it if it was temporary. A store given as `{ store }` stays open. It may be called
   * twice.
   */
  async close(): Promise<void> {
    await this.#store.close();
  }

  async #add(
    documents: DocumentInterface[],
    options: AddDocumentsOptions | string[] = {},
    vectors?: number[][],
  ): Promise<string[]> {
    checkDocuments(documents);
    const { ids, ...rest } = Array.isArray(options) ? { ids: options } : (options ?? {});
    if (ids) checkLength("ids", ids, documents);
    // `map` would skip the holes that an array may have.
    const items = Array.from(documents, (document, place) =>
      toItem(document, { place, id: ids?.[place], vector: vectors?.[place] }),
    );
    const store = await this.store();
    const { ids: added, skippedAt } = await store.add(items, { ...rest, blank: rest.blank ?? this.#blank });
    this.#skipped.add(skippedAt, documents.length);
    return lineUp(added, skippedAt, items);
  }

  async #search(
    query: string | number[],
    k: number,
    filter: this["FilterType"] | undefined,
    options: SearchCallOptions = {},
  ): Promise<[Document<M>, number][]> {
    if (k < 1) {
      toFilter(filter);
      return [];
    }
    // A vector has no words, so it is searched by meaning.
    const byMeaning = typeof query === "string" ? {} : ({ mode: "vector" } as const);
    const { hits } = await this.#find(query, k, filter, { ...options, ...byMeaning });
    return hits.map((hit) => [toDocument<M>(hit), hit.score]);
  }

  async #find(
    query: string | number[],
    k: number,
    filter: this["FilterType"] | undefined,
    options: SearchCallOptions & Pick<SearchOptions, "includeVectors">,
  ): Promise<Pick<SearchResult, "hits" | "vector">> {
    const wanted = toFilter(filter as DocumentFilter | undefined);
    const hasNoWords = isEmpty(query);
    const store = await this.store();
    if (hasNoWords) return { hits: [] };
    return await store.search(query, {
      k: await withinStore(k, store),
      ...this.#dials,
      ...(wanted !== undefined && { filter: wanted }),
      ...options,
    });
  }
}
