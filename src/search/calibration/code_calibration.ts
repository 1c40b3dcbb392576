/** What was measured with one code. Tables by k and target; what is raw is `NativeResult.expectedRecall`. */
export interface CodeCalibration {
  readonly code: string;
  readonly kind: "pq" | "lvq" | "leanvec";
  /** Bytes of a row under cosine, factors included. */
  readonly rowBytes: number;
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
