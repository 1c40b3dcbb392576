import type { Callbacks } from "@langchain/core/callbacks/manager";
import { Document, type DocumentInterface } from "@langchain/core/documents";
import type { EmbeddingsInterface } from "@langchain/core/embeddings";
import { maximalMarginalRelevance } from "@langchain/core/utils/math";
import {
  type MaxMarginalRelevanceSearchOptions,
  VectorStore,
  type VectorStoreRetriever,
  type VectorStoreRetrieverInput,
} from "@langchain/core/vectorstores";
import {
  type AddOptions,
  VectorStore as CoreStore,
  EmbedlessError,
  type Filter,
  type Metadata,
  type OpenOptions,
  type SearchOptions,
  type SearchResult,
} from "../../src/index.js";
import { checkLength, checkWrapped, type DocumentFilter, invalid, toDocument, toFilter, toItem } from "./documents.js";
import { toEmbedder } from "./embeddings.js";
import { makeTemporaryFile, removeTemporaryFile, storeFile } from "./location.js";

/**
 * Where the passages are and how they are searched.
 *
 * - `{ path }`: a store file, or a folder with `embedless.db` in it; made on first use if missing. All options of
 *   `VectorStore.open` but embedder and metric apply.
 * - `{ store }`: an open core store, which stays the caller's to close.
 * - neither: a private temporary file, removed on `close()` or when the process exits.
 *
 * `recall` and `recompute` hold for every search. `mode: "hybrid"` or `"keyword"` brings in the words of questions, and
 * takes a store with `keywords: true`; their scores are no cosines, and questions given as vectors are searched by meaning.
 */
export type EmbedlessConfig = Pick<SearchOptions, "recall" | "recompute" | "mode"> &
  (
    | ({ path?: string; store?: undefined } & Omit<OpenOptions, "embedder" | "metric">)
    | { store: CoreStore; path?: undefined }
  );

/** Options of `addDocuments` and `addVectors`. */
export interface AddDocumentsOptions extends AddOptions {
  /** One id a document; goes before the document's own `id`. An id the store has already is replaced. */
  ids?: string[];
}

/** What to delete: exactly one of the three. */
export interface DeleteOptions {
  /** Ids to delete; those that the store does not have are ignored. */
  ids?: string[];
  /** Deletes the documents whose metadata match; one without conditions is refused. */
  filter?: Filter;
  /** Deletes everything. */
  deleteAll?: boolean;
}

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
export class EmbedlessVectorStore<M extends Metadata = Metadata> extends VectorStore {
  /** Conditions on metadata, or a function over documents. */
  declare FilterType: DocumentFilter<M>;
  readonly #config: EmbedlessConfig;
  readonly #temporary: boolean;
  #opening: Promise<CoreStore> | undefined;
  #file: string | undefined;
  #closed = false;

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
    this.#config = config;
    this.#temporary = config.store === undefined && config.path === undefined;
    if (config.store) checkWrapped(config.store, embeddings);
  }

  /** LangChain's name of this kind of store. */
  override _vectorstoreType(): string {
    return "embedless";
  }

  /** A store filled with `texts`, one metadata object for each or one for all. Config as for the constructor. */
  static override async fromTexts(
    texts: string[],
    metadatas: object[] | object,
    embeddings: EmbeddingsInterface,
    config: EmbedlessConfig = {},
  ): Promise<EmbedlessVectorStore> {
    const each = Array.isArray(metadatas) ? metadatas : texts.map(() => metadatas);
    checkLength("metadatas", each, texts);
    const documents = texts.map((pageContent, i) => new Document({ pageContent, metadata: each[i] }));
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
    const config = typeof where === "string" ? { path: where } : where;
    if (config.store === undefined && config.path === undefined) {
      throw invalid("Expected the path of an existing store file for where, but received none.");
    }
    const store = new this(embeddings, config.store ? config : { ...config, create: false });
    await store.store();
    return store;
  }

  /** The core store beneath, opened if need be: for `get`, `count`, `stats`, `verify` and all else that LangChain lacks. */
  async store(): Promise<CoreStore> {
    if (this.#closed) throw new EmbedlessError("CLOSED", "The vector store was closed.");
    this.#opening ??= this.#open().catch((error) => {
      this.#opening = undefined; // What was wrong (a lock, a missing folder) may be mended before the next call.
      throw error;
    });
    return this.#opening;
  }

  /**
   * Adds documents; an id that is there already is replaced. All or none are added.
   *
   * @param options `ids` (or the bare array): one a document. They go before each document's `id`; where neither is
   *   given, an id is made. `signal` and `onProgress` as in `VectorStore.add`.
   * @returns The ids, in order.
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
    checkLength("vectors", vectors, documents);
    return this.#add(documents, options, vectors);
  }

  /**
   * Deletes by id, by metadata, or everything; in one transaction.
   *
   * @throws `INVALID_ARGUMENT` unless exactly one of `ids`, `filter` and `deleteAll: true` is given; `INVALID_FILTER`.
   */
  override async delete(options?: DeleteOptions): Promise<void> {
    const { ids, filter, deleteAll } = options ?? {};
    toFilter(filter);
    const given = [ids !== undefined, filter !== undefined, deleteAll === true].filter(Boolean).length;
    if (given !== 1) {
      throw invalid(`Expected one of ids, filter and deleteAll: true for delete, but received ${given || "none"}.`);
    }
    const store = await this.store();
    await store.delete(ids ? { ids } : filter ? { filter } : { all: true });
  }

  /** The `k` documents closest to the question, best first. `k` below 1 gives none. */
  override async similaritySearch(query: string, k = 4, filter?: this["FilterType"]): Promise<Document<M>[]> {
    const found = await this.#search(query, k, filter);
    return found.map(([document]) => document);
  }

  /** The `k` documents closest to the question with their cosine similarity, best first. `k` below 1 gives none. */
  override async similaritySearchWithScore(
    query: string,
    k = 4,
    filter?: this["FilterType"],
  ): Promise<[Document<M>, number][]> {
    return this.#search(query, k, filter);
  }

  /** The `k` documents closest to a question's vector with their cosine similarity, best first. */
  override async similaritySearchVectorWithScore(
    query: number[],
    k: number,
    filter?: this["FilterType"],
  ): Promise<[Document<M>, number][]> {
    return this.#search(query, k, filter);
  }

  /**
   * Documents that are near the question and unlike each other (maximal marginal relevance, Carbonell and Goldstein 1998),
   * chosen among the nearest `fetchK`.
   *
   * @param options.k How many. Default 4.
   * @param options.fetchK Among how many. Default 20, and never fewer than `k`.
   * @param options.lambda 1: by nearness alone; 0: by difference alone. Default 0.5.
   */
  override async maxMarginalRelevanceSearch(
    query: string,
    { k = 4, fetchK = 20, lambda = 0.5, filter }: MaxMarginalRelevanceSearchOptions<this["FilterType"]>,
  ): Promise<Document<M>[]> {
    if (k < 1) return [];
    const { hits, vector } = await this.#find(query, Math.max(k, fetchK), filter, {
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

  /** A retriever over this store; by default 4 documents a question. */
  override asRetriever(
    kOrFields?: number | Partial<VectorStoreRetrieverInput<this>>,
    filter?: this["FilterType"],
    ...rest: [callbacks?: Callbacks, tags?: string[], metadata?: Record<string, unknown>, verbose?: boolean]
  ): VectorStoreRetriever<this> {
    // LangChain drops the second argument when the first is an object, and a filter must never be lost silently.
    const fields =
      typeof kOrFields === "object" && filter !== undefined
        ? ({ ...kOrFields, filter: kOrFields.filter ?? filter } as typeof kOrFields)
        : kOrFields;
    return super.asRetriever(fields, filter, ...rest);
  }

  /** Closes the file and removes it if it was temporary. A store given as `{ store }` stays open. May be called twice. */
  async close(): Promise<void> {
    this.#closed = true;
    const opening = this.#opening;
    this.#opening = undefined;
    if (opening && !this.#config.store) {
      // Whoever waits for a file that could not be opened gets the error; to close there is nothing.
      await opening.then(
        (store) => store.close(),
        () => {},
      );
    }
    if (this.#temporary && this.#file) removeTemporaryFile(this.#file);
  }

  async #open(): Promise<CoreStore> {
    if (this.#config.store) return this.#config.store;
    const { path, store: _, recall: __, recompute: ___, mode: ____, ...options } = this.#config;
    this.#file ??= path === undefined ? makeTemporaryFile() : storeFile(path);
    // Nobody reads a temporary file after a power cut.
    if (this.#temporary) options.durability ??= "normal";
    return CoreStore.open(this.#file, { ...options, metric: "cosine", embedder: toEmbedder(this.embeddings) });
  }

  async #add(
    documents: DocumentInterface[],
    options: AddDocumentsOptions | string[] = {},
    vectors?: number[][],
  ): Promise<string[]> {
    const { ids, ...rest } = Array.isArray(options) ? { ids: options } : options;
    if (ids) checkLength("ids", ids, documents);
    const store = await this.store();
    const items = documents.map((document, i) => toItem(document, ids?.[i], vectors?.[i]));
    const { ids: added } = await store.add(items, rest);
    return added;
  }

  async #search(
    query: string | number[],
    k: number,
    filter: this["FilterType"] | undefined,
  ): Promise<[Document<M>, number][]> {
    if (k < 1) {
      toFilter(filter);
      return [];
    }
    // A vector has no words.
    const { mode } = this.#config;
    const { hits } = await this.#find(query, k, filter, typeof query === "string" && mode ? { mode } : {});
    return hits.map((hit) => [toDocument<M>(hit), hit.score]);
  }

  async #find(
    query: string | number[],
    k: number,
    filter: this["FilterType"] | undefined,
    options: Pick<SearchOptions, "mode" | "includeVectors">,
  ): Promise<SearchResult> {
    const wanted = toFilter(filter as DocumentFilter | undefined);
    const store = await this.store();
    const { recall, recompute } = this.#config;
    return await store.search(query, {
      k: k > COMMON_K ? Math.min(k, Math.max(1, await store.count())) : k,
      ...(recall !== undefined && { recall }),
      ...(recompute !== undefined && { recompute }),
      ...(wanted !== undefined && { filter: wanted }),
      ...options,
    });
  }
}

/** The core limits `k`, LangChain callers mean "all" by large ones: beyond this, see how many documents there are. */
const COMMON_K = 1_000;
