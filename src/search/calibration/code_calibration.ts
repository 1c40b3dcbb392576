/** What was measured with one code. Tables by k and target; what is raw is `NativeResult.expectedRecall`. */
export interface CodeCalibration {
  readonly code: string;
  readonly kind: "pq" | "lvq" | "leanvec";
  /** Bytes of a row under cosine, factors included. */
  readonly rowBytes: number;
  /**
   * Searches with exact scores look at every candidate that is at least this share of 1 - target likely among the k nearest,
   * and go on as `stop` says only then. Left out: they go by `stop` alone.
   *
   * Coarse codes leave some questions hundreds of candidates that are hardly likely. To bring each question to one recall
   * costs more than to spend alike on all: at 24 bytes a fifth more, from 48 bytes on nothing.
   */
  readonly leastShare?: number;
  /** Most recomputes: the smallest power of two from 64 and 4k on that 19 of 20 searches of any kind stay below. */
  readonly cap: readonly (readonly number[])[];
  readonly exact: CodeTables;
  /** The same where candidates that estimates tell from the rest are taken unseen. */
  readonly approx: CodeTables;
  /** From raw to reached recall: of answers by estimates alone, and of those with exact and approximate scores. Rows by k. */
  readonly reached: {
    readonly estimates: readonly (readonly number[])[];
    readonly exact: readonly (readonly number[])[];
    readonly approx: readonly (readonly number[])[];
  };
}

/** Of searches with one kind of scores. */
export interface CodeTables {
  /** Raw recall at which a search ends, so that questions of every kind, own and foreign, reach the target in the mean. */
  readonly stop: readonly (readonly number[])[];
  /** Mean recomputes that it costs questions which some passage answers. */
  readonly looks: readonly (readonly number[])[];
}
