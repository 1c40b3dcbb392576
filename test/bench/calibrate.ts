import { type NativeIndex, native } from "../../src/native.js";
import type { CodeCalibration } from "../../src/search/calibration/code_calibration.js";
import { CALIBRATION } from "../../src/search/calibration.js";
import type { SearchPlan } from "../../src/search/plan.js";
import { readVectors } from "../support/data.js";
import type { Bench, BenchContext } from "./bench.js";
import { type Asked, type Searched, searchReally, searchThrough } from "./calibration/asked.js";
import { type Corpus, readCorpora } from "./calibration/corpora.js";
import { type Curve, fitRow, type Row, STOPS } from "./calibration/curve.js";
import { fitMap, type Said } from "./calibration/reached.js";
import { writeCode } from "./calibration/write.js";
import { CODE_NAMES, type CodedData, codebooksOf, codeData } from "./coded_data.js";
import { type Report, round } from "./report.js";
import { Truth } from "./truth.js";

const { ks: KS, recalls: RECALLS, raws: RAWS } = CALIBRATION;
/** Candidates and looks of a search that goes on to the last stop: as many as a plan has at most. */
const DEEP = { cap: 2048, pool: 4096 };
/** Enough for few hits and a code of 48 bytes or more, and quicker. */
const USUAL = { cap: 1024, pool: 1024 };
/** Questions of each corpus at most: of few hits each says little. */
const QUESTIONS = (k: number) => (k <= 5 ? 300 : 120);

type Scores = SearchPlan["scores"];

/** Fits how searches are steered and what they say of themselves, code by code. */
export const calibrate: Bench = {
  name: "calibrate",
  about: "fits where searches end, and the recall that their answers tell, into src/search/calibration/",
  needsData: true,
  run: fitAll,
};

async function fitAll({ report, data, codes }: BenchContext): Promise<void> {
  const addon = native();
  const vectors = readVectors(data);
  const corpora = await readCorpora(data, await Truth.of(addon, vectors), Math.max(...KS), "fitted");
  for (const code of codes ?? CODE_NAMES) {
    const coded: CodedData[] = [];
    for (const codebook of codebooksOf(code)) coded.push(await codeData(addon, vectors, code, codebook, data));
    writeCode(await fitCode(report, coded, corpora, vectors));
  }
}

/** The tables and maps of a code. */
async function fitCode(
  report: Report,
  coded: readonly CodedData[],
  corpora: readonly Corpus[],
  vectors: Float32Array,
): Promise<CodeCalibration> {
  const { code, index } = coded[0]!;
  const { kind, rowBytes } = index.coder;
  if (kind !== "pq" && kind !== "lvq" && kind !== "leanvec")
    throw new Error(`The code ${code} is of the kind ${kind}.`);
  const rows: Record<Scores, Row[]> = { exact: [], approx: [] };
  const reached: Record<keyof CodeCalibration["reached"], number[][]> = { estimates: [], exact: [], approx: [] };
  for (const k of KS) {
    reached.estimates.push(fitMap(await answersByEstimates(coded, corpora, vectors, k), RAWS));
    for (const scores of ["exact", "approx"] as const) {
      const curves = await curvesOf(coded, corpora, vectors, k, scores);
      rows[scores].push(fitRow(curves, k));
      const said = curves.flatMap(({ searches }) => searches.flat());
      reached[scores].push(fitMap(said, RAWS));
    }
    print(report, code, k, { exact: rows.exact.at(-1)!, approx: rows.approx.at(-1)! });
  }
  const table = (scores: Scores, name: keyof Row, digits: number) =>
    rows[scores].map((row) => row[name].map((value) => round(value, digits)));
  const tables = (scores: Scores) => ({ stop: table(scores, "stop", 4), looks: table(scores, "looks", 1) });
  return {
    code,
    kind,
    rowBytes,
    cap: rows.exact.map(({ cap }, i) => cap.map((least, column) => Math.max(least, rows.approx[i]!.cap[column]!))),
    exact: tables("exact"),
    approx: tables("approx"),
    reached,
  };
}

/**
 * Searches of each corpus with each codebook, at every stop. Those with exact scores begin anew for each stop, as real ones
 * do. Approximate ones go on from stop to stop: that takes a tenth of the time, and they look at a little more.
 */
async function curvesOf(
  coded: readonly CodedData[],
  corpora: readonly Corpus[],
  vectors: Float32Array,
  k: number,
  scores: Scores,
): Promise<Curve[]> {
  const curves: Curve[] = [];
  for (const { index } of coded) {
    for (const { foreign, asked } of corpora) {
      const searches: Curve["searches"][number][] = [];
      for (const query of someOf(asked, k)) {
        const plan = { ...sizes(index, k), scores };
        if (scores === "approx") searches.push(await searchThrough(index, vectors, query, k, STOPS, plan));
        else searches.push(await searchAnew(index, vectors, query, k, plan));
      }
      curves.push({ foreign, searches });
    }
  }
  return curves;
}

async function searchAnew(
  index: NativeIndex,
  vectors: Float32Array,
  query: Asked,
  k: number,
  plan: Omit<SearchPlan, "recall">,
): Promise<Searched[]> {
  const found: Searched[] = [];
  for (const recall of STOPS) found.push(await searchReally(index, vectors, query, k, { ...plan, recall }));
  return found;
}

async function answersByEstimates(
  coded: readonly CodedData[],
  corpora: readonly Corpus[],
  vectors: Float32Array,
  k: number,
): Promise<Said[]> {
  const said: Said[] = [];
  for (const { index } of coded) {
    for (const { asked } of corpora) {
      for (const query of someOf(asked, k)) {
        const plan = { cap: 0, pool: sizes(index, k).pool, scores: "exact" } as const;
        said.push(...(await searchThrough(index, vectors, query, k, [1], plan)));
      }
    }
  }
  return said;
}

/** Questions from all over the corpus, as many as are needed. */
function someOf(asked: readonly Asked[], k: number): Asked[] {
  const step = Math.max(1, asked.length / QUESTIONS(k));
  return Array.from({ length: Math.floor(asked.length / step) }, (_, i) => asked[Math.floor(i * step)]!);
}

function sizes({ coder }: NativeIndex, k: number): typeof DEEP {
  const isCoarse = coder.kind === "pq" && coder.rowBytes < 51;
  return isCoarse || k > 10 ? DEEP : USUAL;
}

function print(report: Report, code: string, k: number, rows: Record<Scores, Row>): void {
  report.figures(
    "calibrate",
    (["exact", "approx"] as const).flatMap((scores) =>
      RECALLS.map((target, i) => ({
        record: {
          code,
          k,
          scores,
          target,
          stop: round(rows[scores].stop[i]!, 4),
          looks: round(rows[scores].looks[i]!, 1),
          cap: rows[scores].cap[i]!,
        },
      })),
    ),
  );
}
