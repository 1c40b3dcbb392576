import type { Hit, SearchCost, SearchResult } from "../api/search.js";
import { wrongType } from "../base/errors.js";
import type { OpenStore } from "../memory/open_store.js";
import { acrossNumberings } from "../storage/meta.js";
import { KeywordSearch } from "./by_keywords.js";
import { type Question, VectorSearch } from "./by_vector.js";
import { noCost } from "./session.js";

/** Fewest entries per list that are fused. Later entries do not change the answer. */
const LEAST_FUSED = 10;
/** Fewest entries of the list by words. They cost next to nothing. */
const LEAST_BY_WORDS = 50;

/** Answers questions to a store by meaning, by words or by both; see `SearchOptions.mode`. */
export class Search {
  readonly #store: OpenStore;
  readonly #byVector: VectorSearch;
  readonly #byKeywords: KeywordSearch;

  constructor(store: OpenStore) {
    this.#store = store;
    this.#byVector = new VectorSearch(store);
    this.#byKeywords = new KeywordSearch(store.database, store.passages);
  }

  /** See `VectorStore.search`. */
  async answer(question: Question): Promise<SearchResult> {
    const { query, settings } = question;
    if (settings.mode === "vector") return await this.#byVector.search(question);
    if (typeof query !== "string") throw wrongType("query", `a text, which mode "${settings.mode}" needs,`, query);
    const startedAt = performance.now();
    if (settings.mode === "hybrid") return await this.#fused({ ...question, query }, startedAt);
    const { hits, keywordMs } = await this.#worded({ ...question, query }, settings.k, startedAt);
    const cost: SearchCost = { ...noCost(), queryMs: 0, keywordMs, totalMs: performance.now() - startedAt };
    return { hits, expectedRecall: undefined, cost };
  }

  async #fused(question: WordedQuestion, startedAt: number): Promise<SearchResult> {
    const { settings, filter, signal } = question;
    // Both searches ask for the filter at the same time. Evaluating it first does it once for both.
    if (filter) await this.#store.filters.matching(filter, signal);
    const depth = Math.max(settings.k, LEAST_FUSED);
    const both = [
      this.#byVector.search({ ...question, settings: { ...settings, k: depth } }),
      this.#worded(question, Math.max(depth, LEAST_BY_WORDS), startedAt),
    ] as const;
    const [near, worded] = await Promise.all(both);
    const cost = { ...near.cost, keywordMs: worded.keywordMs, totalMs: performance.now() - startedAt };
    return { ...near, hits: fuseHits(near.hits, worded.hits).slice(0, settings.k), cost };
  }

  async #worded({ query: text, settings, filter, signal }: WordedQuestion, limit: number, startedAt: number) {
    const matches = await acrossNumberings(async () => {
      const selected = filter && { condition: filter, matching: await this.#store.filters.matching(filter, signal) };
      return await this.#byKeywords.search({ text, limit, filter: selected, signal });
    });
    const hits: Hit[] = matches.map(({ row: { id, text, metadata }, score }) => {
      return { id, text, metadata, score, ...(settings.explain && { explain: byWords(score) }) };
    });
    return { hits, keywordMs: performance.now() - startedAt };
  }
}

type WordedQuestion = Question & { readonly query: string };

function byWords(keyword: number): NonNullable<Hit["explain"]> {
  return { estimate: undefined, sigma: undefined, chance: undefined, exact: undefined, source: "none", keyword };
}

function fuseHits(near: readonly Hit[], worded: readonly Hit[]): Hit[] {
  const scores = new Map(worded.map(({ id, score }) => [id, score]));
  return fuse([near, worded], ({ id }) => id).map(({ item, score }) => {
    const { explain } = item;
    return { ...item, score, ...(explain && { explain: { ...explain, keyword: scores.get(item.id) } }) };
  });
}

/**
 * Reciprocal rank fusion (Cormack, Clarke and Buettcher, SIGIR 2009): entries that rank high in several lists come
 * first, whatever their scores mean.
 */

/** The constant of the paper. It says how little the difference between the first places counts. */
const RANK_CONSTANT = 60;

/** One entry of the fused list. */
export interface Fused<T> {
  readonly item: T;
  /** Sum of 1 / (60 + rank) over the lists. Ranks are counted from 1. */
  readonly score: number;
}

/**
 * Fuses lists, each best first, into one. Of entries with the same key, the one of the earliest list is taken. Equal
 * scores keep the order of the lists.
 */
export function fuse<T>(lists: readonly (readonly T[])[], keyOf: (item: T) => string): Fused<T>[] {
  const fused = new Map<string, { item: T; score: number }>();
  for (const list of lists) {
    for (const [i, item] of list.entries()) {
      const share = 1 / (RANK_CONSTANT + i + 1);
      const known = fused.get(keyOf(item));
      if (known) known.score += share;
      else fused.set(keyOf(item), { item, score: share });
    }
  }
  return [...fused.values()].sort((a, b) => b.score - a.score);
}
