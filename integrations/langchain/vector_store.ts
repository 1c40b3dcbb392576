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
 * LangChain's vector store over a file that keeps the texts and no vectors.
 *
 * Scores are cosine similarities: higher is better. Adding an id again replaces the document. Each document that comes
 * back carries its `id`. Filters are objects as MongoDB has them (see `Filter`; `BasicTranslator` of a self-query retriever
 * writes such ones), or functions over documents, which read every text: slow beyond some ten thousand. Either is applied
 * inside the search: it gives `k` documents whenever so many match. Anything else throws `INVALID_FILTER`.
 *
 * @typeParam M What the documents' metadata look like.
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
   * Opens nothing yet; the first call that needs the file does.
   *
   * @param embeddings What embeds documents and questions: any LangChain embeddings. Those of this package are best.
   * @param config Where the passages are; left out, a private temporary file.
   * @throws `METRIC_MISMATCH` or `MODEL_MISMATCH` if `config.store` compares by anything but cosine or embeds otherwise.
   */
  constructor(embeddings: EmbeddingsInterface, config: EmbedlessConfig = {}) {
    // LangChain would keep the second argument whole for serialisation; an open store has no place there.
    super(embeddings, {});
    if (typeof config !== "object" || config === null) throw invalid("Expected an object for the config of the store.");
    this.#dials = dialsOf(config);
    this.#blank = config.blank ?? "skip";
    this.#store = new LazyStore("LangChain", locationOf(config), () => toEmbedder(this.embeddings));
  }

  /** LangChain's name of this kind of store. */
  override _vectorstoreType(): string {
    return "embedless";
  }

  /**
   * A store filled with `texts`, one metadata object for each or one for all; texts that are left over have none. Config as
   * for the constructor.
   */
  static override async fromTexts(
    texts: string[],
    metadatas: object[] | object,
    embeddings: EmbeddingsInterface,
    config: EmbedlessConfig = {},
  ): Promise<EmbedlessVectorStore> {
    const documents = toDocuments(texts, metadatas);
    // `SemanticSimilarityExampleSelector.fromExamples` hands on all its options, its own ones among them.
    const { k: _, inputKeys: __, exampleKeys: ___, ...own } = config as EmbedlessConfig & Record<string, unknown>;
    // biome-ignore lint/complexity/noThisInStatic: `this` may be a subclass, which must make its own kind.
    return this.fromDocuments(documents, embeddings, own);
  }

  /** A store filled with `documents`. Config as for the constructor. If adding fails, the store is closed again. */
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
   * Opens a store that exists.
   *
   * @param where The file, a folder with `embedless.db` in it, or a config with `path`.
   * @throws `NOT_FOUND` if there is no such file, `MODEL_MISMATCH` if other embeddings made it.
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

  /** The core store beneath, opened if need be: for `get`, `count`, `stats`, `verify` and all else that LangChain lacks. */
  async store(): Promise<Store> {
    return await this.#store.open();
  }

  /** How many blank documents this object passed over so far, in place of adding them. */
  get skipped(): number {
    return this.#skipped.count;
  }

  /**
   * Adds documents; an id that is there already is replaced. All or none are added. A document that is blank has nothing to
   * be found by: it is passed over and counted (`skipped`), and what its id has already stays.
   *
   * @param options `ids` (or the bare array): one a document. They go before each document's `id`; where neither is
   *   given, an id is made. `blank`, `signal` and `onProgress` as in `VectorStore.add`.
   * @returns One id a document, in order; under that of a blank one `getByIds` finds nothing.
   */
  override async addDocuments(
    documents: DocumentInterface[],
    options?: AddDocumentsOptions | string[],
  ): Promise<string[]> {
    return this.#add(documents, options);
  }

  /**
   * Adds documents whose vectors are known, which saves embedding them. A store made with `vectors: "float16"` or another
   * form keeps them, whatever they stand for. Others do not, so some vectors are compared with what the embeddings make
   * of the text.
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
   * Deletes by id, by metadata, or everything; in one transaction.
   *
   * @throws `INVALID_ARGUMENT` unless exactly one of `ids`, `filter` and `deleteAll: true` is given; `INVALID_FILTER`.
   */
  override async delete(options?: DeleteOptions): Promise<void> {
    const what = toDelete(options);
    await (await this.store()).delete(what);
  }

  /**
   * The `k` documents closest to the question, best first. `k` below 1 gives none, and so does an empty question.
   *
   * @param _callbacks LangChain's; a store has nothing to tell them, retrievers do.
   * @param options The dials for this search alone, and a `signal` that stops it.
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

  /** As `similaritySearch`, each document with its cosine similarity. */
  override async similaritySearchWithScore(
    query: string,
    k = 4,
    filter?: this["FilterType"],
    _callbacks?: Callbacks,
    options?: SearchCallOptions,
  ): Promise<[Document<M>, number][]> {
    return this.#search(query, k, filter, options);
  }

  /** The `k` documents closest to a question's vector with their cosine similarity, best first. */
  override async similaritySearchVectorWithScore(
    query: number[],
    k: number,
    filter?: this["FilterType"],
    options?: SearchCallOptions,
  ): Promise<[Document<M>, number][]> {
    return this.#search(query, k, filter, options);
  }

  /**
   * Documents that are near the question and unlike each other (maximal marginal relevance, Carbonell and Goldstein 1998),
   * chosen among the nearest `fetchK`.
   *
   * @param options.k How many. Default 4.
   * @param options.fetchK Among how many. Default 20, and never fewer than `k`.
   * @param options.lambda 1: by nearness alone; 0: by difference alone. Default 0.5. Dials and `signal` as for
   *   `similaritySearch`, but always by meaning.
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

  /** The documents of these ids, in their order; those that the store does not have are left out. */
  async getByIds(ids: string[]): Promise<Document<M>[]> {
    const found = await (await this.store()).get(ids);
    return found.flatMap((passage) => (passage ? toDocument<M>(passage) : []));
  }

  /**
   * A retriever over this store; by default 4 documents a question, by similarity. With fields in place of a number
   * `searchType` may also be `"mmr"`, `"similarity_score_threshold"`, `"keyword"` or `"hybrid"`.
   */
  override asRetriever(
    kOrFields?: number | Partial<VectorStoreRetrieverInput<this>>,
    filter?: this["FilterType"],
    callbacks?: Callbacks,
    tags?: string[],
    metadata?: Record<string, unknown>,
    verbose?: boolean,
  ): EmbedlessRetriever<this>;
  /** With fields that LangChain's type does not know: more search types, the dials. */
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
    // LangChain drops arguments when the first is an object, and a filter must never be lost silently.
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
   * Copies the store while it is in use; `load` opens the copy. A store that was opened there already is on disk whatever
   * happens, and needs no saving.
   *
   * @param directory A folder, made if need be, or a name with an extension: a file. A store that is there is replaced.
   * @throws `LOCKED` if the store to be replaced is in use, `NO_SPACE`, `IO`
   */
  override async save(directory: string): Promise<void> {
    const file = fileToSave(directory);
    const store = await this.store();
    if (resolve(file) !== store.path) await store.backup(file, { overwrite: true });
  }

  /** `fromExistingIndex` with its arguments the way LangChain has them here. */
  static override async load(directory: string, embeddings: EmbeddingsInterface): Promise<EmbedlessVectorStore> {
    // biome-ignore lint/complexity/noThisInStatic: `this` may be a subclass, which must make its own kind.
    return this.fromExistingIndex(embeddings, directory);
  }

  /** Closes the file and removes it if it was temporary. A store given as `{ store }` stays open. May be called twice. */
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
    // Not map, which passes over the holes that some arrays have.
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
    // A vector has no words.
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
