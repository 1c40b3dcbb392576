import type { AddItem, Filter, Metadata, Metric, SearchResult } from "../../src/index.js";
import { bestOf, scoreOf } from "./brute_force.js";
import { oracleMatches } from "./filter_oracle.js";

/** How an answer was asked for, as far as the model judges it. */
export interface Asked {
  readonly k: number;
  readonly filter?: Filter | undefined;
  /** Whether it may fall short of its recall: estimates alone, or a limit on recomputes. */
  readonly limited?: boolean;
  /** Whether fewer hits than `k` are right: a walk that embeds what it meets, with a limit on that. */
  readonly fewer?: boolean;
}

/** What a store has to hold and to answer: a map of ids to texts and metadata, and every score worked out. */
export class StoreModel {
  readonly passages = new Map<string, { readonly text: string; readonly metadata: Metadata }>();
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
    for (const { id, text, metadata = {} } of items) this.passages.set(id!, { text, metadata });
  }

  delete(ids: readonly string[]): void {
    for (const id of ids) this.passages.delete(id);
  }

  /** Ids of the passages whose metadata match, and which `test` lets through. */
  idsOf(filter: Filter | undefined, test: (text: string) => boolean = () => true): string[] {
    return Array.from(this.passages).flatMap(([id, { text, metadata }]) =>
      (filter === undefined || oracleMatches(filter, metadata)) && test(text) ? [id] : [],
    );
  }

  /** What is wrong with an answer by nearness, in words; nothing if nothing is. */
  problemsOf(question: string, asked: Asked, { hits, expectedRecall }: SearchResult): string[] {
    const query = this.#vectorOf(question);
    const matching = new Set(this.idsOf(asked.filter));
    const wanted = Math.min(asked.k, matching.size);
    const problems = this.#problemsOfHits(hits, matching);
    if (hits.length > wanted || (hits.length < wanted && !asked.fewer))
      problems.push(`${hits.length} hits instead of ${wanted}`);
    if (expectedRecall !== undefined && !(expectedRecall >= 0 && expectedRecall <= 1)) {
      problems.push(`an expected recall of ${expectedRecall}`);
    }
    for (const { id, text, score, explain } of hits) {
      const off = Math.abs(score - scoreOf(this.#metric, query, this.#vectorOf(text)));
      if (explain?.exact !== undefined && off > this.#tolerance)
        problems.push(`${id} with a score that is off by ${off}`);
    }
    if (!asked.limited) this.#count(query, matching, wanted, hits);
    return problems;
  }

  /** What is wrong with hits by a word that exactly these passages have. */
  problemsOfWord(having: readonly string[], k: number, { hits }: SearchResult): string[] {
    const problems = this.#problemsOfHits(hits, new Set(having));
    const wanted = Math.min(k, having.length);
    if (hits.length !== wanted) problems.push(`${hits.length} hits of a word instead of ${wanted}`);
    return problems;
  }

  /** Share of the true nearest that all answers so far held. */
  get recall(): number {
    return this.#wanted === 0 ? 1 : this.#found / this.#wanted;
  }

  #problemsOfHits(hits: SearchResult["hits"], allowed: ReadonlySet<string>): string[] {
    const problems: string[] = [];
    if (new Set(hits.map(({ id }) => id)).size !== hits.length) problems.push("a hit comes twice");
    for (const [i, { id, text, metadata, score }] of hits.entries()) {
      const stored = this.passages.get(id);
      if (stored?.text !== text) problems.push(`${id} with a text that is not its own`);
      else if (JSON.stringify(stored.metadata) !== JSON.stringify(metadata)) problems.push(`${id} with other metadata`);
      else if (!allowed.has(id)) problems.push(`${id}, which was not asked for`);
      if (i > 0 && score > hits[i - 1]!.score) problems.push(`${id} behind a lower score`);
    }
    return problems;
  }

  #count(query: Float32Array, matching: ReadonlySet<string>, wanted: number, hits: SearchResult["hits"]): void {
    if (wanted === 0) return;
    const vectors = new Map(Array.from(matching, (id) => [id, this.#vectorOf(this.passages.get(id)!.text)]));
    const last = bestOf(this.#metric, query, vectors, wanted).at(-1)!.score - this.#tolerance;
    this.#wanted += wanted;
    this.#found += hits.filter(({ id }) => scoreOf(this.#metric, query, vectors.get(id) ?? query) >= last).length;
  }
}
