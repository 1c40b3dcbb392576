import { throwIfAborted } from "../errors.js";
import type { NativeIndex, NativeResult, NativeSearch } from "../native.js";
import type { HitExplanation, SearchCost } from "../types.js";
import type { SearchPlan } from "./plan.js";
import type { Recompute, VectorSource } from "./recompute.js";

/** What a search found, as nodes: the store turns them into passages. */
export interface Ranking {
  nodes: number[];
  scores: number[];
  explanations: HitExplanation[];
  /** Exact vectors by node, of recomputed nodes only. */
  vectors: Map<number, Float32Array>;
  cost: Omit<SearchCost, "totalMs" | "queryMs">;
}

/**
 * One search of an index: the scan proposes candidates, the session asks for the exact vectors of those that could still
 * be in the answer, and ends when the bound says that no other passage can matter.
 *
 * @param index The codes; the search works on the state it has now.
 * @param query The question's vector.
 * @throws `ABORTED`, or what reading and embedding throw.
 */
export async function searchIndex(
  index: NativeIndex,
  query: Float32Array,
  options: {
    k: number;
    plan: SearchPlan;
    recompute: Recompute;
    signal: AbortSignal | undefined;
    /** Bitmap of the nodes to consider; left out: all. */
    filter?: Uint8Array | undefined;
  },
): Promise<Ranking> {
  const { k, plan, recompute, signal, filter } = options;
  throwIfAborted(signal);
  const before = performance.now();
  const session = await index.search(query, { k, ...plan, ...(filter && { filter }) });
  const cost = {
    recomputed: 0,
    embedded: 0,
    scanned: session.scanned,
    dismissed: 0,
    scanMs: 0,
    readMs: 0,
    recomputeMs: 0,
  };
  cost.scanMs = performance.now() - before;

  const vectors = new Map<number, Float32Array>();
  const sources = new Map<number, VectorSource>();
  while (plan.cap > 0 && !session.done) {
    throwIfAborted(signal);
    await feedNext(session, index.coder.dims, { recompute, signal, cost, vectors, sources });
  }
  return rank(session.result(), cost, vectors, sources);
}

/** Recomputes what the session wants next and hands it over. */
async function feedNext(
  session: NativeSearch,
  dims: number,
  state: {
    recompute: Recompute;
    signal: AbortSignal | undefined;
    cost: Ranking["cost"];
    vectors: Map<number, Float32Array>;
    sources: Map<number, VectorSource>;
  },
): Promise<void> {
  const wanted = [...session.wants()];
  const before = performance.now();
  const answer = await state.recompute.vectorsOf(wanted, state.signal);
  state.cost.readMs += answer.readMs;
  state.cost.recomputeMs += performance.now() - before - answer.readMs;
  state.cost.embedded += answer.embedded;

  const present = wanted.filter((_, i) => answer.vectors[i] !== undefined);
  const missing = wanted.filter((_, i) => answer.vectors[i] === undefined);
  const flat = new Float32Array(present.length * dims);
  let row = 0;
  wanted.forEach((node, i) => {
    const vector = answer.vectors[i];
    if (vector === undefined) return;
    flat.set(vector, row++ * dims);
    state.vectors.set(node, vector);
    state.sources.set(node, answer.sources[i]!);
  });
  session.feed(Uint32Array.from(present), flat, Uint32Array.from(missing));
}

function rank(
  result: NativeResult,
  cost: Ranking["cost"],
  vectors: Map<number, Float32Array>,
  sources: Map<number, VectorSource>,
): Ranking {
  cost.recomputed = result.recomputed;
  cost.dismissed = result.dismissed;
  const nodes = [...result.nodes];
  const explanations = nodes.map((node, i) => ({
    estimate: result.estimates[i]!,
    sigma: result.sigmas[i]!,
    source: sources.get(node) ?? ("none" as const),
  }));
  return { nodes, scores: [...result.scores], explanations, vectors, cost };
}
