/** Documents that were passed over because they are blank: how many a store met so far, and that its users hear of it. */
export class Skipped {
  readonly #kind: string;
  #count = 0;

  /** @param kind What they are called: `"document"`, `"node"`. */
  constructor(kind: string) {
    this.#kind = kind;
  }

  /** How many were passed over so far. */
  get count(): number {
    return this.#count;
  }

  /**
   * Counts them. Of the first ones a warning of the process tells, with code `EMBEDLESS_SKIPPED`; later ones are counted alone.
   *
   * @param places Their places among those that were to be added.
   * @param all How many these were.
   */
  add(places: readonly number[], all: number): void {
    const [first] = places;
    if (first === undefined) return;
    const isFirst = this.#count === 0;
    this.#count += places.length;
    if (!isFirst) return;
    const which = places.length === 1 ? `${this.#kind}s[${first}]` : `the first is ${this.#kind}s[${first}]`;
    process.emitWarning(
      `${places.length} of ${all} ${this.#kind}s not added: no text in them (${which}). The store counts them as "skipped"; ` +
        'with blank: "refuse" they are an error.',
      { type: "EmbedlessWarning", code: "EMBEDLESS_SKIPPED" },
    );
  }
}
