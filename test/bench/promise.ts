import { calibratedRecall } from "../../src/codes/calibration.js";
import { planSearch } from "../../src/codes/plan.js";
import { native } from "../../src/native/native.js";
import type { NativeIndex } from "../../src/native/surface.js";
import { readVectors } from "../support/data.js";
import type { Bench, BenchContext } from "./bench.js";
import { searchReally } from "./calibration/asked.js";
import { type Corpus, readCorpora } from "./calibration/corpora.js";
import { BUNDLED_CODE, codeData } from "./coded_data.js";
import { mean, round } from "./report.js";
import { Truth } from "./truth.js";

const KS = [1, 2, 3, 4, 5, 8, 10, 20, 50];
const TARGETS = [0.8, 0.9, 0.95];
/** A target counts as met by a mean recall this much below it. */
const TOLERANCE = 0.01;
/** How far what answers say may be from what they hold, in the mean over a corpus. */
const OFF = 0.03;
/** Of the questions of a corpus, those asked for so many hits: more hits say as much with fewer questions. */
const everyFor = (k: number) => (k <= 5 ? 1 : 3);

/** Searches reach their recall, and say so, for questions and stores of every kind, or this shows it. */
export const promise: Bench = {
  name: "promise",
  about: "recall reached and told, k 1 to 50, of own and of foreign questions, in stores of several sizes",
  needsData: true,
  run: judgeAll,
};

interface Judged {
  readonly code: string;
  readonly corpus: string;
  readonly k: number;
  readonly target: number;
  readonly foreign: boolean;
  readonly recall: number;
  readonly expectedRecall: number;
  readonly meanRecomputes: number;
}

async function judgeAll({ report, data, codes }: BenchContext): Promise<void> {
  const addon = native();
  const vectors = readVectors(data);
  const corpora = await readCorpora(data, await Truth.of(addon, vectors), Math.max(...KS), "judged");
  for (const code of codes ?? [BUNDLED_CODE]) {
    const { index } = await codeData(addon, vectors, code, code === BUNDLED_CODE ? "bundled" : "trained", data);
    const judged: Judged[] = [];
    for (const corpus of corpora) {
      for (const k of KS) {
        for (const target of TARGETS) judged.push({ code, ...(await judge(index, vectors, corpus, k, target)) });
      }
    }
    report.figures(
      "promise",
      judged.map((record) => ({ record: { ...record } })),
    );
    const short = judged.filter(({ recall, target }) => recall < target - TOLERANCE);
    report.target(
      `${judged.length - short.length} of ${judged.length} reach their target less ${TOLERANCE}`,
      short.length === 0,
    );
    const off = judged.filter(({ recall, expectedRecall }) => Math.abs(recall - expectedRecall) > OFF);
    report.target(`${judged.length - off.length} of ${judged.length} say their recall within ${OFF}`, off.length === 0);
  }
}

async function judge(
  index: NativeIndex,
  vectors: Float32Array,
  { name: corpus, foreign, asked }: Corpus,
  k: number,
  target: number,
): Promise<Omit<Judged, "code">> {
  const plan = planSearch(k, target, { code: index.coder });
  const found: { recall: number; expected: number; recomputed: number }[] = [];
  for (const query of asked.filter((_, i) => i % everyFor(k) === 0)) {
    const { recall, raw, recomputed } = await searchReally(index, vectors, query, k, plan);
    const expected = calibratedRecall(raw, { coder: index.coder, k, recomputed, scores: "exact" });
    found.push({ recall, expected, recomputed });
  }
  return {
    corpus,
    k,
    target,
    foreign,
    recall: round(mean(found.map(({ recall }) => recall)), 4),
    expectedRecall: round(mean(found.map(({ expected }) => expected)), 4),
    meanRecomputes: round(mean(found.map(({ recomputed }) => recomputed)), 1),
  };
}
