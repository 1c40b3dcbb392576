import { throwIfAborted } from "../errors.js";
import type { resolveOpenOptions, resolveSearchOptions } from "../options.js";
import type { PassageRow, Passages } from "../passage/passages.js";
import type { Hit, SearchResult } from "../types.js";
import type { CodeIndex } from "./code_index.js";
import { Deadline } from "./deadline.js";
import { Flights } from "./flights.js";
import { LiveCalibration } from "./live_calibration.js";
import type { Model } from "./model.js";
import { planSearch } from "./plan.js";
import { Recompute } from "./recompute.js";
import { noCost, type Ranking, searchIndex } from "./search.js";
import { requireVector } from "./vectors.js";

type Settings = ReturnType<typeof resolveSearchOptions>;

/** How often a search starts over because passages it found were deleted meanwhile. */
const MAX_ATTEMPTS = 4;

/** Answers questions to a store: question to vector, vector to nodes, nodes to passages. */
export class Searcher {
  readonly #index: CodeIndex;
  readonly #passages: Passages;
  readonly #model: () => Promise<Model>;
  readonly #recompute: Recompute;
  readonly #live: LiveCalibration | undefined;

  /** @param settings Memory for vectors, and whether queries may change the bound of those to come. */
  constructor(
    index: CodeIndex,
    passages: Passages,
    model: () => Promise<Model>,
    settings: Pick<ReturnType<typeof resolveOpenOptions>, "cacheBytes" | "calibration">,
  ) {
    this.#index = index;
    this.#passages = passages;
    this.#model = model;
    const embedder = async () => (await model()).embedder;
    const flights = new Flights(async (texts, signal) => (await model()).embedPassages(texts, { signal }));
    this.#recompute = new Recompute(flights, (nodes) => this.#texts(nodes), settings.cacheBytes, embedder);
    this.#live = settings.calibration === "live" ? new LiveCalibration() : undefined;
  }

  /** One search; see `VectorStore.search`. */
  async search(question: string | Float32Array, settings: Settings, signal: AbortSignal): Promise<SearchResult> {
    const before = performance.now();
    throwIfAborted(signal);
    const deadline = settings.deadlineMs === undefined ? undefined : new Deadline(settings.deadlineMs, before);
    try {
      await this.#index.refresh();
      const asked = performance.now();
      const vector = await this.#questionVector(question, signal);
      const queryMs = performance.now() - asked;
      const { ranking, rows } = await this.#rank(vector, settings, deadline, signal);
      const hits = toHits(ranking, rows, settings);
      const cost = { ...ranking.cost, queryMs, totalMs: performance.now() - before };
      return { hits, expectedRecall: ranking.expectedRecall, cost };
    } finally {
      deadline?.end();
    }
  }

  /** `undefined` when there is nothing to find: the model is not started for that. */
  async #questionVector(question: string | Float32Array, signal: AbortSignal): Promise<Float32Array | undefined> {
    const index = this.#index.current;
    if (index === undefined || index.live === 0) return undefined;
    const isText = typeof question === "string";
    const vector = isText ? await (await this.#model()).embedQuestion(question, signal) : question;
    requireVector(vector, index.coder, isText ? "the question's vector" : "query");
    return vector;
  }

  /** Ranks, and reads the passages found. Starts over if some were deleted between the two. */
  async #rank(
    vector: Float32Array | undefined,
    { k, recall, maxRecomputes, scores }: Settings,
    deadline: Deadline | undefined,
    signal: AbortSignal,
  ): Promise<{ ranking: Ranking; rows: Map<number, PassageRow> }> {
    if (vector === undefined) return { ranking: nothing(), rows: new Map() };
    const source = this.#recompute;
    for (let attempt = 1; ; attempt++) {
      const index = this.#index.current;
      if (index === undefined) return { ranking: nothing(), rows: new Map() };
      const plan = planSearch(k, recall, { code: index.coder, scores, maxRecomputes });
      const sigmaScale = this.#live?.scaleFor(index.coder);
      const ranking = await searchIndex(index, vector, { k, plan, source, signal, deadline, sigmaScale });
      const rows = this.#passages.byNodes(ranking.nodes);
      if (rows.size === ranking.nodes.length || attempt === MAX_ATTEMPTS) {
        this.#live?.observe(index.coder, ranking.firstRound);
        return { ranking, rows };
      }
      await this.#index.refresh();
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

/** The ranking of an empty store: all that there is was found. */
function nothing(): Ranking {
  const firstRound = { count: 0, sumSquares: 0 };
  return { nodes: [], scores: [], explanations: [], vectors: new Map(), expectedRecall: 1, firstRound, cost: noCost() };
}
