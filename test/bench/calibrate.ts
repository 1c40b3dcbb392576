import { type CodeCalibration, calibration } from "../../src/codes/calibration.js";
import { leastChanceOf, type SearchPlan } from "../../src/codes/plan.js";
import { native } from "../../src/native/native.js";
import type { NativeIndex } from "../../src/native/surface.js";
import { readVectors } from "../support/data.js";
import type { Bench, BenchContext } from "./bench.js";
import { type Asked, searchReally, searchThrough } from "./calibration/asked.js";
import { type Corpus, readCorpora } from "./calibration/corpora.js";
import { type Answered, type Curve, capFor, isMet, meanLooks, placeFor, STOPS } from "./calibration/curve.js";
import { fitMap, type Said } from "./calibration/reached.js";
import { writeCode } from "./calibration/write.js";
import { CODE_NAMES, type CodedData, codebooksOf, codeData } from "./coded_data.js";
import { type Report, round } from "./report.js";
import { Truth } from "./truth.js";

const { ks: KS, recalls: RECALLS, raws: RAWS } = calibration();
/** Candidates and looks of a search that goes on to the last stop: as many as a plan has at most. */
const DEEP = { cap: 2048, pool: 4096 };
/** Enough for few hits and a code of 48 bytes or more, or for many hits and one of 96; and quicker. */
const USUAL = { cap: 1024, pool: 1024 };
/** Enough for few hits and a code of 96 bytes or more. */
const SHALLOW = { cap: 512, pool: 512 };
/** Questions of each corpus at most: of few hits each says little. With coarse codes, which look at hundreds, fewer have to do. */
const questionsFor = (k: number, { coder }: NativeIndex) =>
  coder.rowBytes < 51 ? (k <= 20 ? 100 : 60) : k <= 5 ? 240 : k <= 20 ? 120 : 80;
/** Of codes with which searches look at all candidates that are likely enough: tried with 24, 32 and 48 bytes. */
const LEAST_SHARE: Readonly<Record<string, number>> = { "24": 1 };
/** A search that begins again may look at fewer candidates than one that went on, so it may have to end this many stops later. */
const MOST_LATER = 3;

type Scores = SearchPlan["scores"];

/** Fits how searches are steered and what they say of themselves, code by code. */
export const calibrate: Bench = {
  name: "calibrate",
  about: "fits where searches end, and the recall that their answers tell, into src/codes/calibration.json",
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
    writeCode(await fitCode(report, { coded, corpora, vectors }));
  }
}

/** What a code is fitted on. */
interface Material {
  /** The data by each codebook of one code. */
  readonly coded: readonly CodedData[];
  readonly corpora: readonly Corpus[];
  readonly vectors: Float32Array;
}

/** An entry of the tables. */
interface Cell {
  readonly stop: number;
  readonly looks: number;
  readonly cap: number;
}

/** The tables and maps of a code. */
async function fitCode(report: Report, material: Material): Promise<CodeCalibration> {
  const { code, index } = material.coded[0]!;
  const { kind, rowBytes } = index.coder;
  if (kind !== "pq" && kind !== "lvq" && kind !== "leanvec")
    throw new Error(`The code ${code} is of the kind ${kind}.`);
  const rows: Record<Scores, Cell[][]> = { exact: [], approx: [] };
  const reached: Record<keyof CodeCalibration["reached"], number[][]> = { estimates: [], exact: [], approx: [] };
  for (const k of KS) {
    reached.estimates.push(fitMap(await answersByEstimates(material, k), RAWS));
    for (const scores of ["exact", "approx"] as const) {
      const { row, said } = await fitRow(material, k, scores);
      rows[scores].push(row);
      reached[scores].push(fitMap(said, RAWS));
    }
    print(report, code, k, { exact: rows.exact.at(-1)!, approx: rows.approx.at(-1)! });
  }
  const table = (scores: Scores, name: keyof Cell, digits: number) =>
    rows[scores].map((row) => row.map((cell) => round(cell[name], digits)));
  const tables = (scores: Scores) => ({ stop: table(scores, "stop", 4), looks: table(scores, "looks", 1) });
  const leastShare = LEAST_SHARE[code];
  return {
    code,
    kind,
    rowBytes,
    ...(leastShare !== undefined && { leastShare }),
    cap: rows.exact.map((row, i) => row.map(({ cap }, column) => Math.max(cap, rows.approx[i]![column]!.cap))),
    exact: tables("exact"),
    approx: tables("approx"),
    reached,
  };
}

/** Entries of every target, and what searches said that went on from stop to stop and that ended at the entries. */
async function fitRow(material: Material, k: number, scores: Scores): Promise<{ row: Cell[]; said: Said[] }> {
  const row: Cell[] = [];
  const said: Said[] = [];
  let place = 0;
  let curves: Curve[] = [];
  let ended = { place: -1, answered: [] as Answered[] };
  for (const target of RECALLS) {
    const share = scores === "exact" ? LEAST_SHARE[material.coded[0]!.code] : undefined;
    const leastChance = leastChanceOf(share, target);
    if (row.length === 0 || leastChance < 1) {
      curves = await curvesOf(material, k, { scores, leastChance }, place);
      if (row.length === 0) said.push(...curves.flatMap(({ searches }) => searches.flat()));
    }
    place = Math.max(place, placeFor(curves, target));
    const latest = Math.min(place + MOST_LATER, STOPS.length - 1);
    for (; ; place++) {
      if (ended.place !== place || leastChance < 1) {
        ended = { place, answered: await answersOf(material, k, { scores, leastChance, recall: STOPS[place]! }) };
      }
      if (place >= latest || isMet(ended.answered, curves, place, target)) break;
    }
    const { answered } = ended;
    said.push(...answered.flatMap(({ searches }) => searches));
    const cap = Math.max(row.at(-1)?.cap ?? 0, capFor(answered, k));
    row.push({ stop: STOPS[place]!, looks: Math.max(row.at(-1)?.looks ?? 0, meanLooks(answered)), cap });
  }
  return { row, said };
}

/** Searches of each corpus with each codebook that go on from stop to stop. Before stop `from` they count as they were there. */
function curvesOf(
  { coded, corpora, vectors }: Material,
  k: number,
  plan: Pick<SearchPlan, "scores" | "leastChance">,
  from: number,
): Promise<Curve[]> {
  return ofEach(coded, corpora, k, async (index, query) => {
    const searched = await searchThrough(index, vectors, query, k, STOPS.slice(from), { ...sizes(index, k), ...plan });
    return [...STOPS.slice(0, from).map(() => searched[0]!), ...searched];
  });
}

/** Searches of each corpus with each codebook that end at one stop. */
function answersOf(
  { coded, corpora, vectors }: Material,
  k: number,
  plan: Pick<SearchPlan, "scores" | "leastChance" | "recall">,
): Promise<Answered[]> {
  return ofEach(coded, corpora, k, (index, query) =>
    searchReally(index, vectors, query, k, { ...sizes(index, k), ...plan }),
  );
}

async function ofEach<Result>(
  coded: readonly CodedData[],
  corpora: readonly Corpus[],
  k: number,
  search: (index: NativeIndex, query: Asked) => Promise<Result>,
): Promise<{ foreign: boolean; searches: Result[] }[]> {
  const found = [];
  for (const { index } of coded) {
    for (const { foreign, asked } of corpora) {
      const searches: Result[] = [];
      for (const query of someOf(asked, questionsFor(k, index))) searches.push(await search(index, query));
      found.push({ foreign, searches });
    }
  }
  return found;
}

async function answersByEstimates({ coded, corpora, vectors }: Material, k: number): Promise<Said[]> {
  const plan = { recall: 1, leastChance: 1, cap: 0, scores: "exact" } as const;
  const answered = await ofEach(coded, corpora, k, (index, query) =>
    searchReally(index, vectors, query, k, { ...plan, pool: sizes(index, k).pool }),
  );
  return answered.flatMap(({ searches }) => searches);
}

/** Questions from all over the corpus, as many as are needed. */
function someOf(asked: readonly Asked[], count: number): Asked[] {
  const step = Math.max(1, asked.length / count);
  return Array.from({ length: Math.floor(asked.length / step) }, (_, i) => asked[Math.floor(i * step)]!);
}

function sizes({ coder }: NativeIndex, k: number): typeof DEEP {
  if (coder.rowBytes < 51) return DEEP;
  if (coder.rowBytes < 96) return k > 10 ? DEEP : USUAL;
  return k > 10 ? USUAL : SHALLOW;
}

function print(report: Report, code: string, k: number, rows: Record<Scores, readonly Cell[]>): void {
  report.figures(
    "calibrate",
    (["exact", "approx"] as const).flatMap((scores) =>
      rows[scores].map(({ stop, looks, cap }, i) => ({
        record: { code, k, scores, target: RECALLS[i]!, stop, looks: round(looks, 1), cap },
      })),
    ),
  );
}
