import type { HitExplanation, SearchCost } from "../api/search.js";
import { abortController, withAnyOf } from "../base/abort.js";
import { inBatches } from "../base/concurrency.js";
import { aborted, throwIfAborted } from "../base/errors.js";
import { calibratedRecall } from "../codes/calibration.js";
import type { SearchPlan } from "../codes/plan.js";
import type { ExactVectors, VectorSource } from "../memory/vectors.js";
import type { NativeIndex, NativeResult, NativeSearch } from "../native/surface.js";
import { shareOfWalk, type Walk } from "./walk.js";

/** Most vectors passed in one call. A search for all passages of a large store wants all vectors in one round. */
const FEED_SLICE = 4_096;

/** The answer of a search as nodes. The store turns them into passages. */
export interface Ranking {
  nodes: number[];
  scores: number[];
  explanations: HitExplanation[];
  /** Exact vectors of the recomputed nodes. */
  vectors: Map<number, Float32Array>;
  expectedRecall: number | undefined;
  /** How far off the estimates of the first round were; see `NativeResult`. */
  firstRound: NativeResult["firstRound"];
  cost: Omit<SearchCost, "totalMs" | "queryMs" | "keywordMs">;
}

/** Options of one search of an index. */
export interface IndexSearch {
  k: number;
  plan: SearchPlan;
  /** Where exact vectors come from. */
  source: ExactVectors;
  signal?: AbortSignal | undefined;
  /** When to answer with what was found so far. Default: when everything is decided. */
  deadline?: Deadline | undefined;
  /** Multiplies the errors that the code claims. Default 1. */
  sigmaScale?: number | undefined;
  /** Walks a graph instead of scanning. Default: a scan. */
  walk?: Walk | undefined;
  /** Bitmap of the nodes that may be in the answer; see `NativeSearchOptions`. Default: all. */
  filter?: Uint8Array | undefined;
}

/** A running search: its state and its cost. */
interface RunningSearch {
  readonly session: NativeSearch;
  readonly dims: number;
  readonly source: ExactVectors;
  readonly vectors: Map<number, Float32Array>;
  readonly sources: Map<number, VectorSource>;
  readonly cost: Ranking["cost"];
}

/**
 * One search of an index. The scan proposes candidates. The session asks for the exact vectors of those that are most
 * likely in the answer. It ends when the answer is expected to hold its recall, at the cap, or at the deadline.
 *
 * @param index The codes. The search works on their state at its start.
 * @param query The question's vector.
 * @throws `ABORTED`, or what reading and embedding throw.
 */
export async function searchIndex(index: NativeIndex, query: Float32Array, options: IndexSearch): Promise<Ranking> {
  const { k, plan, source, signal, deadline, sigmaScale = 1, walk, filter } = options;
  throwIfAborted(signal);
  const before = performance.now();
  const session = await index.search(query, { k, ...plan, ...walk, sigmaScale, ...(filter && { filter }) });
  const cost = noCost();
  cost.scanned = session.scanned;
  cost.scanMs = performance.now() - before;

  const state: RunningSearch = {
    session,
    dims: index.coder.dims,
    source,
    vectors: new Map(),
    sources: new Map(),
    cost,
  };
  while (!session.done) {
    throwIfAborted(signal);
    if (!(await runRound(state, signal, deadline))) break;
  }
  throwIfAborted(signal);
  return rank(state, index, options);
}

/** The cost of a search that has done nothing. */
export function noCost(): Ranking["cost"] {
  return {
    recomputed: 0,
    embedded: 0,
    cached: 0,
    kept: 0,
    scanned: 0,
    dismissed: 0,
    scanMs: 0,
    readMs: 0,
    recomputeMs: 0,
  };
}

/**
 * The cost of a search that started again. What it spent before is added; what it recomputed is only that of the last
 * attempt.
 */
export function addCosts(before: Ranking["cost"], last: Ranking["cost"]): Ranking["cost"] {
  const spent = ["embedded", "scanned", "scanMs", "readMs", "recomputeMs"] as const;
  return { ...last, ...Object.fromEntries(spent.map((key) => [key, before[key] + last[key]])) };
}

/**
 * Passes all vectors that the session wants next. With a deadline each vector is passed as soon as it is there, so that
 * none is lost while it waits for others.
 *
 * @returns `false` if the deadline came first
 */
async function runRound(
  state: RunningSearch,
  signal: AbortSignal | undefined,
  deadline: Deadline | undefined,
): Promise<boolean> {
  if (deadline?.isOver) return false;
  const wanted = [...state.session.wants()];
  const before = performance.now();
  const readBefore = state.cost.readMs;
  try {
    if (deadline) return await deadline.run((until) => feedSingly(state, wanted, until), signal);
    for (let at = 0; at < wanted.length; at += FEED_SLICE) {
      throwIfAborted(signal);
      await feed(state, wanted.slice(at, at + FEED_SLICE), signal);
    }
    return true;
  } finally {
    state.cost.recomputeMs += performance.now() - before - (state.cost.readMs - readBefore);
  }
}

/**
 * Passes each vector by itself, as many at a time as the source makes at once. If the source need not make them, all
 * are passed together.
 */
async function feedSingly(state: RunningSearch, wanted: readonly number[], signal: AbortSignal): Promise<void> {
  const lanes = await state.source.lanes?.();
  if (lanes === undefined) return await feed(state, wanted, signal);
  await inBatches(wanted, { size: 1, lanes, signal }, ({ items }, own) => feed(state, items, own));
}

/** Gets the vectors of wanted nodes and passes them, unless the search has ended in the meantime. */
async function feed(state: RunningSearch, wanted: readonly number[], signal: AbortSignal | undefined): Promise<void> {
  const answer = await state.source.vectorsOf(wanted, signal);
  if (signal?.aborted) return;
  state.cost.readMs += answer.readMs;
  state.cost.embedded += answer.embedded;
  for (const source of answer.sources) {
    if (source === "cache") state.cost.cached++;
    if (source === "kept") state.cost.kept++;
  }
  const present = wanted.filter((_, i) => answer.vectors[i] !== undefined);
  const missing = wanted.filter((_, i) => answer.vectors[i] === undefined);
  const flat = new Float32Array(present.length * state.dims);
  let row = 0;
  wanted.forEach((node, i) => {
    const vector = answer.vectors[i];
    if (vector === undefined) return;
    flat.set(vector, row++ * state.dims);
    state.vectors.set(node, vector);
    state.sources.set(node, answer.sources[i]!);
  });
  state.session.feed(Uint32Array.from(present), flat, Uint32Array.from(missing));
}

function rank(state: RunningSearch, index: NativeIndex, { k, plan, walk = {} }: IndexSearch): Ranking {
  const result = state.session.result();
  const nodes = [...result.nodes];
  const scores = [...result.scores];
  const explanations = nodes.map((node, i) => ({
    estimate: result.estimates[i]!,
    sigma: result.sigmas[i]!,
    chance: Number.isNaN(result.chances[i]!) ? undefined : result.chances[i]!,
    exact: result.exact[i] ? scores[i]! : undefined,
    source: state.sources.get(node) ?? ("none" as const),
    keyword: undefined,
  }));
  const { expectedRecall: raw, recomputed } = result;
  const answer = { coder: index.coder, k, recomputed, scores: plan.scores };
  const expectedRecall = Number.isNaN(raw) ? undefined : calibratedRecall(raw, answer) * shareOfWalk(walk, index, k);
  return {
    nodes,
    scores,
    explanations,
    vectors: state.vectors,
    expectedRecall,
    firstRound: result.firstRound,
    cost: { ...state.cost, recomputed: result.recomputed, dismissed: result.dismissed },
  };
}

/** A time limit of a search: a signal that fires when the time is over. */
export class Deadline {
  readonly #controller = abortController();
  readonly #timer: NodeJS.Timeout;
  readonly #endsAt: number;

  /**
   * @param ms Milliseconds from `startedAt`; 0 is over at once.
   * @param startedAt A `performance.now()`.
   */
  constructor(ms: number, startedAt = performance.now()) {
    this.#endsAt = startedAt + ms;
    this.#timer = setTimeout(() => this.#controller.abort(), Math.max(0, this.#endsAt - performance.now()));
  }

  get isOver(): boolean {
    return this.#controller.signal.aborted || performance.now() >= this.#endsAt;
  }

  /**
   * Runs `work` until the deadline. The signal of `work` fires then, or when `signal` fires.
   *
   * @returns whether the work finished; `false` if the deadline ended it
   * @throws `ABORTED` when `signal` fires; whatever `work` throws before the deadline
   */
  async run(work: (signal: AbortSignal) => Promise<void>, signal: AbortSignal | undefined): Promise<boolean> {
    const own = this.#controller.signal;
    try {
      await withAnyOf([signal, own], work);
      return true;
    } catch (error) {
      if (signal?.aborted) throw aborted(signal);
      if (own.aborted) return false;
      throw error;
    }
  }

  /** Ends the timer, because a search that ends early must not keep the process alive. */
  end(): void {
    clearTimeout(this.#timer);
  }
}
