import { native } from "../../src/native.js";
import { epsFor, planSearch, type SearchPlan } from "../../src/search/plan.js";
import { searchIndex } from "../../src/search/search.js";
import { readQueries, readVectors, rowOf, SET_NAMES, type SetName } from "../support/data.js";
import type { Bench, BenchContext } from "./bench.js";
import { type Candidates, candidatesOf, recallOf, recomputedBy } from "./bound_model.js";
import { CODEBOOK_NAMES, type CodedData, codeData, handOut } from "./coded_data.js";
import { mean, type Report, round } from "./report.js";
import { Truth } from "./truth.js";

const KS = [1, 3, 5, 10, 20, 50, 100];
const RECALLS = [0.5, 0.7, 0.8, 0.9, 0.95, 0.97, 0.99, 0.995, 0.999];
const SCORES = ["exact", "approx"] as const;
type Scores = SearchPlan["scores"];
/** eps is looked for from here on. Below it hardly more than the first batch is recomputed; see `BoundOptions`. */
const LOWEST: Record<Scores, number> = { exact: -1, approx: 0 };
const HIGHEST = 5;
const STEP = 0.05;
/** What the cap leaves out of reach is not paid for: eps stays where recall is this close to its limit. */
const NEAR_LIMIT = 0.0005;
/** A target counts as met by a mean recall this much below it. */
const TOLERANCE = 0.01;

interface Query {
  readonly set: SetName;
  readonly vector: Float32Array;
  /** Queries of even place fit the table, the others judge it. */
  readonly fits: boolean;
  /** True nearest for the largest k, best first. */
  readonly nearest: readonly number[];
}

/** Queries of one set against one codebook, with what their searches can look at. */
interface Group {
  readonly coded: CodedData;
  readonly queries: readonly { readonly query: Query; readonly candidates: Candidates }[];
}

/** Fits the tables that turn recall targets into error margins. */
export const calibrate: Bench = {
  name: "calibrate",
  about: "fits the tables of error margins (eps) in src/search/plan.ts and prints them",
  needsData: true,
  run: fitTables,
};

async function fitTables({ report, data }: BenchContext): Promise<void> {
  const addon = native();
  const vectors = readVectors(data);
  const truth = await Truth.of(addon, vectors);
  const queries = await readAll(data, truth);
  const coded: CodedData[] = [];
  for (const name of CODEBOOK_NAMES) coded.push(await codeData(addon, vectors, name));

  const fitted = new Map<string, Fit>();
  const pools = new Set(KS.flatMap((k) => RECALLS.map((recall) => planSearch(k, recall).pool)));
  for (const pool of pools) {
    const groups = await groupsOf(coded, queries, truth, pool);
    for (const scores of SCORES) {
      if (pool === planSearch(10, 0.95).pool) await compareWithSessions(report, groups, vectors, scores);
      for (const k of KS) {
        for (const recall of RECALLS) {
          if (planSearch(k, recall).pool !== pool) continue;
          fitted.set(`${scores} ${k} ${recall}`, fitEps(groups, k, recall, scores));
        }
      }
    }
  }
  for (const scores of SCORES) printTable(report, fitted, scores);
}

async function readAll(data: string, truth: Truth): Promise<Query[]> {
  const queries: Query[] = [];
  for (const set of SET_NAMES) {
    const { vectors, count } = readQueries(data, set);
    for (let i = 0; i < count; i++) {
      const vector = rowOf(vectors, i);
      queries.push({ set, vector, fits: i % 2 === 0, nearest: await truth.nearest(vector, Math.max(...KS)) });
    }
  }
  return queries;
}

async function groupsOf(
  coded: readonly CodedData[],
  queries: readonly Query[],
  truth: Truth,
  pool: number,
): Promise<Group[]> {
  const groups: Group[] = [];
  for (const one of coded) {
    for (const set of SET_NAMES) {
      const asked: { query: Query; candidates: Candidates }[] = [];
      for (const query of queries.filter((q) => q.set === set)) {
        asked.push({ query, candidates: await candidatesOf(one.index, truth, query.vector, pool) });
      }
      groups.push({ coded: one, queries: asked });
    }
  }
  return groups;
}

interface Fit {
  readonly eps: number;
  /** The cap ends searches before they reach the target, whatever eps is. */
  readonly capped: boolean;
  /** Lowest mean recall of any set and codebook, on the queries that fit and on those that judge. */
  readonly fitRecall: number;
  readonly judgeRecall: number;
}

/** The smallest eps that reaches `recall` in every group. */
function fitEps(groups: readonly Group[], k: number, recall: number, scores: Scores): Fit {
  const plan = planSearch(k, recall, undefined, scores);
  const lowest = LOWEST[scores];
  const tried = new Map<number, number>();
  const at = (step: number): number => {
    const known = tried.get(step) ?? worstRecall(groups, k, { ...plan, eps: lowest + step * STEP }, true);
    tried.set(step, known);
    return known;
  };
  const last = Math.round((HIGHEST - lowest) / STEP);
  const capped = at(last) < recall;
  const wanted = capped ? at(last) - NEAR_LIMIT : recall;
  let low = -1; // a step that does not reach it; `high` does
  let high = last;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (at(middle) >= wanted) high = middle;
    else low = middle;
  }
  const eps = round(lowest + high * STEP, 2);
  const judgeRecall = worstRecall(groups, k, { ...plan, eps }, false);
  return { eps, capped, fitRecall: at(high), judgeRecall };
}

/** The lowest mean recall of any group. */
function worstRecall(groups: readonly Group[], k: number, plan: SearchPlan, fits: boolean): number {
  const means = groups.map(({ queries }) =>
    mean(
      queries
        .filter(({ query }) => query.fits === fits)
        .map(({ query, candidates }) => recallOf(candidates, new Set(query.nearest.slice(0, k)), k, plan)),
    ),
  );
  return Math.min(...means);
}

/** The table is fitted on a model of the search; this proves on real searches that the model tells the truth. */
async function compareWithSessions(
  report: Report,
  groups: readonly Group[],
  vectors: Float32Array,
  scores: Scores,
): Promise<void> {
  const source = handOut(vectors);
  const k = 10;
  const plan = planSearch(k, 0.95, undefined, scores);
  let compared = 0;
  let equal = 0;
  for (const { coded, queries } of groups) {
    for (const { query, candidates } of queries.slice(0, 100)) {
      const found = await searchIndex(coded.index, query.vector, { k, plan, source });
      const expected = recomputedBy(candidates, k, plan).map((i) => candidates.nodes[i]!);
      const same = expected.length === found.vectors.size && expected.every((node) => found.vectors.has(node));
      compared++;
      if (same) equal++;
    }
  }
  report.target(
    `${equal} of ${compared} real searches (${scores} scores) recompute what the model of the search says`,
    equal === compared,
  );
}

function printTable(report: Report, fitted: ReadonlyMap<string, Fit>, scores: Scores): void {
  const cells = KS.flatMap((k) => RECALLS.map((target) => ({ k, target, ...fitted.get(`${scores} ${k} ${target}`)! })));
  report.figures(
    "calibrate",
    cells.map(({ k, target, eps, capped, fitRecall, judgeRecall }) => ({
      record: { scores, k, target, eps, capped, fitRecall: round(fitRecall, 4), judgeRecall: round(judgeRecall, 4) },
      beside: { inPlan: round(epsFor(k, target, scores), 2) },
    })),
  );
  const missed = cells.filter(({ target, judgeRecall }) => judgeRecall < target - TOLERANCE);
  const uncapped = missed.filter(({ capped }) => !capped);
  report.target(`odd queries reach every target less ${TOLERANCE} where the cap allows it`, uncapped.length === 0);
  const kept = missed.filter(({ capped }) => capped).map(({ k, target }) => `${target} at k ${k}`);
  if (kept.length > 0) report.note(`  below target less the tolerance because of the cap: ${kept.join(", ")}`);
  const same = cells.every(({ k, target, eps }) => Math.abs(epsFor(k, target, scores) - eps) < 1e-9);
  report.target("src/search/plan.ts holds this table", same);
  const lines = KS.map(
    (k) => `    [${RECALLS.map((recall) => fitted.get(`${scores} ${k} ${recall}`)!.eps).join(", ")}],`,
  );
  report.note(`\n  ${scores}: [\n${lines.join("\n")}\n  ],`);
}
