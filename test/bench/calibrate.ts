import { native } from "../../src/native.js";
import type { CodeTraits } from "../../src/search/calibrated.js";
import { CALIBRATION, type CodeCalibration } from "../../src/search/calibration.js";
import { readVectors, SET_NAMES } from "../support/data.js";
import type { Bench, BenchContext } from "./bench.js";
import { candidatesOf, modelSearch } from "./bound_model.js";
import { type Asked, readAsked, searchReally } from "./calibration/asked.js";
import { type Cell, Fit, type Group, planOf, type Scores } from "./calibration/fit.js";
import { writeTables } from "./calibration/write.js";
import { BUNDLED_CODE, CODE_NAMES, type CodedData, codebooksOf, codeData } from "./coded_data.js";
import { type Report, round } from "./report.js";
import { Truth } from "./truth.js";

const { ks: KS, recalls: RECALLS } = CALIBRATION;
/** Candidates of a query that are known: as many as a search keeps at most. */
const POOL = 4096;
/** A target counts as met by a mean recall this much below it. */
const TOLERANCE = 0.01;
/** Real searches that prove the model of the search, of each group and kind. */
const COMPARED = 50;

/** Fits how searches are steered, code by code. */
export const calibrate: Bench = {
  name: "calibrate",
  about: "fits caps and error margins of the codes into src/search/calibration.ts; then run expected",
  needsData: true,
  run: fitAll,
};

async function fitAll({ report, data, codes }: BenchContext): Promise<void> {
  const addon = native();
  const vectors = readVectors(data);
  const truth = await Truth.of(addon, vectors);
  const asked = await readAsked(data, truth, Math.max(...KS));
  for (const code of codes ?? CODE_NAMES) {
    const coded: CodedData[] = [];
    for (const codebook of codebooksOf(code)) coded.push(await codeData(addon, vectors, code, codebook, data));
    const cells = await fitCells(report, coded, asked, truth, vectors);
    printCells(report, code, cells);
    writeTables({ ...describe(coded[0]!), ...tablesOf(cells) });
  }
}

function describe({ code, index }: CodedData): Pick<CodeCalibration, "code" | "kind" | "rowBytes"> {
  const { kind, rowBytes }: CodeTraits = index.coder;
  if (kind !== "pq" && kind !== "lvq" && kind !== "leanvec")
    throw new Error(`The code ${code} is of the kind ${kind}.`);
  return { code, kind, rowBytes };
}

/** The smallest caps and margins that reach each target in every group. */
async function fitCells(
  report: Report,
  coded: readonly CodedData[],
  asked: readonly Asked[],
  truth: Truth,
  vectors: Float32Array,
): Promise<Cell[]> {
  const groups: Group[] = [];
  for (const { index } of coded) {
    for (const set of SET_NAMES) {
      const queries: { query: Asked; candidates: Awaited<ReturnType<typeof candidatesOf>> }[] = [];
      for (const query of asked.filter((one) => one.set === set)) {
        queries.push({ query, candidates: await candidatesOf(index, truth, query, POOL) });
      }
      groups.push({ queries });
    }
  }
  const fit = new Fit(groups, coded[0]!.code === BUNDLED_CODE);
  const cells = (["exact", "approx"] as const).flatMap((scores) => KS.flatMap((k) => fit.cells(k, RECALLS, scores)));
  await compareWithSessions(report, coded, groups, cells, vectors);
  return cells;
}

/** Tables are fitted on a model of the search; this proves on real searches that the model tells the truth. */
async function compareWithSessions(
  report: Report,
  coded: readonly CodedData[],
  groups: readonly Group[],
  cells: readonly Cell[],
  vectors: Float32Array,
): Promise<void> {
  let compared = 0;
  let equal = 0;
  for (const cell of cells.filter(({ k, target }) => k === 10 && target === 0.95)) {
    const plan = planOf(cell);
    for (const [i, { queries }] of groups.entries()) {
      const { index } = coded[Math.floor(i / SET_NAMES.length)]!;
      for (const { query, candidates } of queries.slice(0, COMPARED)) {
        const { looks } = await searchReally(index, vectors, query, cell.k, plan);
        const expected = modelSearch(candidates, cell.k, plan).looks.map((place) => candidates.nodes[place]!);
        compared++;
        if (expected.join() === looks.join()) equal++;
      }
    }
  }
  // The scan keeps candidates by estimates from byte tables, so the edge of a pool differs now and then.
  report.target(
    `${equal} of ${compared} real searches recompute what the model of the search says`,
    equal >= 0.97 * compared,
  );
}

function tablesOf(cells: readonly Cell[]): Pick<CodeCalibration, "cap" | "exact" | "approx"> {
  const table = (scores: Scores, read: (cell: Cell) => number) =>
    KS.map((k) => cells.filter((cell) => cell.k === k && cell.scores === scores).map(read));
  const both = (scores: Scores) => ({
    eps: table(scores, ({ eps }) => eps),
    looks: table(scores, ({ looks }) => looks),
  });
  return { cap: table("exact", ({ cap }) => cap), exact: both("exact"), approx: both("approx") };
}

function printCells(report: Report, code: string, cells: readonly Cell[]): void {
  report.figures(
    "calibrate",
    cells.map(({ fitRecall, judgeRecall, ...cell }) => ({
      record: { code, ...cell, fitRecall: round(fitRecall, 4), judgeRecall: round(judgeRecall, 4) },
    })),
  );
  const missed = cells.filter(({ target, judgeRecall }) => judgeRecall < target - TOLERANCE);
  const uncapped = missed.filter(({ capped }) => !capped);
  report.target(`odd queries reach every target less ${TOLERANCE} where the cap allows it`, uncapped.length === 0);
  const kept = missed.filter(({ capped }) => capped).map(({ k, target }) => `${target} at k ${k}`);
  if (kept.length > 0) report.note(`  below target less the tolerance because of the cap: ${kept.join(", ")}`);
}
