import { throwIfAborted } from "../errors.js";
import type { resolveSearchOptions } from "../options.js";
import type { FilterTree } from "../passage/filter.js";
import { matches } from "../passage/filter_match.js";
import type { PassageRow, Passages } from "../passage/passages.js";
import type { Hit, SearchResult } from "../types.js";
import type { CodeIndex } from "./code_index.js";
import type { FilterBitmaps, Matching } from "./filter_bitmap.js";
import { Flights } from "./flights.js";
import type { Model } from "./model.js";
import { planSearch } from "./plan.js";
import { Recompute } from "./recompute.js";
import { type Ranking, searchIndex } from "./search.js";
import { requireVector } from "./vectors.js";

type Settings = ReturnType<typeof resolveSearchOptions>;

/** How often a search starts over because passages it found were deleted meanwhile. */
const MAX_ATTEMPTS = 4;

/** Answers questions to a store: question to vector, vector to nodes, nodes to passages. */
export class Searcher {
  readonly #index: CodeIndex;
  readonly #passages: Passages;
  readonly #filters: FilterBitmaps;
  readonly #model: () => Promise<Model>;
  readonly #recompute: Recompute;

  constructor(
    index: CodeIndex,
    passages: Passages,
    filters: FilterBitmaps,
    model: () => Promise<Model>,
    cacheBytes: number,
  ) {
    this.#index = index;
    this.#passages = passages;
    this.#filters = filters;
    this.#model = model;
    const flights = new Flights(async (texts, signal) => (await model()).embedPassages(texts, { signal }));
    this.#recompute = new Recompute(flights, (nodes) => this.#texts(nodes), cacheBytes);
  }

  /** One search; see `VectorStore.search`. */
  async search(
    question: string | Float32Array,
    settings: Settings,
    filter: FilterTree | undefined,
    signal: AbortSignal,
  ): Promise<SearchResult> {
    const before = performance.now();
    throwIfAborted(signal);
    await this.#index.refresh();
    const matching = filter && (await this.#matchingNow(filter, signal));
    const vector = await this.#questionVector(question, matching, signal);
    const queryMs = performance.now() - before;
    const { ranking, rows } = await this.#rank(vector, settings, filter, signal);
    const hits = toHits(ranking, rows, settings);
    return { hits, cost: { ...ranking.cost, queryMs, totalMs: performance.now() - before } };
  }

  /** `undefined` when there is nothing to find: the model is not started for that. */
  async #questionVector(
    question: string | Float32Array,
    matching: Matching | undefined,
    signal: AbortSignal,
  ): Promise<Float32Array | undefined> {
    const index = this.#index.current;
    if (index === undefined || index.live === 0) return undefined;
    const isText = typeof question === "string";
    if (isText && matching?.count === 0) return undefined;
    const vector = isText ? await (await this.#model()).embedQuestion(question, signal) : question;
    requireVector(vector, index.coder, isText ? "the question's vector" : "query");
    return vector;
  }

  /** Ranks, and reads the passages found. Starts over if some were deleted between the two, or no longer match. */
  async #rank(
    vector: Float32Array | undefined,
    { k, recall, maxRecomputes }: Settings,
    filter: FilterTree | undefined,
    signal: AbortSignal,
  ): Promise<{ ranking: Ranking; rows: Map<number, PassageRow> }> {
    const plan = planSearch(k, recall, maxRecomputes);
    for (let attempt = 1; ; attempt++) {
      const matching = filter && (await this.#matchingNow(filter, signal));
      const index = this.#index.current;
      if (index === undefined || vector === undefined) return { ranking: nothing(), rows: new Map() };
      const options = { k, plan, recompute: this.#recompute, signal, filter: matching?.bits };
      const ranking = await searchIndex(index, vector, options);
      const rows = this.#passages.byNodes(ranking.nodes);
      for (const [node, { metadata }] of rows) if (filter && !matches(filter, metadata)) rows.delete(node);
      if (rows.size === ranking.nodes.length || attempt === MAX_ATTEMPTS) return { ranking, rows };
      await this.#index.refresh();
    }
  }

  /**
   * The nodes that match, as of the same version as the codes in memory: a passage that was replaced between the two has
   * another node in each. While others write without a pause, the newest codes have to do.
   */
  async #matchingNow(filter: FilterTree, signal: AbortSignal): Promise<Matching> {
    for (let attempt = 1; ; attempt++) {
      const matching = await this.#filters.matching(filter, signal);
      await this.#index.refresh();
      if (matching.version === this.#index.version || attempt === MAX_ATTEMPTS) return matching;
    }
  }

  /** Texts for recomputing; nodes whose passage was deleted meanwhile are left out. */
  #texts(nodes: number[]): Map<number, string> {
    return new Map([...this.#passages.byNodes(nodes)].map(([node, { text }]) => [node, text]));
  }
}

function toHits(ranking: Ranking, rows: Map<number, PassageRow>, { explain, includeVectors }: Settings): Hit[] {
  return ranking.nodes.flatMap((node, i) => {
    const row = rows.get(node);
    if (row === undefined) return [];
    const { id, text, metadata } = row;
    const vector = includeVectors ? ranking.vectors.get(node) : undefined;
    return {
      id,
      text,
      metadata,
      score: ranking.scores[i]!,
      ...(vector && { vector: vector.slice() }),
      ...(explain && { explain: ranking.explanations[i]! }),
    };
  });
}

function nothing(): Ranking {
  const cost = { recomputed: 0, embedded: 0, scanned: 0, dismissed: 0, scanMs: 0, readMs: 0, recomputeMs: 0 };
  return { nodes: [], scores: [], explanations: [], vectors: new Map(), cost };
}
