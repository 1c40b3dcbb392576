/** Which records to list. Times are exclusive. */
export interface RecordRange {
  before?: number | undefined;
  after?: number | undefined;
  /** `null`: records without a group. */
  groups?: readonly (string | null)[] | undefined;
}

/**
 * The records of an indexing pipeline, kept in the store's own file: which passages it stored, from where, and when it last
 * saw their sources. A pipeline that indexes the same sources again asks them what is unchanged and what is gone. LangChain
 * calls this a record manager.
 *
 * Times are milliseconds. No two are equal, however fast one call follows another: what a run records is never older than
 * the run's own beginning. Deleting a passage deletes the records of its id, so the next run repairs what an interrupted run
 * left half done.
 */
export interface Records {
  /** Which pipeline's records these are. */
  readonly namespace: string;
  /** A time later than every time that was recorded or given out before. */
  time(): Promise<number>;
  /**
   * Records keys, or updates their records, in one transaction.
   *
   * @param options.groups The source of each key, one per key.
   * @param options.timeAtLeast Throws if the clock has not reached this time.
   * @param options.time When the keys were seen, by the caller's clock, in milliseconds; fractions are rounded. Default: a
   *   time later than all others.
   * @throws `INVALID_ARGUMENT`, `INVALID_ID`, `LIMIT` above 100,000 keys, `LOCKED`, `READONLY`, `NO_SPACE`, `IO`
   */
  update(
    keys: readonly string[],
    options?: { groups?: readonly (string | null)[]; timeAtLeast?: number; time?: number },
  ): Promise<void>;
  /** Whether each key is recorded. Throws `INVALID_ID`. */
  exists(keys: readonly string[]): Promise<boolean[]>;
  /**
   * Recorded keys, in order.
   *
   * @param range `before` and `after`, both exclusive, and `groups`.
   * @param limit Most keys. Default: all.
   */
  list(range?: RecordRange, limit?: number): Promise<string[]>;
  /** Deletes the records of keys, in one transaction; unknown keys are ignored. The passages stay. */
  delete(keys: readonly string[]): Promise<void>;
}
