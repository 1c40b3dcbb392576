import { CALIBRATION } from "../../../src/search/calibration.js";
import { mean, percentile } from "../report.js";
import type { Searched } from "./asked.js";

/** Raw recalls at which searches are looked at while they go on. */
export const STOPS: readonly number[] = [0.3, 0.5, 0.6, 0.7, 0.8, 0.86, 0.91, 0.95, 0.98, 0.993, 0.9985];

/** Searches of one corpus, each as it was at every one of `STOPS`. */
export interface Curve {
  readonly foreign: boolean;
  readonly searches: readonly (readonly Searched[])[];
}

/** Caps, lowest first. */
const LADDER = [64, 128, 256, 512, 1024, 2048];
/** The share of searches that end by themselves below the cap. */
const UNCAPPED = 0.95;

/** One row of the tables: its entries by target. */
export interface Row {
  readonly stop: number[];
  readonly looks: number[];
  readonly cap: number[];
}

/** The raw recall at which searches of every corpus reach each target in the mean, with what that costs. */
export function fitRow(curves: readonly Curve[], k: number): Row {
  const row: Row = { stop: [], looks: [], cap: [] };
  for (const target of CALIBRATION.recalls) {
    const stop = Math.max(...curves.map((curve) => stopFor(curve, target)), row.stop.at(-1) ?? 0);
    const most = curves.map(({ searches }) =>
      percentile(
        searches.map((search) => looksAt(search, stop)),
        UNCAPPED,
      ),
    );
    const least = Math.max(4 * k, row.cap.at(-1) ?? 0, ...most);
    row.stop.push(stop);
    row.cap.push(LADDER.find((rung) => rung >= least) ?? LADDER.at(-1)!);
    const own = curves.filter(({ foreign }) => !foreign);
    row.looks.push(mean(own.map(({ searches }) => mean(searches.map((search) => looksAt(search, stop))))));
  }
  return row;
}

/**
 * Where the mean recall of a corpus passes the target. Where it never does, it is not for ending too early: the candidates
 * lack what is missing, so it asks for what the raw figure says, and no other corpus pays for more.
 */
function stopFor({ searches }: Curve, target: number): number {
  let before = 0;
  for (const [i, stop] of STOPS.entries()) {
    const reached = Math.max(before, mean(searches.map((search) => search[i]!.recall)));
    if (reached >= target) {
      if (i === 0) return stop;
      const share = (target - before) / (reached - before);
      return STOPS[i - 1]! + share * (stop - STOPS[i - 1]!);
    }
    before = reached;
  }
  return Math.min(target, STOPS.at(-1)!);
}

/** What a search had recomputed at a raw recall between two stops. */
function looksAt(search: readonly Searched[], raw: number): number {
  const high = STOPS.findIndex((stop) => stop >= raw);
  if (high <= 0) return search[0]!.recomputed;
  const share = (raw - STOPS[high - 1]!) / (STOPS[high]! - STOPS[high - 1]!);
  return search[high - 1]!.recomputed + share * (search[high]!.recomputed - search[high - 1]!.recomputed);
}
