import { mean, percentile } from "../report.js";
import type { Searched } from "./asked.js";

/**
 * Raw recalls at which searches are looked at while they go on. Recall as a function of them has a step near every 1 - j/k,
 * so they lie close together and nothing is drawn between them.
 */
export const STOPS: readonly number[] = [
  ...Array.from({ length: 68 }, (_, i) => (30 + i) / 100),
  ...[0.98, 0.985, 0.99, 0.993, 0.996, 0.9985],
];

/** Searches of one corpus that all ended by the same rule. */
export interface Answered {
  readonly foreign: boolean;
  readonly searches: readonly Searched[];
}

/** Searches of one corpus, each as it was at every one of `STOPS`. */
export interface Curve {
  readonly foreign: boolean;
  readonly searches: readonly (readonly Searched[])[];
}

/** Caps, lowest first. */
const LADDER = [64, 128, 256, 512, 1024, 2048];
/** The share of searches that end by themselves below the cap. */
const UNCAPPED = 0.95;

/**
 * Place of the first stop at which every corpus reaches the target in the mean. One that never does is not for ending too
 * early: its candidates lack what is missing, so it asks for what the raw figure says, and no other corpus pays for more.
 */
export function placeFor(curves: readonly Curve[], target: number): number {
  const places = curves.map(({ searches }) => {
    const met = STOPS.findIndex((_, i) => mean(searches.map((search) => search[i]!.recall)) >= target);
    return met >= 0 ? met : placeOf(target);
  });
  return Math.max(...places);
}

/** The first stop that is no lower. */
function placeOf(raw: number): number {
  const place = STOPS.findIndex((stop) => stop >= raw);
  return place >= 0 ? place : STOPS.length - 1;
}

/** Whether every corpus reaches the target in the mean, or else what the curves say of a stop. */
export function isMet(answered: readonly Answered[], curves: readonly Curve[], place: number, target: number): boolean {
  return answered.every(({ searches }, i) => {
    const told = mean(curves[i]!.searches.map((search) => search[place]!.recall));
    return mean(searches.map(({ recall }) => recall)) >= Math.min(target, told);
  });
}

/** Mean recomputes of questions which some passage answers, each corpus counting alike. */
export function meanLooks(answered: readonly Answered[]): number {
  const own = answered.filter(({ foreign }) => !foreign);
  return mean(own.map(({ searches }) => mean(searches.map(({ recomputed }) => recomputed))));
}

/** The cap that nearly all searches of every corpus stay below. */
export function capFor(answered: readonly Answered[], k: number): number {
  const most = answered.map(({ searches }) =>
    percentile(
      searches.map(({ recomputed }) => recomputed),
      UNCAPPED,
    ),
  );
  const least = Math.max(4 * k, ...most);
  return LADDER.find((rung) => rung >= least) ?? LADDER.at(-1)!;
}
