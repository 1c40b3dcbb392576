/** What searches of one effort gave in the mean: recall by k, and passages recomputed a query. */
export interface Rung {
  readonly recall: ReadonlyMap<number, number>;
  readonly recomputes: number;
}

/** Where a method reaches a target. */
export interface Reached {
  readonly recall: number;
  readonly recomputes: number;
}

/**
 * The recomputes at which a method reaches a recall, between two efforts by a straight line. Efforts count up from 0;
 * only those around the target are measured, each once.
 */
export class Ladder {
  readonly #rungs: number;
  readonly #measure: (rung: number) => Promise<Rung>;
  readonly #known = new Map<number, Rung>();

  /** @param rungs Number of efforts, each higher than the one before. */
  constructor(rungs: number, measure: (rung: number) => Promise<Rung>) {
    this.#rungs = rungs;
    this.#measure = measure;
  }

  /**
   * @param start The effort to look at first.
   * @returns `undefined` if the highest effort does not reach it; the lowest effort as it is if that reaches more
   */
  async reach(k: number, target: number, start: number): Promise<Reached | undefined> {
    let high = Math.min(start, this.#rungs - 1);
    while ((await this.#recall(high, k)) < target) if (++high === this.#rungs) return undefined;
    while (high > 0 && (await this.#recall(high - 1, k)) >= target) high--;
    const above = await this.#at(high);
    if (high === 0) return { recall: await this.#recall(0, k), recomputes: above.recomputes };
    const [low, top] = [await this.#recall(high - 1, k), await this.#recall(high, k)];
    const below = await this.#at(high - 1);
    const share = (target - low) / (top - low);
    return { recall: target, recomputes: below.recomputes + share * (above.recomputes - below.recomputes) };
  }

  async #at(rung: number): Promise<Rung> {
    const known = this.#known.get(rung) ?? (await this.#measure(rung));
    this.#known.set(rung, known);
    return known;
  }

  async #recall(rung: number, k: number): Promise<number> {
    return (await this.#at(rung)).recall.get(k) ?? 0;
  }
}
