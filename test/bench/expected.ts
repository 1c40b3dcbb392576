import { native } from "../../src/native.js";
import { mapAtRow } from "../../src/search/calibrated.js";
import { CALIBRATION, type CodeCalibration } from "../../src/search/calibration.js";
import { planSearch } from "../../src/search/plan.js";
import { readVectors, SET_NAMES } from "../support/data.js";
import type { Bench, BenchContext } from "./bench.js";
import { type Asked, readAsked, type Searched, searchReally } from "./calibration/asked.js";
import { fitMap } from "./calibration/reached.js";
import { writeReached } from "./calibration/write.js";
import { CODE_NAMES, type CodedData, codebooksOf, codeData } from "./coded_data.js";
import { mean, type Report, round } from "./report.js";
import { Truth } from "./truth.js";

const { ks: KS, raws: RAWS } = CALIBRATION;
const TARGETS = [0.8, 0.9, 0.95, 0.99];
/** How far what is said may be off in the mean, on each set and on both; judged at these k, which get more queries. */
const JUDGED_KS = [3, 10];
const OFF_EACH = 0.03;
const OFF_BOTH = 0.02;

type Kind = keyof CodeCalibration["reached"];

/** Searches of one kind, by k and target. */
interface Searches {
  readonly k: number;
  readonly kind: Kind;
  readonly target: number;
  readonly all: readonly (Searched & { readonly query: Asked })[];
}

/** Fits what answers say of their own recall. */
export const expected: Bench = {
  name: "expected",
  about: "fits the expected recall that answers carry, code by code, into src/search/calibration.ts",
  needsData: true,
  run: fitAll,
};

async function fitAll({ report, data, codes }: BenchContext): Promise<void> {
  const addon = native();
  const vectors = readVectors(data);
  const asked = await readAsked(data, await Truth.of(addon, vectors), Math.max(...KS));
  for (const code of codes ?? CODE_NAMES) {
    const coded: CodedData[] = [];
    for (const codebook of codebooksOf(code)) coded.push(await codeData(addon, vectors, code, codebook, data));
    const searches: Searches[] = [];
    for (const k of KS) searches.push(...(await searchAll(coded, k, asked, vectors)));
    const maps = fitMaps(searches);
    reportOffs(report, code, searches, maps);
    writeReached(code, maps);
  }
}

/** Estimates alone, and every target with exact and with approximate scores. */
async function searchAll(
  coded: readonly CodedData[],
  k: number,
  asked: readonly Asked[],
  vectors: Float32Array,
): Promise<Searches[]> {
  const every = JUDGED_KS.includes(k) ? 2 : 6;
  const queries = asked.filter((_, i) => (i >> 1) % every === 0);
  const run = async (kind: Kind, target: number): Promise<Searches> => {
    const all: (Searched & { query: Asked })[] = [];
    for (const { index } of coded) {
      const settings =
        kind === "estimates" ? { code: index.coder, maxRecomputes: 0 } : { code: index.coder, scores: kind };
      const plan = planSearch(k, target, settings);
      for (const query of queries) all.push({ query, ...(await searchReally(index, vectors, query, k, plan)) });
    }
    return { k, kind, target, all };
  };
  const searches = [await run("estimates", 0.95)];
  for (const kind of ["exact", "approx"] as const) {
    for (const target of TARGETS) searches.push(await run(kind, target));
  }
  return searches;
}

/** On even queries. */
function fitMaps(searches: readonly Searches[]): CodeCalibration["reached"] {
  const rows = (kind: Kind) =>
    KS.map((k) => {
      const same = searches.filter((one) => one.k === k && one.kind === kind).flatMap(({ all }) => all);
      return fitMap(
        same.filter(({ query }) => query.fits),
        RAWS,
      );
    });
  return { estimates: rows("estimates"), exact: rows("exact"), approx: rows("approx") };
}

/** On odd queries: mean of what is said less mean of what is reached. */
function reportOffs(
  report: Report,
  code: string,
  searches: readonly Searches[],
  maps: CodeCalibration["reached"],
): void {
  const judged = searches
    .filter(({ k }) => JUDGED_KS.includes(k))
    .map(({ k, kind, target, all }) => {
      const map = maps[kind][KS.indexOf(k)]!;
      const odd = all.filter(({ query }) => !query.fits);
      const off = (some: typeof odd) =>
        round(mean(some.map(({ raw }) => mapAtRow(map, raw))) - mean(some.map(({ recall }) => recall)), 4);
      const [questions, sentences] = SET_NAMES.map((set) => off(odd.filter(({ query }) => query.set === set)));
      return { code, k, kind, target, questions: questions!, sentences: sentences!, both: off(odd) };
    });
  report.figures(
    "expected",
    judged.map((record) => ({ record })),
  );
  for (const approx of [false, true]) {
    const within = judged
      .filter(({ kind }) => (kind === "approx") === approx)
      .every(
        ({ questions, sentences, both }) =>
          Math.max(Math.abs(questions), Math.abs(sentences)) <= OFF_EACH && Math.abs(both) <= OFF_BOTH,
      );
    report.target(
      `expected less reached recall within ${OFF_EACH} on each set and ${OFF_BOTH} on both, k ${JUDGED_KS.join(", ")}, ${approx ? "approximate scores" : "exact scores, and estimates alone"}`,
      within,
    );
  }
}
