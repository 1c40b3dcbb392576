import { candidatesNeeded } from "../../src/cli/bench/code_figures.js";
import { kRecallAt } from "../../src/cli/bench/ground_truth.js";
import { planSearch } from "../../src/codes/plan.js";
import { native } from "../../src/native/native.js";
import { searchIndex } from "../../src/search/session.js";
import { readVectors, SET_NAMES, type SetName } from "../support/data.js";
import type { Bench, BenchContext } from "./bench.js";
import { type AskedOfSet, readAsked } from "./calibration/asked.js";
import { BUNDLED_CODE, CODE_NAMES, type CodedData, codebooksOf, codeData, handOut } from "./coded_data.js";
import { type CodebookName, referenceNeed, referenceRecomputes } from "./reference.js";
import { mean, percentile, type Report, type Row, round } from "./report.js";
import { Truth } from "./truth.js";

/** Candidates ranked by estimate when counting how many of them a recall takes. */
const RANKED = 1500;
/** The truth is known this deep. */
const DEPTH = 10;
const TARGETS = [0.8, 0.9, 0.95, 0.99];
const KS = [10, 3];
/** Recomputes may be this much more than the reference's at equal recall, and candidates by estimate this much more. */
const ALLOWED_RECOMPUTES = 1.1;
const ALLOWED_BYTES = 51.2;
const ALLOWED_NEED: Readonly<Record<CodebookName, number>> = { trained: 1.1, bundled: 1.15 };
/** How far the expected recall may lie from the one reached on odd queries: on each set, and on both together. */
const OFF_EACH = 0.03;
const OFF_BOTH = 0.02;

/** The codes and the bound, without model and store. */
export const codes: Bench = {
  name: "codes",
  about: "recall and recomputes of the index alone, code by code, beside the reference implementation",
  needsData: true,
  run: measureCodes,
};

interface Line {
  readonly record: Row;
  readonly beside: Row;
}

async function measureCodes({ report, data, codes: wanted }: BenchContext): Promise<void> {
  const addon = native();
  const vectors = readVectors(data);
  const truth = await Truth.of(addon, vectors);
  const asked = await readAsked(data, truth, DEPTH);
  const ranked: Line[] = [];
  const bounded: Line[] = [];
  for (const code of wanted ?? CODE_NAMES) {
    for (const codebook of codebooksOf(code)) {
      const coded = await codeData(addon, vectors, code, codebook, data);
      for (const set of SET_NAMES) {
        const queries = asked.filter((query) => query.set === set);
        ranked.push(await rankByEstimate(coded, set, queries));
        for (const k of KS) {
          for (const target of [0, ...TARGETS])
            bounded.push(await searchByBound(coded, queries, { set, k, target }, vectors));
        }
      }
    }
  }
  reportRanked(report, ranked);
  reportBounded(report, bounded);
}

/** How many candidates it takes when nothing but the estimate is known. */
async function rankByEstimate(coded: CodedData, set: SetName, queries: readonly AskedOfSet[]): Promise<Line> {
  const { code, codebook, index, bytesPerVector } = coded;
  const found: Uint32Array[] = [];
  for (const { vector } of queries) {
    const session = await index.search(vector, { k: RANKED, cap: 0, pool: RANKED });
    found.push(session.result().nodes);
  }
  const nearest = queries.map((query) => query.nearest);
  const [need95, need99] = [0.95, 0.99].map((share) => candidatesNeeded(nearest, found, DEPTH, share) ?? Infinity);
  const reference = referenceNeed(codebook, code, set);
  const worst = reference && round(Math.max(need95! / reference.need95, need99! / reference.need99), 3);
  return {
    record: {
      code,
      codebook,
      set,
      bytesPerVector: round(bytesPerVector, 3),
      need95,
      need99,
      recallByEstimate: round(kRecallAt(nearest, found, DEPTH), 4),
    },
    beside: {
      reference: reference && `${reference.need95} / ${reference.need99}, ${reference.recall}`,
      worst,
      allowed: ALLOWED_NEED[codebook],
    },
  };
}

function reportRanked(report: Report, lines: readonly Line[]): void {
  report.figures("codes", lines);
  report.target(
    `at most ${ALLOWED_BYTES} bytes a vector at ${BUNDLED_CODE} bytes of code`,
    lines.every(({ record }) => record["code"] !== BUNDLED_CODE || Number(record["bytesPerVector"]) <= ALLOWED_BYTES),
  );
  report.target(
    "candidates by estimate within 10 % (trained) and 15 % (bundled) of the reference",
    lines.every(({ beside }) => beside["worst"] === undefined || Number(beside["worst"]) <= Number(beside["allowed"])),
  );
}

/** Searches as the store does them, for one recall target; 0: estimates alone. */
async function searchByBound(
  { code, codebook, index }: CodedData,
  queries: readonly AskedOfSet[],
  goal: { readonly set: SetName; readonly k: number; readonly target: number },
  vectors: Float32Array,
): Promise<Line> {
  const { set, k, target } = goal;
  const plan = planSearch(k, target || 0.95, { code: index.coder, maxRecomputes: target === 0 ? 0 : undefined });
  const source = handOut(vectors);
  const all: { recall: number; expected: number; recomputed: number }[] = [];
  for (const { vector, nearest } of queries) {
    const found = await searchIndex(index, vector, { k, plan, source });
    const recall = kRecallAt([nearest], [found.nodes], k);
    all.push({ recall, expected: found.expectedRecall!, recomputed: found.cost.recomputed });
  }
  const recomputes = all.map(({ recomputed }) => recomputed);
  const recall = mean(all.map((one) => one.recall));
  const odd = all.filter((_, i) => i % 2 === 1);
  const oddRecall = mean(odd.map((one) => one.recall));
  const reference = code === BUNDLED_CODE && target > 0 ? referenceRecomputes(codebook, set, k, recall) : undefined;
  return {
    record: {
      code,
      codebook,
      set,
      k,
      target,
      recall: round(recall, 4),
      expectedRecall: round(mean(all.map(({ expected }) => expected)), 4),
      meanRecomputes: round(mean(recomputes), 2),
      p90Recomputes: Math.round(percentile(recomputes, 0.9)),
    },
    beside: {
      oddRecall: round(oddRecall, 4),
      oddOff: round(mean(odd.map(({ expected }) => expected)) - oddRecall, 4),
      reference: reference === undefined ? undefined : round(reference, 1),
      ratio: reference === undefined ? undefined : round(mean(recomputes) / reference, 3),
    },
  };
}

function reportBounded(report: Report, lines: readonly Line[]): void {
  report.figures("bound", lines);
  report.target(
    "every recall target met on each set (mean recall at least target - 0.01)",
    lines.every(({ record }) => Number(record["recall"]) >= Number(record["target"]) - 0.01),
  );
  report.target(
    `at most ${ALLOWED_RECOMPUTES} times the reference's recomputes at equal recall`,
    lines.every(({ beside }) => beside["ratio"] === undefined || Number(beside["ratio"]) <= ALLOWED_RECOMPUTES),
  );
  const off = (line: Line) => Number(line.beside["oddOff"]);
  report.target(
    `expected recall within ${OFF_EACH} of the one reached on each set (odd queries)`,
    lines.every((line) => Math.abs(off(line)) <= OFF_EACH),
  );
  const kind = ({ record }: Line) => [record["code"], record["codebook"], record["k"], record["target"]].join();
  const pairs = lines.filter(({ record }) => record["set"] === SET_NAMES[0]);
  report.target(
    `and within ${OFF_BOTH} on both together`,
    pairs.every((first) => {
      const both = lines.filter((line) => kind(line) === kind(first));
      return Math.abs(mean(both.map(off))) <= OFF_BOTH;
    }),
  );
}
