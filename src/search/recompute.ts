import type { Embedder } from "../api/embedder.js";
import { LruCache } from "../base/lru.js";
import { nextTurn } from "../base/turns.js";
import { limitsOf } from "../embed/guard.js";
import type { SharedCalls } from "../embed/shared_calls.js";
import type { ExactVectors, NodeVectors, VectorSource } from "../memory/vectors.js";

/** Texts read before the event loop gets a turn. This takes a millisecond or two. */
const READ_SLICE = 32;

/**
 * Computes the vectors of nodes from their texts, for a store that keeps no vectors. Vectors stay in memory exactly as
 * the embedder gave them, so scores are the same with and without the cache. The least recently used vectors are
 * dropped first.
 */
export class Recompute implements ExactVectors {
  readonly #calls: SharedCalls;
  readonly #readTexts: (nodes: number[]) => Map<number, string>;
  readonly #cache: LruCache<number, Float32Array>;
  readonly #embedder: () => Promise<Pick<Embedder, "batch" | "concurrency">>;

  /**
   * @param calls Shares runs of the model between searches.
   * @param readTexts Reads the texts of nodes from the store. Nodes that are gone are left out.
   * @param cacheBytes Memory for vectors. More memory means fewer repeated runs; 0 embeds every time.
   * @param embedder The embedder of the calls. Default: one that says nothing of itself.
   */
  constructor(
    calls: SharedCalls,
    readTexts: (nodes: number[]) => Map<number, string>,
    cacheBytes: number,
    embedder: () => Promise<Pick<Embedder, "batch" | "concurrency">> = async () => ({}),
  ) {
    this.#calls = calls;
    this.#readTexts = readTexts;
    this.#embedder = embedder;
    // A map entry takes about 100 bytes in addition to its vector.
    this.#cache = new LruCache(cacheBytes, (vector) => vector.byteLength + 100);
  }

  /** Forgets all vectors, because the model that made them can no longer be relied on. */
  forget(): void {
    this.#cache.clear();
  }

  /** Number of texts that should be in work at once. */
  async lanes(): Promise<number> {
    return limitsOf(await this.#embedder()).concurrency;
  }

  /**
   * The vectors of `nodes`.
   *
   * @throws `ABORTED`, `CORRUPT` for a damaged passage, or the embedder's failure.
   */
  async vectorsOf(nodes: readonly number[], signal?: AbortSignal): Promise<NodeVectors> {
    return await this.#vectorsOf(nodes, new Map(), signal);
  }

  /** The same for one search. It embeds equal texts of several nodes once, however many rounds it takes. */
  forSearch(): ExactVectors {
    const ofTexts = new Map<string, Float32Array>();
    return {
      vectorsOf: (nodes, signal) => this.#vectorsOf(nodes, ofTexts, signal),
      lanes: () => this.lanes(),
    };
  }

  /** @param ofTexts Vectors by text that this search has embedded. New ones are added. */
  async #vectorsOf(
    nodes: readonly number[],
    ofTexts: Map<string, Float32Array>,
    signal: AbortSignal | undefined,
  ): Promise<NodeVectors> {
    const vectors = nodes.map((node) => this.#cache.get(node));
    const sources: NodeVectors["sources"] = vectors.map((vector) => (vector ? "cache" : undefined));
    const unknown = nodes.filter((_, i) => vectors[i] === undefined);
    if (unknown.length === 0) return { vectors, sources, embedded: 0, readMs: 0 };

    const before = performance.now();
    const texts = await this.#textsOf(unknown);
    const readMs = performance.now() - before;
    const found = new Map<number, [Float32Array, VectorSource]>();
    // Another search may have embedded some of them in the meantime.
    for (const node of unknown) {
      const vector = this.#cache.get(node);
      const same = ofTexts.get(texts.get(node) ?? "");
      if (vector) found.set(node, [vector, "cache"]);
      else if (same) found.set(node, [same, "recompute"]);
    }
    const wanted = unknown.filter((node) => texts.has(node) && !found.has(node));
    const embedded = await this.#calls.embed(
      wanted.map((node) => texts.get(node)!),
      signal,
    );
    for (const [i, node] of wanted.entries()) {
      const vector = embedded.vectors[i]!;
      this.#cache.set(node, vector);
      ofTexts.set(texts.get(node)!, vector);
      found.set(node, [vector, "recompute"]);
    }
    nodes.forEach((node, i) => {
      const answer = found.get(node);
      if (answer) [vectors[i], sources[i]] = answer;
    });
    return { vectors, sources, embedded: embedded.started.filter(Boolean).length, readMs };
  }

  async #textsOf(nodes: readonly number[]): Promise<Map<number, string>> {
    const texts = new Map<number, string>();
    for (let at = 0; at < nodes.length; at += READ_SLICE) {
      await nextTurn();
      for (const [node, text] of this.#readTexts(nodes.slice(at, at + READ_SLICE))) texts.set(node, text);
    }
    return texts;
  }
}
