import type { Embedder } from "../api/embedder.js";
import { LruCache } from "../base/lru.js";
import { nextTurn } from "../base/turns.js";
import { limitsOf } from "../embed/guard.js";
import type { SharedCalls } from "../embed/shared_calls.js";
import type { ExactVectors, NodeVectors, VectorSource } from "../memory/vectors.js";

/** Texts read between two turns of the event loop: a millisecond or two. */
const READ_SLICE = 32;

/**
 * Nodes to vectors by way of their texts: the store keeps no vectors, so this is where they come from. Vectors are kept
 * in memory as the embedder gave them, the least recently used going first, so scores are the same cold and cached.
 */
export class Recompute implements ExactVectors {
  readonly #calls: SharedCalls;
  readonly #readTexts: (nodes: number[]) => Map<number, string>;
  readonly #cache: LruCache<number, Float32Array>;
  readonly #embedder: () => Promise<Pick<Embedder, "batch" | "concurrency">>;

  /**
   * @param calls Shares runs of the model between searches.
   * @param readTexts Texts of nodes from the store; a node that is gone is left out.
   * @param cacheBytes Memory for vectors. More means fewer repeated runs; 0 embeds every time.
   * @param embedder What the calls run on. Default: one that tells nothing of itself.
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
    // A map entry costs about 100 bytes beside the vector itself.
    this.#cache = new LruCache(cacheBytes, (vector) => vector.byteLength + 100);
  }

  /** Forgets all vectors: the model that made them is not believed any more. */
  forget(): void {
    this.#cache.clear();
  }

  /** Texts worth having under way at once. */
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

  /** The same for one search, which has equal texts of several nodes embedded once, however many rounds it takes. */
  forSearch(): ExactVectors {
    const ofTexts = new Map<string, Float32Array>();
    return {
      vectorsOf: (nodes, signal) => this.#vectorsOf(nodes, ofTexts, signal),
      lanes: () => this.lanes(),
    };
  }

  /** @param ofTexts What this search had embedded so far; what it has embedded now is added. */
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
    // Another search may have embedded some of them meanwhile.
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
