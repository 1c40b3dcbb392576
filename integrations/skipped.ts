/** Counts the blank documents that a store has not added, and warns its user. */
export class Skipped {
  readonly #kind: string;
  #count = 0;

  /** @param kind What they are called: `"document"`, `"node"`. */
  constructor(kind: string) {
    this.#kind = kind;
  }

  /** Number of documents that were not added so far. */
  get count(): number {
    return this.#count;
  }

  /**
   * Counts documents. The first call also emits a warning of the process with the code `EMBEDLESS_SKIPPED`.
   *
   * @param places Their indices among the documents that were to be added.
   * @param all Number of documents that were to be added.
   */
  add(places: readonly number[], all: number): void {
    const [first] = places;
    if (first === undefined) return;
    const isFirst = this.#count === 0;
    this.#count += places.length;
    if (!isFirst) return;
    const which = places.length === 1 ? `${this.#kind}s[${first}]` : `the first is ${this.#kind}s[${first}]`;
    process.emitWarning(
      `${places.length} of ${all} ${this.#kind}s were not added, because they have no text (${which}). The store counts them as "skipped"; ` +
        'with blank: "refuse" they are an error.',
      { type: "EmbedlessWarning", code: "EMBEDLESS_SKIPPED" },
    );
  }
}
