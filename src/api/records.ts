/** Which records to list. Both times are exclusive. */
export interface RecordRange {
  before?: number | undefined;
  after?: number | undefined;
  /** `null` stands for records without a group. */
  groups?: readonly (string | null)[] | undefined;
}

/**
 * The records of an indexing pipeline, kept in the store's file: which passages it stored, from where, and when it last
 * saw their sources. A pipeline that indexes the same sources again uses them to find what is unchanged and what is
 * gone. LangChain calls this a record manager.
 *
 * Times are in milliseconds. No two are equal, however fast calls follow each other, so what a run records is never
 * older than the start of the run. Deleting a passage deletes the records of its id too, so the next run repairs what
 * an interrupted run left unfinished.
 */
export interface Records {
  /** The name of the pipeline that these records belong to. */
  readonly namespace: string;
  /** Answers a time that is later than every time recorded or answered before. */
  time(): Promise<number>;
  /**
   * Records keys, or updates their records, in one transaction.
   *
   * @param options.groups The source of each key, one per key.
   * @param options.timeAtLeast The call throws if the clock has not reached this time.
   * @param options.time When the keys were seen, by the caller's clock, in milliseconds. Fractions are rounded.
   *   Default: a time later than all others.
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
  /** Deletes the records of keys in one transaction. Unknown keys are ignored. The passages stay. */
  delete(keys: readonly string[]): Promise<void>;
}
