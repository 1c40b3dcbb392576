import type { SetName } from "../support/data.js";

/** Which codebook codes were made with: trained on the same passages, or on other topics only. */
export type CodebookName = "trained" | "bundled";

/** What the reference needs with one code on one set: candidates by estimate alone, and recall@10 of the best ten estimates. */
export interface ReferenceNeed {
  readonly need95: number;
  readonly need99: number;
  readonly recall: number;
}

type NeedLine = readonly [need95: number, need99: number, recall: number];

/**
 * Figures of the reference implementation of the code and the bound (numpy), all queries, as the README of the data
 * folder lists them: questions, then sentences. `bundled` is its row "transfer".
 */
const REFERENCE_NEED: Readonly<Record<CodebookName, Readonly<Record<string, readonly [NeedLine, NeedLine]>>>> = {
  trained: {
    "24": [
      [115, 372, 0.572],
      [61, 154, 0.582],
    ],
    "32": [
      [59, 167, 0.646],
      [40, 81, 0.659],
    ],
    "48": [
      [30, 62, 0.738],
      [23, 39, 0.762],
    ],
    "64": [
      [20, 37, 0.8],
      [17, 27, 0.816],
    ],
    "96": [
      [14, 21, 0.866],
      [13, 18, 0.879],
    ],
    "128": [
      [12, 16, 0.906],
      [12, 15, 0.908],
    ],
    "192": [
      [11, 13, 0.94],
      [11, 13, 0.938],
    ],
  },
  bundled: {
    "48": [
      [33, 79, 0.729],
      [22, 40, 0.758],
    ],
  },
};

/** The reference's figures, `undefined` for codes that it does not have. */
export function referenceNeed(codebook: CodebookName, code: string, set: SetName): ReferenceNeed | undefined {
  const line = REFERENCE_NEED[codebook][code]?.[set === "questions" ? 0 : 1];
  return line && { need95: line[0], need99: line[1], recall: line[2] };
}

/** One line of the table "The bound at 51 bytes": recall and mean recomputes on the questions, then on the sentences. */
type BoundLine = readonly [eps: number, recallQ: number, recomputesQ: number, recallK: number, recomputesK: number];

const REFERENCE_BOUND: readonly { codebook: CodebookName; k: number; cap: number; lines: readonly BoundLine[] }[] = [
  {
    codebook: "trained",
    k: 10,
    cap: 64,
    lines: [
      [-0.5, 0.895, 17.8, 0.933, 18.3],
      [-0.25, 0.911, 19.1, 0.946, 19.8],
      [0, 0.928, 21.1, 0.959, 21.8],
      [0.25, 0.945, 23.9, 0.972, 24.3],
      [0.5, 0.963, 27.5, 0.981, 27.4],
      [0.75, 0.974, 32, 0.988, 31.1],
      [1, 0.983, 37, 0.993, 35.2],
      [1.5, 0.989, 46.4, 0.996, 43.3],
      [2, 0.991, 53.1, 0.998, 50],
      [3, 0.991, 58.6, 0.998, 58.3],
    ],
  },
  {
    codebook: "trained",
    k: 10,
    cap: 128,
    lines: [
      [1, 0.985, 38.4, 0.993, 36.1],
      [1.5, 0.994, 55.2, 0.998, 48],
      [2, 0.997, 75.2, 0.999, 62.3],
      [3, 0.998, 104.4, 1, 90.6],
    ],
  },
  {
    codebook: "trained",
    k: 3,
    cap: 64,
    lines: [
      [-0.5, 0.924, 4.8, 0.925, 5.4],
      [-0.25, 0.941, 5.2, 0.942, 6],
      [0, 0.955, 5.6, 0.957, 6.7],
      [0.25, 0.968, 6.2, 0.971, 7.5],
      [0.5, 0.977, 7, 0.981, 8.5],
      [0.75, 0.987, 8, 0.989, 9.8],
      [1, 0.991, 9.3, 0.994, 11.2],
      [1.5, 0.997, 12.8, 0.998, 15],
      [2, 0.999, 17.4, 0.999, 19.9],
      [3, 1, 28.2, 0.999, 31.5],
    ],
  },
  {
    codebook: "bundled",
    k: 10,
    cap: 64,
    lines: [
      [-0.5, 0.878, 17.6, 0.934, 18.3],
      [-0.25, 0.891, 18.8, 0.945, 19.9],
      [0, 0.907, 20.6, 0.959, 21.8],
      [0.25, 0.927, 23.2, 0.97, 24.4],
      [0.5, 0.944, 26.7, 0.982, 27.6],
      [0.75, 0.96, 31.3, 0.987, 31.3],
      [1, 0.972, 36.4, 0.992, 35.4],
      [1.5, 0.983, 46, 0.996, 43.5],
      [2, 0.985, 52.8, 0.997, 50.2],
      [3, 0.985, 58.6, 0.997, 58.2],
    ],
  },
  {
    codebook: "bundled",
    k: 10,
    cap: 128,
    lines: [
      [1, 0.974, 37.8, 0.993, 36.4],
      [1.5, 0.99, 55.1, 0.998, 48.3],
      [2, 0.997, 75.3, 0.999, 62.7],
      [3, 0.996, 104.7, 1, 90.8],
    ],
  },
  {
    codebook: "bundled",
    k: 3,
    cap: 64,
    lines: [
      [-0.5, 0.901, 4.7, 0.922, 5.5],
      [-0.25, 0.912, 5, 0.943, 6],
      [0, 0.926, 5.4, 0.957, 6.6],
      [0.25, 0.94, 6, 0.968, 7.4],
      [0.5, 0.959, 6.7, 0.978, 8.4],
      [0.75, 0.97, 7.7, 0.985, 9.7],
      [1, 0.982, 8.9, 0.99, 11.2],
      [1.5, 0.995, 12.4, 0.997, 15.1],
      [2, 0.998, 17.3, 0.999, 19.9],
      [3, 1, 28.6, 1, 31.7],
    ],
  },
];

/**
 * Mean recomputes that the reference needs for a recall, read linearly between the lines of its table; where two caps
 * reach it, the cheaper one counts. Below the table its first two lines are drawn on, down to the first batch; above it
 * there is no answer.
 */
export function referenceRecomputes(
  codebook: CodebookName,
  set: SetName,
  k: number,
  recall: number,
): number | undefined {
  const tables = REFERENCE_BOUND.filter((table) => table.codebook === codebook && table.k === k);
  const answers = tables.map(({ cap, lines }) =>
    readAt(pointsOf(lines, set), recall, cap === 64 ? firstBatch(k) : undefined),
  );
  const known = answers.filter((answer) => answer !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}

function firstBatch(k: number): number {
  const batch = k < 5 ? 4 : 8;
  return Math.ceil(k / batch) * batch;
}

function pointsOf(lines: readonly BoundLine[], set: SetName): { recall: number; recomputes: number }[] {
  return lines.map(([, recallQ, recomputesQ, recallK, recomputesK]) =>
    set === "questions" ? { recall: recallQ, recomputes: recomputesQ } : { recall: recallK, recomputes: recomputesK },
  );
}

/** `floor`: the least possible answer, for recalls below the first point; `undefined` leaves those without an answer. */
function readAt(
  points: readonly { recall: number; recomputes: number }[],
  recall: number,
  floor: number | undefined,
): number | undefined {
  const above = points.findIndex((point) => point.recall >= recall);
  if (above < 0) return undefined;
  if (above === 0 && points[0]!.recall > recall && floor === undefined) return undefined;
  const high = points[Math.max(above, 1)]!;
  const low = points[Math.max(above, 1) - 1]!;
  const share = (recall - low.recall) / (high.recall - low.recall);
  return Math.max(floor ?? 0, low.recomputes + share * (high.recomputes - low.recomputes));
}
