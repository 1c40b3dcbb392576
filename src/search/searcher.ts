import { throwIfAborted } from "../errors.js";
import type { NativeCoder, NativeIndex } from "../native.js";
import type { resolveOpenOptions, resolveSearchOptions } from "../options.js";
import { type Condition, holds } from "../passage/filter_match.js";
import type { PassageRow, Passages } from "../passage/passages.js";
import { acrossNumberings, Renumbered } from "../storage/numbering.js";
import { nextTurn } from "../turns.js";
import type { Hit, SearchResult } from "../types.js";
import { Deadline } from "./deadline.js";
import type { FilterBitmaps, Matching } from "./filter_bitmap.js";
import { Flights } from "./flights.js";
import { walkWithoutCodes } from "./graph_alone.js";
import type { KeptVectors } from "./kept_vectors.js";
import { LiveCalibration } from "./live_calibration.js";
import type { Model } from "./model.js";
import { excessOf, isImpossible, isRounding, largestScore, MOST_WIDENED, ModelDoubt } from "./model_doubt.js";
import { planSearch } from "./plan.js";
import { type ExactVectors, Recompute } from "./recompute.js";
import { costWith, noCost, type Ranking, searchIndex } from "./search.js";
import { requireVector } from "./vectors.js";
import type { View, Views } from "./view.js";
import { chooseWalk } from "./walk.js";

type Settings = ReturnType<typeof resolveSearchOptions>;

/** What searches are made of. */
export interface SearchParts {
  views: Views;
  passages: Passages;
  filters: FilterBitmaps;
  model: () => Promise<Model>;
  /** The vectors that the store keeps; `undefined` if they are recomputed from texts. */
  kept: () => KeptVectors | undefined;
  /** Those of passages that wait for a graph, in a store without codes, before others'. */
  waiting: (others: ExactVectors) => ExactVectors;
}

/** Passages read between two turns of the event loop: a few milliseconds. */
const READ_SLICE = 256;
/** How often a search starts over because passages it found were deleted meanwhile. */
const MAX_ATTEMPTS = 4;

/** Answers questions to a store: question to vector, vector to nodes, nodes to passages. */
export class Searcher {
  readonly #views: Views;
  readonly #passages: Passages;
  readonly #filters: FilterBitmaps;
  readonly #model: () => Promise<Model>;
  readonly #flights: Flights;
  readonly #cacheBytes: number;
  /** What recomputes by nodes of one numbering. */
  #recomputed: { readonly numbering: number; readonly recompute: Recompute } | undefined;
  readonly #live: LiveCalibration | undefined;
  readonly #doubt = new ModelDoubt();
  readonly #kept: () => KeptVectors | undefined;
  readonly #waiting: SearchParts["waiting"];

  /** @param settings Memory for vectors, and whether queries may change how much those to come look at. */
  constructor(
    { views, passages, filters, model, kept, waiting }: SearchParts,
    settings: Pick<ReturnType<typeof resolveOpenOptions>, "cacheBytes" | "calibration">,
  ) {
    this.#views = views;
    this.#passages = passages;
    this.#filters = filters;
    this.#model = model;
    this.#kept = kept;
    this.#waiting = waiting;
    this.#flights = new Flights(async (texts, signal) => (await model()).embedPassages(texts, { signal }));
    this.#cacheBytes = settings.cacheBytes;
    this.#live = settings.calibration === "live" ? new LiveCalibration() : undefined;
  }

  /** One search; see `VectorStore.search`. */
  async search(
    question: string | Float32Array,
    settings: Settings,
    filter: Condition | undefined,
    signal: AbortSignal,
  ): Promise<SearchResult> {
    const before = performance.now();
    throwIfAborted(signal);
    const deadline = settings.deadlineMs === undefined ? undefined : new Deadline(settings.deadlineMs, before);
    try {
      const view = await acrossNumberings(() => this.#filteredView(filter, signal));
      const begun = performance.now();
      const vector = await this.#questionVector(question, view, signal);
      const queryMs = performance.now() - begun;
      const { ranking, rows } = await acrossNumberings(
        () => this.#rank(vector, settings, filter, deadline, signal),
        async () => {
          await this.#views.newest();
        },
      );
      const hits = toHits(ranking, rows, settings);
      const cost = { ...ranking.cost, queryMs, keywordMs: 0, totalMs: performance.now() - before };
      const asked = settings.includeVectors && vector && { vector: vector.slice() };
      return { hits, expectedRecall: ranking.expectedRecall, ...asked, cost };
    } finally {
      deadline?.end();
    }
  }

  /** `undefined` when there is nothing to find: the model is not started for that. */
  async #questionVector(
    question: string | Float32Array,
    { rows, matching }: FilteredView,
    signal: AbortSignal,
  ): Promise<Float32Array | undefined> {
    if (rows === undefined || rows.live === 0) return undefined;
    const isText = typeof question === "string";
    if (isText && matching?.count === 0) return undefined;
    const vector = isText ? await (await this.#model()).embedQuestion(question, signal) : question;
    requireVector(vector, rows.coder, isText ? "the question's vector" : "query");
    return vector;
  }

  /** Ranks, and reads the passages found. Starts over if some were deleted between the two, or no longer match. */
  async #rank(
    vector: Float32Array | undefined,
    { k: most, recall, maxRecomputes, scores, walk: asked, includeVectors }: Settings,
    filter: Condition | undefined,
    deadline: Deadline | undefined,
    signal: AbortSignal,
  ): Promise<{ ranking: Ranking; rows: Map<number, PassageRow> }> {
    if (vector === undefined) return { ranking: nothing(), rows: new Map() };
    let spent = noCost();
    const repeats: Repeats = { proofs: 0, widening: 1 };
    for (let attempt = 1; ; attempt++) {
      const view: FilteredView =
        (filter === undefined && this.#views.current) || (await this.#filteredView(filter, signal));
      const { rows: index, graph, numbering, matching } = view;
      if (index === undefined) return { ranking: nothing(), rows: new Map() };
      const k = Math.min(most, Math.max(1, matching?.count ?? index.live));
      const recompute = this.#recomputedOf(numbering);
      const source = this.#sourceOf(recompute, index.coder, numbering);
      const plan = planSearch(k, recall, { code: index.coder, scores, maxRecomputes });
      const learned = (this.#live?.scaleFor(index.coder) ?? 1) * this.#doubt.scaleFor(index.coder);
      const sigmaScale = Math.min(MOST_WIDENED, learned * repeats.widening);
      const wanted = { asked, k, recall, scores, maxRecomputes, allowed: matching?.count };
      const isAlone = index.coder.kind === "none" && graph !== undefined;
      const walk = isAlone ? walkWithoutCodes(index, graph, wanted) : chooseWalk(index, graph, wanted);
      const options = { k, plan, source, signal, deadline, sigmaScale, walk, filter: matching?.bits };
      const ranking = await searchIndex(index, vector, options);
      spent = costWith(spent, ranking.cost);
      const rows = await this.#rowsOf(ranking.nodes, numbering, signal);
      for (const [node, row] of rows) if (filter && !holds(filter, row)) rows.delete(node);
      if (rows.size === ranking.nodes.length || attempt === MAX_ATTEMPTS) {
        const verdict =
          this.#kept() === undefined && index.coder.kind !== "none"
            ? await this.#compareWithCodes(recompute, index.coder, vector, ranking)
            : "fits";
        const mayRepeat = deadline === undefined && attempt < MAX_ATTEMPTS;
        if (mayRepeat && this.#helpsToRepeat(verdict, repeats, index.coder, ranking)) continue;
        if (verdict !== "fits" || this.#doubt.scaleFor(index.coder) > 1) ranking.expectedRecall = undefined;
        this.#live?.observe(index.coder, ranking.firstRound);
        if (includeVectors) addCodedVectors(ranking, index);
        return { ranking: { ...ranking, cost: spent }, rows };
      }
      await this.#views.newest();
    }
  }

  /** The passages of nodes; those that were deleted meanwhile are left out. */
  async #rowsOf(nodes: readonly number[], numbering: number, signal: AbortSignal): Promise<Map<number, PassageRow>> {
    const rows = this.#passages.byNodes(nodes.slice(0, READ_SLICE), numbering);
    for (let at = READ_SLICE; at < nodes.length; at += READ_SLICE) {
      await nextTurn();
      throwIfAborted(signal);
      for (const [node, row] of this.#passages.byNodes(nodes.slice(at, at + READ_SLICE), numbering))
        rows.set(node, row);
    }
    return rows;
  }

  /**
   * A model that was changed behind its name changes the exact scores and not the codes. Where the two disagree the canaries
   * decide: a model that still gives their vectors gives right scores, and it is the codes that say too little. (What is
   * wrong with these, `verify` finds out: they may not be those of the texts.)
   *
   * @throws EmbedlessError `MODEL_MISMATCH`, or the embedder's failure
   */
  async #compareWithCodes(
    recompute: Recompute,
    coder: NativeCoder,
    question: Float32Array,
    { firstRound, explanations, nodes, vectors }: Ranking,
  ): Promise<Verdict> {
    const found = nodes.flatMap((node) => vectors.get(node) ?? []);
    const isOff = isImpossible(coder, explanations);
    if (isRounding(explanations, largestScore(coder.metric, question, found))) return isOff ? "rounded" : "fits";
    if (!this.#doubt.observe(coder, firstRound) && !isOff) return "fits";
    recompute.forget();
    await (await this.#model()).proveAgain();
    return isOff ? "contradicted" : "fits";
  }

  /** Whether a search does better when it is done again, with vectors that the proved model makes now or with wider errors. */
  #helpsToRepeat(verdict: Verdict, repeats: Repeats, coder: NativeCoder, { explanations }: Ranking): boolean {
    if (verdict === "fits") return false;
    if (verdict === "contradicted") return ++repeats.proofs === 1 || this.#doubt.widen(coder, explanations);
    if (repeats.widening > 1) return false;
    repeats.widening = excessOf(coder, explanations);
    return true;
  }

  /**
   * What is searched, and the nodes that match as of the same version: a passage that was replaced between the two has
   * another node in each. While others write without a pause, the newest rows have to do.
   *
   * @throws Renumbered if the nodes that match are others by now
   */
  async #filteredView(filter: Condition | undefined, signal: AbortSignal): Promise<FilteredView> {
    for (let attempt = 1; ; attempt++) {
      const matching = filter && (await this.#filters.matching(filter, signal));
      const view = await this.#views.newest();
      if (matching === undefined) return view;
      if (matching.version !== view.version && attempt < MAX_ATTEMPTS) continue;
      if (matching.numbering !== view.numbering) throw new Renumbered();
      return { ...view, matching };
    }
  }

  /** Where one search's exact vectors come from: the file if it keeps them, or else the texts. */
  #sourceOf(recompute: Recompute, coder: NativeCoder, numbering: number): ExactVectors {
    const kept = this.#kept();
    if (kept) return kept.ofNumbering(numbering);
    const embedded = recompute.forSearch();
    return coder.kind === "none" ? this.#waiting(embedded) : embedded;
  }

  /** What recomputes by nodes of this numbering. Searches that began under an earlier one keep theirs to their end. */
  #recomputedOf(numbering: number): Recompute {
    if (this.#recomputed?.numbering === numbering) return this.#recomputed.recompute;
    // Nodes whose passage was deleted meanwhile are left out.
    const texts = (nodes: number[]) =>
      new Map([...this.#passages.byNodes(nodes, numbering)].map(([node, { text }]) => [node, text]));
    const limits = async () => (await this.#model()).limits;
    const recompute = new Recompute(this.#flights, texts, this.#cacheBytes, limits);
    this.#recomputed = { numbering, recompute };
    return recompute;
  }
}

/** Whether codes and exact scores agree as they claim; if not, whether rounding explains it. */
type Verdict = "fits" | "rounded" | "contradicted";

/** What one search did because its codes were off. */
interface Repeats {
  /** How often the model proved itself. */
  proofs: number;
  /** What the errors are multiplied by for this search alone. */
  widening: number;
}

/** What a search works on. */
type FilteredView = View & {
  /** Left out without a filter. */
  readonly matching?: Matching;
};

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

/** Nodes that were not recomputed get the vectors that their codes tell. */
function addCodedVectors({ nodes, vectors }: Ranking, index: NativeIndex): void {
  const estimated = nodes.filter((node) => !vectors.has(node));
  if (estimated.length === 0 || index.coder.kind === "none") return;
  const flat = index.vectors(Uint32Array.from(estimated));
  const { dims } = index.coder;
  for (const [i, node] of estimated.entries()) vectors.set(node, flat.subarray(i * dims, (i + 1) * dims));
}

/** The ranking of an empty store: all that there is was found. */
function nothing(): Ranking {
  const firstRound = { count: 0, sumSquares: 0 };
  return { nodes: [], scores: [], explanations: [], vectors: new Map(), expectedRecall: 1, firstRound, cost: noCost() };
}
