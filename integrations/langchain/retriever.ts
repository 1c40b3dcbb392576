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
 * - `"similarity"` (default): by meaning, or as the store's `mode` says.
 * - `"mmr"`: near the question and unlike each other; see `maxMarginalRelevanceSearch`.
 * - `"similarity_score_threshold"`: at most `k`, and only those whose score reaches `searchKwargs.scoreThreshold`.
 * - `"keyword"`, `"hybrid"`: by words, or by words and meaning; the store must have been made with `keywords: true`.
 */
export type SearchType = (typeof SEARCH_TYPES)[number];
const SEARCH_TYPES = ["similarity", "mmr", "similarity_score_threshold", "keyword", "hybrid"] as const;

/** What `asRetriever` takes. */
export interface EmbedlessRetrieverFields<FilterType = DocumentFilter> extends BaseRetrieverInput, SearchDials {
  /** Most documents a question. Default 4. */
  k?: number;
  filter?: FilterType | undefined;
  /** Default `"similarity"`. */
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
 * LangChain's retriever over an `EmbedlessVectorStore`, with all that the store can do: more kinds of search, the dials, and
 * `invoke(question, { signal })`, which really stops the embedding.
 */
export class EmbedlessRetriever<V extends VectorStore = VectorStore> extends VectorStoreRetriever<V> {
  /** Least score, by `searchType` `"similarity_score_threshold"`. */
  readonly scoreThreshold: number | undefined;
  /** The dials that go before the store's. */
  readonly dials: SearchDials;
  /** Stops every search of this retriever. */
  readonly signal: AbortSignal | undefined;

  /**
   * Searches nothing yet. `asRetriever` makes them.
   *
   * @throws `INVALID_ARGUMENT` for a `searchType` that does not exist, or one with a threshold that lacks it
   */
  constructor({
    searchType = "similarity",
    searchKwargs = {},
    ...fields
  }: EmbedlessRetrieverFields<V["FilterType"]> & { vectorStore: V }) {
    // By "mmr" LangChain keeps the arguments; what it does not know of is sorted out below.
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
    // LangChain does not hand the signal on: this run gets a retriever of its own that has it.
    const { signal } = options ?? {};
    const self = signal ? (Object.create(this, { signal: { value: signal } }) as this) : this;
    return super.invoke.call(self, input, options);
  }

  /** What `invoke` runs inside its callbacks. */
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

/** LangChain spreads such objects over its defaults, where `undefined` would win. */
function withoutUndefined<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, v]) => v !== undefined)) as T;
}
