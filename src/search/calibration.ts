import type { CodeCalibration } from "./calibration/code_calibration.js";
import { LEANVEC } from "./calibration/leanvec.js";
import { LVQ } from "./calibration/lvq.js";
import { PQ } from "./calibration/pq.js";

/**
 * How searches are steered to a recall and what their answers say of it, code by code, as measured on real passages of 384
 * dims: all 50,000 and small stores cut out of them, with questions of their own and with foreign ones, which no passage
 * answers; on every other of them. Made by `npm run bench -- calibrate` (`--codes 48,lvq8` for some codes only), which
 * writes the files of `calibration/`. `calibrated.ts` reads it.
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

export const CALIBRATION: Calibration = {
  recalls: [0.5, 0.7, 0.8, 0.9, 0.95, 0.97, 0.99, 0.999],
  ks: [1, 2, 3, 4, 5, 8, 10, 20, 50, 100],
  raws: [0.3, 0.5, 0.6, 0.7, 0.8, 0.86, 0.91, 0.95, 0.98, 0.993, 1],
  codes: [...PQ, ...LEANVEC, ...LVQ],
};
