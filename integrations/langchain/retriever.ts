import type { CallbackManagerForRetrieverRun, Callbacks } from "@langchain/core/callbacks/manager";
import type { Document, DocumentInterface } from "@langchain/core/documents";
import type { BaseRetrieverInput } from "@langchain/core/retrievers";
import type { RunnableConfig } from "@langchain/core/runnables";
import {
  type MaxMarginalRelevanceSearchOptions,
  type VectorStore,
  VectorStoreRetriever,
  type VectorStoreRetrieverInput,
} from "@langchain/core/vectorstores";
import { invalid } from "../errors.js";
import { dialsOf, type SearchDials } from "../search_dials.js";
import type { SearchCallOptions } from "./config.js";
import type { DocumentFilter } from "./documents.js";

/**
 * How a retriever searches.
 *
 * - `"similarity"` (default): by meaning, or by the store's `mode`.
 * - `"mmr"`: near the question and different from each other; see `maxMarginalRelevanceSearch`.
 * - `"similarity_score_threshold"`: at most `k`, and only those whose score reaches `searchKwargs.scoreThreshold`.
 * - `"keyword"`, `"hybrid"`: by words, or by words and meaning. The store must have been created with `keywords: true`.
 */
export type SearchType = (typeof SEARCH_TYPES)[number];
const SEARCH_TYPES = ["similarity", "mmr", "similarity_score_threshold", "keyword", "hybrid"] as const;

/** Options of `asRetriever`. */
export interface EmbedlessRetrieverFields<FilterType = DocumentFilter> extends BaseRetrieverInput, SearchDials {
  /** Most documents per question. Default 4. */
  k?: number;
  filter?: FilterType | undefined;
  /** How the retriever searches. Default `"similarity"`. */
  searchType?: SearchType;
  /** `fetchK` and `lambda` for `"mmr"`, `scoreThreshold` for `"similarity_score_threshold"`. */
  searchKwargs?: { fetchK?: number; lambda?: number; scoreThreshold?: number };
}

/** What a retriever asks of its store. */
interface Searched {
  similaritySearch(...question: Question): Promise<Document[]>;
  similaritySearchWithScore(...question: Question): Promise<[Document, number][]>;
  maxMarginalRelevanceSearch(
    query: string,
    options: MaxMarginalRelevanceSearchOptions<DocumentFilter> & SearchCallOptions,
    callbacks?: Callbacks,
  ): Promise<Document[]>;
}
type Question = [
  query: string,
  k: number,
  filter: DocumentFilter | undefined,
  callbacks: Callbacks | undefined,
  options: SearchCallOptions,
];

/**
 * LangChain's retriever over an `EmbedlessVectorStore`, with more kinds of search, the options of the store's search,
 * and `invoke(question, { signal })`, which also stops the embedding.
 */
export class EmbedlessRetriever<V extends VectorStore = VectorStore> extends VectorStoreRetriever<V> {
  /** Lowest score, for the `searchType` `"similarity_score_threshold"`. */
  readonly scoreThreshold: number | undefined;
  /** Search options that override the store's. */
  readonly dials: SearchDials;
  /** Stops every search of this retriever. */
  readonly signal: AbortSignal | undefined;

  /**
   * Searches nothing yet. Use `asRetriever` to create one.
   *
   * @throws `INVALID_ARGUMENT` for an unknown `searchType`, or if the threshold is missing that it needs
   */
  constructor({
    searchType = "similarity",
    searchKwargs = {},
    ...fields
  }: EmbedlessRetrieverFields<V["FilterType"]> & { vectorStore: V }) {
    // With "mmr" LangChain keeps the arguments. The kinds that it does not know are handled below.
    const known = { ...fields, searchType: "mmr", searchKwargs: withoutUndefined(searchKwargs) };
    super(withoutUndefined(known) as VectorStoreRetrieverInput<V>);
    if (!SEARCH_TYPES.includes(searchType)) {
      throw invalid(`Expected one of ${SEARCH_TYPES.join(", ")} for searchType, but received ${String(searchType)}.`);
    }
    const { scoreThreshold } = searchKwargs;
    if (searchType === "similarity_score_threshold" && !Number.isFinite(scoreThreshold)) {
      throw invalid(`Expected a number for searchKwargs.scoreThreshold, but received ${String(scoreThreshold)}.`);
    }
    this.searchType = searchType;
    this.scoreThreshold = searchType === "similarity_score_threshold" ? scoreThreshold : undefined;
    const isMode = searchType === "keyword" || searchType === "hybrid";
    this.dials = { ...dialsOf(fields), ...(isMode && { mode: searchType }) };
  }

  /** Finds documents. `options.signal` stops the search with `ABORTED`. */
  override async invoke(input: string, options?: RunnableConfig): Promise<DocumentInterface[]> {
    // LangChain does not pass the signal on, so this run gets its own retriever with the signal.
    const { signal } = options ?? {};
    const self = signal ? (Object.create(this, { signal: { value: signal } }) as this) : this;
    return super.invoke.call(self, input, options);
  }

  /** The search itself, which `invoke` runs inside its callbacks. */
  override async _getRelevantDocuments(
    query: string,
    runManager?: CallbackManagerForRetrieverRun,
  ): Promise<Document[]> {
    const callbacks = runManager?.getChild("vectorstore");
    const { k } = this;
    const vectorStore = this.vectorStore as unknown as Searched;
    const filter = this.filter as DocumentFilter | undefined;
    const options: SearchCallOptions = { ...this.dials, ...(this.signal && { signal: this.signal }) };
    if (this.searchType === "mmr") {
      const mmr = { k, ...(filter !== undefined && { filter }), ...this.searchKwargs, ...options };
      return await vectorStore.maxMarginalRelevanceSearch(query, mmr, callbacks);
    }
    const least = this.scoreThreshold;
    if (least === undefined) return await vectorStore.similaritySearch(query, k, filter, callbacks, options);
    const found = await vectorStore.similaritySearchWithScore(query, k, filter, callbacks, options);
    return found.flatMap(([document, score]) => (score >= least ? document : []));
  }
}

/** LangChain spreads such objects over its defaults, so an `undefined` would override a default. */
function withoutUndefined<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, v]) => v !== undefined)) as T;
}
