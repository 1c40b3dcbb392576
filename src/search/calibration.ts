/**
 * How searches are steered to a recall, code by code. Made by `npm run bench -- calibrate` (`--codes 48,lvq8` for some of
 * them only) on 50,000 real passages of 384 dims, on the even queries of a hard and an easy set. Data only: change the
 * command, not the numbers. `calibrated.ts` reads it.
 */
export interface Calibration {
  /** Targets: columns of the tables. */
  readonly recalls: readonly number[];
  /** Rows of the tables and maps. */
  readonly ks: readonly number[];
  /** Raw figures at which the maps know the recall reached. */
  readonly raws: readonly number[];
  readonly codes: readonly CodeCalibration[];
}

/** What was measured with one code. Tables by k and target. */
export interface CodeCalibration {
  readonly code: string;
  readonly kind: "pq" | "lvq" | "leanvec";
  /** Bytes of a row under cosine, factors included. */
  readonly rowBytes: number;
  /** Most recomputes: the smallest power of two from 64 and 4k on with which the target can be reached. */
  readonly cap: readonly (readonly number[])[];
  /** Smallest margins, in sigmas, that reach the target, and the mean recomputes that they cost; all scores exact. */
  readonly exact: { readonly eps: readonly (readonly number[])[]; readonly looks: readonly (readonly number[])[] };
  /** The same where clear candidates are taken by their estimate. */
  readonly approx: { readonly eps: readonly (readonly number[])[]; readonly looks: readonly (readonly number[])[] };
  /** From raw to reached recall: of answers by estimates alone, and of those after exact looks. Rows by k. */
  readonly reached: {
    readonly estimates: readonly (readonly number[])[];
    readonly looks: readonly (readonly number[])[];
  };
}

// biome-ignore format: several numbers a line
export const CALIBRATION: Calibration = {
  recalls: [0.5, 0.7, 0.8, 0.9, 0.95, 0.97, 0.99, 0.999],
  ks: [1, 3, 10, 30, 100],
  raws: [0.3, 0.5, 0.6, 0.7, 0.8, 0.86, 0.91, 0.95, 0.98, 1],
  codes: [
    { code: "48", kind: "pq", rowBytes: 51,
      cap: [[64, 64, 64, 64, 64, 64, 160, 160], [64, 64, 64, 64, 64, 64, 160, 160], [64, 64, 64, 64, 64, 64, 160, 160], [120, 120, 120, 120, 120, 120, 240, 240], [400, 400, 400, 400, 400, 400, 800, 800]],
      exact: { eps: [[-1, -1, -1, -1, -1, -0.7, 0.55, 2.4], [-1, -1, -1, -0.6, 0.4, 0.7, 1.25, 1.95], [-1, -1, -1, -0.05, 0.65, 1, 1.5, 2.05], [-1, -1, -0.4, 0.22, 0.92, 1.2, 1.58, 1.6], [-1, -1, -0.55, 0.3, 0.9, 1.2, 1.6, 1.6]], looks: [[64, 64, 64, 64, 64, 64, 160, 160], [64, 64, 64, 64, 64, 64, 160, 160], [64, 64, 64, 64, 64, 64, 160, 160], [120, 120, 120, 120, 120, 120, 240, 240], [400, 400, 400, 400, 400, 400, 800, 800]] },
      approx: { eps: [[-1, -1, -1, -1, -1, -0.7, 0.55, 2.4], [-1, -1, -1, -0.6, 0.4, 0.7, 1.25, 1.95], [-1, -1, -1, -0.05, 0.65, 1, 1.5, 2.05], [-1, -1, -0.4, 0.22, 0.92, 1.2, 1.58, 1.6], [-1, -1, -0.55, 0.3, 0.9, 1.2, 1.6, 1.6]], looks: [[64, 64, 64, 64, 64, 64, 160, 160], [64, 64, 64, 64, 64, 64, 160, 160], [64, 64, 64, 64, 64, 64, 160, 160], [120, 120, 120, 120, 120, 120, 240, 240], [400, 400, 400, 400, 400, 400, 800, 800]] },
      reached: { estimates: [[0.3, 0.5, 0.6, 0.7, 0.8, 0.86, 0.91, 0.95, 0.98, 1], [0.3, 0.5, 0.6, 0.7, 0.8, 0.86, 0.91, 0.95, 0.98, 1], [0.3, 0.5, 0.6, 0.7, 0.8, 0.86, 0.91, 0.95, 0.98, 1], [0.3, 0.5, 0.6, 0.7, 0.8, 0.86, 0.91, 0.95, 0.98, 1], [0.3, 0.5, 0.6, 0.7, 0.8, 0.86, 0.91, 0.95, 0.98, 1]], looks: [[0.3, 0.5, 0.6, 0.7, 0.8, 0.86, 0.91, 0.95, 0.98, 1], [0.3, 0.5, 0.6, 0.7, 0.8, 0.86, 0.91, 0.95, 0.98, 1], [0.3, 0.5, 0.6, 0.7, 0.8, 0.86, 0.91, 0.95, 0.98, 1], [0.3, 0.5, 0.6, 0.7, 0.8, 0.86, 0.91, 0.95, 0.98, 1], [0.3, 0.5, 0.6, 0.7, 0.8, 0.86, 0.91, 0.95, 0.98, 1]] },
    },
  ],
};
