import { requireVector } from "../api/input.js";
import type { Hit, SearchResult, SearchSettings } from "../api/search.js";
import { throwIfAborted } from "../base/errors.js";
import { Turns } from "../base/turns.js";
import { LiveCalibration, planSearch } from "../codes/plan.js";
import { SharedCalls } from "../embed/shared_calls.js";
import { type Condition, holds } from "../filter/match.js";
import type { OpenStore } from "../memory/open_store.js";
import { type ExactVectors, PendingVectors } from "../memory/vectors.js";
import type { View } from "../memory/view.js";
import type { NativeCoder, NativeIndex } from "../native/surface.js";
import type { PassageRow } from "../passage/passages.js";
import { Renumbered } from "../storage/meta.js";
import { Recompute } from "./recompute.js";
import { ScoreCheck, SearchCheck } from "./score_check.js";
import { addCosts, Deadline, noCost, type Ranking, searchIndex } from "./session.js";
import { chooseWalk, walkWithoutCodes } from "./walk.js";

/** One question to a store. */
export interface Question {
  /** A text, or a vector of the store's embedder. */
  readonly query: string | Float32Array;
  readonly settings: SearchSettings;
  readonly filter: Condition | undefined;
  readonly signal: AbortSignal;
}

/** Most attempts of one search; see `#answer`. */
const MOST_ATTEMPTS = 5;
/** Rows read before the event loop gets a turn. */
const PAGE = 64;

/** Searches by meaning: from the question to its vector, from the vector to nodes, from nodes to passages. */
export class VectorSearch {
  readonly #store: OpenStore;
  /** Shares runs of the model between searches. */
  readonly #embedding: SharedCalls;
  /** Recomputes vectors for the nodes of one numbering. */
  #recomputed: { readonly numbering: number; readonly recompute: Recompute } | undefined;
  readonly #live: LiveCalibration | undefined;
  readonly #scores = new ScoreCheck();

  constructor(store: OpenStore) {
    this.#store = store;
    this.#embedding = new SharedCalls(async (texts, signal) => {
      return (await store.model.proven()).embedPassages(texts, { signal });
    });
    this.#live = store.settings.calibration === "live" ? new LiveCalibration() : undefined;
  }

  /** See `VectorStore.search`. */
  async search(question: Question): Promise<SearchResult> {
    const { settings, signal } = question;
    const startedAt = performance.now();
    throwIfAborted(signal);
    const deadline = settings.deadlineMs === undefined ? undefined : new Deadline(settings.deadlineMs, startedAt);
    try {
      const { ranking, rows, vector, queryMs } = await this.#answer(question, deadline);
      return {
        hits: toHits(ranking, rows, settings),
        expectedRecall: ranking.expectedRecall,
        ...(settings.includeVectors && vector && { vector: vector.slice() }),
        cost: { ...ranking.cost, queryMs, keywordMs: 0, totalMs: performance.now() - startedAt },
      };
    } finally {
      deadline?.end();
    }
  }

  /**
   * The one place where a search starts again. Others may write at any time: then the filter and the rows have
   * different versions, passages are gone before they are read, or nodes belong to other passages. Codes may also
   * contradict the exact scores. The last attempt answers with what it has.
   */
  async #answer(question: Question, deadline: Deadline | undefined): Promise<Answer> {
    const { settings, filter, signal } = question;
    const check = new SearchCheck(this.#scores, () => this.#proveModel());
    let asked: AskedVector | undefined;
    let spent = noCost();
    for (let attempt = 1; ; attempt++) {
      const isLast = attempt >= MOST_ATTEMPTS;
      try {
        asked ??= await this.#askedVector(question);
        const { vector } = asked;
        const view = await this.#store.views.newest(filter, signal);
        const { rows: index, numbering } = view;
        if (vector === undefined || index === undefined) return { ...asked, ranking: nothing(), rows: new Map() };
        if (!view.isOneVersion && !isLast) continue;
        const ranking = await this.#rank(vector, { ...view, index }, settings, { check, deadline, signal });
        spent = addCosts(spent, ranking.cost);
        const rows = await this.#read(ranking.nodes, numbering, filter, signal);
        if (rows.size < ranking.nodes.length && !isLast) continue;
        if (this.#store.kept === undefined && index.coder.kind !== "none") {
          const mayRepeat = deadline === undefined && !isLast;
          const verdict = await check.compare({ coder: index.coder, question: vector, ranking, mayRepeat });
          if (verdict === "again") continue;
          if (verdict === "doubtful") ranking.expectedRecall = undefined;
        }
        this.#live?.observe(index.coder, ranking.firstRound);
        if (settings.includeVectors) addDecodedVectors(ranking, index);
        return { ...asked, ranking: { ...ranking, cost: spent }, rows };
      } catch (error) {
        if (!(error instanceof Renumbered)) throw error;
        attempt--; // `compact` runs too seldom to keep a search from its end
      }
    }
  }

  /** The question's vector; `undefined` if there is nothing to find, so that no model is started. */
  async #askedVector({ query, filter, signal }: Question): Promise<AskedVector> {
    const { rows, matching } = await this.#store.views.newest(filter, signal);
    const startedAt = performance.now();
    const isText = typeof query === "string";
    if (rows === undefined || rows.live === 0 || (isText && matching?.count === 0))
      return { vector: undefined, queryMs: 0 };
    const vector = isText ? await (await this.#store.model.proven()).embedQuestion(query, signal) : query;
    requireVector(vector, rows.coder, isText ? "the question's vector" : "query");
    return { vector, queryMs: performance.now() - startedAt };
  }

  async #rank(
    vector: Float32Array,
    { index, graph, numbering, matching }: View & { index: NativeIndex },
    { k: most, recall, maxRecomputes, scores, walk: asked }: SearchSettings,
    { check, ...run }: { check: SearchCheck; deadline: Deadline | undefined; signal: AbortSignal },
  ): Promise<Ranking> {
    const { coder } = index;
    const k = Math.min(most, Math.max(1, matching?.count ?? index.live));
    const plan = planSearch(k, recall, { code: coder, scores, maxRecomputes });
    const wanted = { asked, k, recall, scores, maxRecomputes, allowed: matching?.count };
    const isAlone = coder.kind === "none" && graph !== undefined;
    const walk = isAlone ? walkWithoutCodes(index, graph, wanted) : chooseWalk(index, graph, wanted);
    const sigmaScale = check.scaleFor(coder, this.#live?.scaleFor(coder) ?? 1);
    const source = this.#exactVectors(coder, numbering);
    return await searchIndex(index, vector, { k, plan, source, ...run, sigmaScale, walk, filter: matching?.bits });
  }

  /** Where one search's exact vectors come from: the file if it keeps them, otherwise the texts. */
  #exactVectors(coder: NativeCoder, numbering: number): ExactVectors {
    const { kept, database, coders } = this.#store;
    if (kept) return kept.ofNumbering(numbering);
    const embedded = this.#recomputeOf(numbering).forSearch();
    return coder.kind === "none" ? new PendingVectors(database, coders, embedded) : embedded;
  }

  /**
   * Recomputes vectors for nodes of this numbering. Searches that began under an earlier numbering use theirs to the
   * end.
   */
  #recomputeOf(numbering: number): Recompute {
    if (this.#recomputed?.numbering === numbering) return this.#recomputed.recompute;
    const { passages, model, settings } = this.#store;
    // Nodes whose passage was deleted in the meantime are left out.
    const texts = (nodes: number[]) =>
      new Map([...passages.byNodes(nodes, numbering)].map(([node, { text }]) => [node, text]));
    const limits = async () => (await model.proven()).limits;
    const recompute = new Recompute(this.#embedding, texts, settings.cacheBytes, limits);
    this.#recomputed = { numbering, recompute };
    return recompute;
  }

  async #proveModel(): Promise<void> {
    this.#recomputed?.recompute.forget();
    await (await this.#store.model.proven()).proveAgain();
  }

  /** The passages of nodes, without those that were deleted in the meantime or no longer match. */
  async #read(
    nodes: readonly number[],
    numbering: number,
    filter: Condition | undefined,
    signal: AbortSignal,
  ): Promise<Map<number, PassageRow>> {
    const turns = new Turns({ signal });
    const rows = new Map<number, PassageRow>();
    for (let at = 0; at < nodes.length; at += PAGE) {
      await turns.give();
      for (const [node, row] of this.#store.passages.byNodes(nodes.slice(at, at + PAGE), numbering)) {
        if (filter === undefined || holds(filter, row)) rows.set(node, row);
      }
    }
    return rows;
  }
}

/** The vector of a question, and how long it took. */
interface AskedVector {
  readonly vector: Float32Array | undefined;
  readonly queryMs: number;
}

interface Answer extends AskedVector {
  readonly ranking: Ranking;
  /** The found passages by node. */
  readonly rows: ReadonlyMap<number, PassageRow>;
}

function toHits(
  ranking: Ranking,
  rows: ReadonlyMap<number, PassageRow>,
  { explain, includeVectors }: SearchSettings,
): Hit[] {
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

/** Adds the vectors of hits that were not recomputed, decoded from their codes. */
function addDecodedVectors({ nodes, vectors }: Ranking, index: NativeIndex): void {
  const estimated = nodes.filter((node) => !vectors.has(node));
  if (estimated.length === 0 || index.coder.kind === "none") return;
  const flat = index.vectors(Uint32Array.from(estimated));
  const { dims } = index.coder;
  for (const [i, node] of estimated.entries()) vectors.set(node, flat.subarray(i * dims, (i + 1) * dims));
}

/** The ranking of an empty store. Its recall is 1. */
function nothing(): Ranking {
  const firstRound = { count: 0, sumSquares: 0 };
  return { nodes: [], scores: [], explanations: [], vectors: new Map(), expectedRecall: 1, firstRound, cost: noCost() };
}
