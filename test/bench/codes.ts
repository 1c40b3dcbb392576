import { type NativeIndex, native } from "../../src/native.js";
import { planSearch } from "../../src/search/plan.js";
import { searchIndex } from "../../src/search/search.js";
import { type QuerySet, readQueries, readVectors, rowOf, SET_NAMES, type SetName } from "../support/data.js";
import type { Bench, BenchContext } from "./bench.js";
import { CODEBOOK_NAMES, type CodedData, codeData, handOut } from "./coded_data.js";
import { type CodebookName, REFERENCE_NEED, referenceRecomputes } from "./reference.js";
import { mean, percentile, type Report, type Row, round } from "./report.js";
import { Truth } from "./truth.js";

/** Candidates ranked by estimate when counting how many of them a recall takes. */
const RANKED = 1500;
/** The truth is known this deep. */
const DEPTH = 10;
const TARGETS = [0.9, 0.95, 0.99];
const KS = [10, 3];
/** Recomputes may be this much more than the reference's at equal recall, and candidates by estimate this much more. */
const ALLOWED_RECOMPUTES = 1.1;
const ALLOWED_BYTES = 51.2;
const ALLOWED_NEED: Readonly<Record<CodebookName, number>> = { trained: 1.1, bundled: 1.15 };

/** A set of queries with their true nearest ten. */
interface Asked {
  readonly set: QuerySet;
  readonly nearest: readonly (readonly number[])[];
}

/** The code and the bound, without model and store. */
export const codes: Bench = {
  name: "codes",
  about: "recall and recomputes of the index alone, beside the reference implementation",
  needsData: true,
  run: measureCodes,
};

async function measureCodes({ report, data }: BenchContext): Promise<void> {
  const addon = native();
  const vectors = readVectors(data);
  const truth = await Truth.of(addon, vectors);
  const asked: Asked[] = [];
  for (const name of SET_NAMES) {
    const set = readQueries(data, name);
    const nearest: number[][] = [];
    for (let i = 0; i < set.count; i++) nearest.push(await truth.nearest(rowOf(set.vectors, i), DEPTH));
    asked.push({ set, nearest });
  }
  const coded: CodedData[] = [];
  for (const name of CODEBOOK_NAMES) coded.push(await codeData(addon, vectors, name));
  await rankByEstimate(report, coded, asked);
  await searchByBound(report, coded, asked, vectors);
}

/** How many candidates it takes when nothing but the estimate is known. */
async function rankByEstimate(report: Report, coded: readonly CodedData[], asked: readonly Asked[]): Promise<void> {
  const rows: { record: Row; beside: Row }[] = [];
  for (const { codebook, index, bytesPerVector } of coded) {
    for (const one of asked) {
      const set = one.set.name;
      const found = await hitsByRank(index, one);
      const [need95, need99] = [0.95, 0.99].map((share) => rankReaching(found, share * DEPTH * one.set.count));
      const reference = REFERENCE_NEED[codebook][set];
      const worst = round(Math.max(need95! / reference.need95, need99! / reference.need99), 3);
      rows.push({
        record: { set, codebook, bytesPerVector: round(bytesPerVector, 3), need95, need99 },
        beside: { reference: `${reference.need95} / ${reference.need99}`, worst, allowed: ALLOWED_NEED[codebook] },
      });
    }
  }
  report.figures("codes", rows);
  report.target(
    `at most ${ALLOWED_BYTES} bytes a vector`,
    coded.every(({ bytesPerVector }) => bytesPerVector <= ALLOWED_BYTES),
  );
  report.target(
    "candidates by estimate within 10 % (trained) and 15 % (bundled) of the reference",
    rows.every(({ beside }) => Number(beside["worst"]) <= Number(beside["allowed"])),
  );
}

/** At each rank by estimate, how many queries have one of their true nearest there. */
async function hitsByRank(index: NativeIndex, { set, nearest }: Asked): Promise<Float64Array> {
  const found = new Float64Array(RANKED);
  for (let i = 0; i < set.count; i++) {
    const options = { k: RANKED, eps: 0, batch: 8, cap: 0, pool: RANKED };
    const session = await index.search(rowOf(set.vectors, i), options);
    const wanted = new Set(nearest[i]);
    session.result().nodes.forEach((node, rank) => {
      if (wanted.has(node)) found[rank]! += 1;
    });
  }
  return found;
}

/** The number of best ranks that hold `wanted` of all hits. */
function rankReaching(found: Float64Array, wanted: number): number {
  let sum = 0;
  const rank = found.findIndex((hits) => {
    sum += hits;
    return sum >= wanted - 1e-6;
  });
  return rank < 0 ? Infinity : rank + 1;
}

/** Searches as the store does them, for each recall target. */
async function searchByBound(
  report: Report,
  coded: readonly CodedData[],
  asked: readonly Asked[],
  vectors: Float32Array,
): Promise<void> {
  const goals = KS.flatMap((k) => TARGETS.map((target) => ({ k, target })));
  const rows: { record: Row; beside: Row }[] = [];
  for (const { codebook, index } of coded) {
    for (const one of asked) {
      for (const goal of goals) {
        const searched = await searchAll(index, one, goal, vectors);
        rows.push(boundRow(codebook, one.set.name, goal, searched));
      }
    }
  }
  report.figures("bound", rows);
  report.target(
    "every recall target met on each set (mean recall at least target - 0.01)",
    rows.every(({ record }) => Number(record["recall"]) >= Number(record["target"]) - 0.01),
  );
  report.target(
    `at most ${ALLOWED_RECOMPUTES} times the reference's recomputes at equal recall`,
    rows.every(({ beside }) => beside["ratio"] === undefined || Number(beside["ratio"]) <= ALLOWED_RECOMPUTES),
  );
}

interface Goal {
  readonly k: number;
  readonly target: number;
}

/** Recall and recomputes of each query. */
interface Searched {
  readonly recalls: number[];
  readonly recomputes: number[];
}

function boundRow(codebook: CodebookName, set: SetName, goal: Goal, { recalls, recomputes }: Searched) {
  const recall = mean(recalls);
  const reference = referenceRecomputes(codebook, set, goal.k, recall);
  const odd = recalls.filter((_, i) => i % 2 === 1);
  return {
    record: {
      set,
      codebook,
      ...goal,
      recall: round(recall, 4),
      meanRecomputes: round(mean(recomputes), 2),
      p90Recomputes: Math.round(percentile(recomputes, 0.9)),
    },
    beside: {
      oddRecall: round(mean(odd), 4),
      reference: reference === undefined ? undefined : round(reference, 1),
      ratio: reference === undefined ? undefined : round(mean(recomputes) / reference, 3),
    },
  };
}

async function searchAll(
  index: NativeIndex,
  { set, nearest }: Asked,
  { k, target }: Goal,
  vectors: Float32Array,
): Promise<Searched> {
  const source = handOut(vectors);
  const plan = planSearch(k, target);
  const recalls: number[] = [];
  const recomputes: number[] = [];
  for (let i = 0; i < set.count; i++) {
    const found = await searchIndex(index, rowOf(set.vectors, i), { k, plan, source });
    const wanted = new Set(nearest[i]!.slice(0, k));
    recalls.push(found.nodes.filter((node) => wanted.has(node)).length / k);
    recomputes.push(found.cost.recomputed);
  }
  return { recalls, recomputes };
}
