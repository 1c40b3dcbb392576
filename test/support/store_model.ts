import type { AddItem, Metric, SearchResult } from "../../src/index.js";
import { bestOf, scoreOf } from "./brute_force.js";

/** What a store has to hold and to answer: a map of ids to texts, and every score worked out. */
export class StoreModel {
  readonly texts = new Map<string, string>();
  readonly #metric: Metric;
  readonly #vectorOf: (text: string) => Float32Array;
  readonly #tolerance: number;
  #wanted = 0;
  #found = 0;

  /**
   * @param vectorOf The embedder's vector of a text.
   * @param tolerance Largest error of a score: what the store keeps of vectors may be rounded.
   */
  constructor(metric: Metric, vectorOf: (text: string) => Float32Array, tolerance: number) {
    this.#metric = metric;
    this.#vectorOf = vectorOf;
    this.#tolerance = tolerance;
  }

  add(items: readonly AddItem[]): void {
    for (const { id, text } of items) this.texts.set(id!, text);
  }

  delete(ids: readonly string[]): void {
    for (const id of ids) this.texts.delete(id);
  }

  /** What is wrong with an answer, in words; nothing if nothing is. */
  problemsOf(question: string, k: number, { hits, expectedRecall }: SearchResult): string[] {
    const query = this.#vectorOf(question);
    const problems: string[] = [];
    const wanted = Math.min(k, this.texts.size);
    if (hits.length !== wanted) problems.push(`${hits.length} hits instead of ${wanted}`);
    if (new Set(hits.map(({ id }) => id)).size !== hits.length) problems.push("a hit comes twice");
    if (expectedRecall !== undefined && !(expectedRecall >= 0 && expectedRecall <= 1)) {
      problems.push(`an expected recall of ${expectedRecall}`);
    }
    for (const [i, { id, text, score, explain }] of hits.entries()) {
      if (this.texts.get(id) !== text) problems.push(`${id} with a text that is not its own`);
      const off = Math.abs(score - scoreOf(this.#metric, query, this.#vectorOf(text)));
      if (explain?.exact !== undefined && off > this.#tolerance)
        problems.push(`${id} with a score that is off by ${off}`);
      if (i > 0 && score > hits[i - 1]!.score) problems.push(`${id} behind a lower score`);
    }
    this.#count(query, wanted, hits);
    return problems;
  }

  /** Share of the true nearest that all answers so far held. */
  get recall(): number {
    return this.#wanted === 0 ? 1 : this.#found / this.#wanted;
  }

  #count(query: Float32Array, wanted: number, hits: SearchResult["hits"]): void {
    if (wanted === 0) return;
    const vectors = new Map(Array.from(this.texts, ([id, text]) => [id, this.#vectorOf(text)]));
    const last = bestOf(this.#metric, query, vectors, wanted).at(-1)!.score - this.#tolerance;
    this.#wanted += wanted;
    this.#found += hits.filter(({ id }) => scoreOf(this.#metric, query, vectors.get(id) ?? query) >= last).length;
  }
}
