import type { Figure } from "./measure.js";

/** How far figures may be from the stored ones. Recall is compared by difference, recomputes by share. */
export interface Band {
  readonly recall: number;
  readonly recomputed: number;
}

/**
 * Of one line. Codebooks trained with other instruction sets differ in the last digits, and with them what a search
 * recomputes: lines measured with AVX2 and with AVX-512 VBMI were at most 0.007 of recall and 2.5 % of recomputes apart.
 */
export const LINE: Band = { recall: 0.015, recomputed: 0.06 };
/** Of the mean over the lines of a store and a way, where such differences cancel: 0.002 and 0.7 %. */
export const MEAN: Band = { recall: 0.006, recomputed: 0.02 };

/**
 * Every figure that is not within its band of the stored one, one sentence each; none if all are. A gain is
 * named too: stored figures that are out of date would hide a later loss.
 */
export function compareFigures(measured: readonly Figure[], stored: readonly Figure[]): string[] {
  const byLine = new Map(stored.map((figure) => [lineOf(figure), figure]));
  const unknown = measured
    .filter((figure) => !byLine.has(lineOf(figure)))
    .map((figure) => `${lineOf(figure)}: not stored`);
  const known = measured.filter((figure) => byLine.has(lineOf(figure)));
  const lines = known.flatMap((figure) => differences(lineOf(figure), figure, byLine.get(lineOf(figure))!, LINE));
  const ways = [...new Set(known.map(wayOf))];
  const means = ways.flatMap((way) => {
    const own = known.filter((figure) => wayOf(figure) === way);
    const before = own.map((figure) => byLine.get(lineOf(figure))!);
    return differences(`${way}, mean`, meanOf(own), meanOf(before), MEAN);
  });
  return [...unknown, ...lines, ...means];
}

type Measured = Pick<Figure, "recall" | "recomputed">;

function differences(name: string, measured: Measured, stored: Measured, band: Band): string[] {
  const recall = measured.recall - stored.recall;
  const recomputed = measured.recomputed / stored.recomputed - 1;
  return [
    ...(Math.abs(recall) > band.recall ? [`${name}: recall ${told(measured.recall, stored.recall)}`] : []),
    ...(Math.abs(recomputed) > band.recomputed
      ? [`${name}: recomputed ${told(measured.recomputed, stored.recomputed)}`]
      : []),
  ];
}

function told(measured: number, stored: number): string {
  return `${measured.toFixed(4)} is ${measured < stored ? "less" : "more"} than the stored ${stored.toFixed(4)}`;
}

/** Recomputes weigh by their share, or lines with many of them would decide alone. */
function meanOf(figures: readonly Figure[]): Measured {
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  return {
    recall: mean(figures.map(({ recall }) => recall)),
    recomputed: Math.exp(mean(figures.map(({ recomputed }) => Math.log(recomputed)))),
  };
}

function wayOf({ store, way }: Figure): string {
  return `${store}, ${way}`;
}

function lineOf(figure: Figure): string {
  return `${wayOf(figure)}, k ${figure.k}, recall ${figure.target}`;
}
