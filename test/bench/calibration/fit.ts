import type { SearchPlan } from "../../../src/search/plan.js";
import { type Candidates, modelSearch } from "../bound_model.js";
import { mean, round } from "../report.js";
import { type Asked, lowestMean } from "./asked.js";

/** Queries of one set against one codebook, with what their searches can look at. */
export interface Group {
  readonly queries: readonly { readonly query: Asked; readonly candidates: Candidates }[];
}

export type Scores = SearchPlan["scores"];

/** One entry of the tables. */
export interface Cell {
  readonly k: number;
  readonly target: number;
  readonly scores: Scores;
  readonly cap: number;
  readonly eps: number;
  /** Mean recomputes, the sets alike. */
  readonly looks: number;
  /** The cap ends searches before they reach the target, whatever eps is. */
  readonly capped: boolean;
  /** Lowest mean recall of any group, on the queries that fit and on those that judge. */
  readonly fitRecall: number;
  readonly judgeRecall: number;
}

const LADDER = [64, 128, 256, 512, 1024, 2048];
/** A cap must leave so much of the way from the target to 1 to spare, or eps has to pay for it. */
const SPARE = 0.25;
/** eps is looked for in this range. Below it hardly more than the first batch is recomputed. */
const LOWEST: Readonly<Record<Scores, number>> = { exact: -1, approx: 0 };
const HIGHEST = 5;
const STEP = 0.05;
/** What the cap leaves out of reach is not paid for: eps stays where recall is this close to its limit. */
const NEAR_LIMIT = 0.0005;

/** Fits the caps and margins of one code. */
export class Fit {
  readonly #groups: readonly Group[];
  readonly #keeps64: boolean;
  /** Recall when nothing but the cap ends a search, by k, cap and kind of scores. */
  readonly #limits = new Map<string, number>();

  /** @param keeps64 Whether k of at most 10 and targets up to 0.97 make do with 64 recomputes, come what may. */
  constructor(groups: readonly Group[], keeps64: boolean) {
    this.#groups = groups;
    this.#keeps64 = keeps64;
  }

  /** Cells of all targets, which must rise, at one k. */
  cells(k: number, targets: readonly number[], scores: Scores): Cell[] {
    const cells: Cell[] = [];
    for (const target of targets) cells.push(this.#cell(k, target, scores, cells.at(-1)));
    return cells;
  }

  #cell(k: number, target: number, scores: Scores, before: Cell | undefined): Cell {
    const cap = this.#cap(k, target, before?.cap ?? 0);
    const plan = (eps: number): SearchPlan => ({ ...planWithCap(k, cap, scores), eps });
    const from = before?.cap === cap ? before.eps : LOWEST[scores];
    const last = Math.round((HIGHEST - from) / STEP);
    const recalls = new Map<number, number>();
    const at = (step: number): number => {
      const known = recalls.get(step) ?? this.#recall(k, plan(from + step * STEP), true);
      recalls.set(step, known);
      return known;
    };
    const limit = this.#limit(k, cap, scores);
    const capped = limit < target;
    const wanted = capped ? limit - NEAR_LIMIT : target;
    let low = -1; // a step that does not reach it; `high` does
    let high = last;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (at(middle) >= wanted) high = middle;
      else low = middle;
    }
    const eps = round(from + high * STEP, 2);
    return {
      k,
      target,
      scores,
      cap,
      eps,
      looks: round(this.#looks(k, plan(eps)), 1),
      capped,
      fitRecall: at(high),
      judgeRecall: this.#recall(k, plan(eps), false),
    };
  }

  /** The smallest cap that leaves something to spare when nothing but it ends a search. */
  #cap(k: number, target: number, least: number): number {
    const rungs = LADDER.filter((rung) => rung >= Math.max(least, 4 * k));
    if (this.#keeps64 && k <= 10 && target <= 0.97) return rungs[0]!;
    const wanted = target + SPARE * (1 - target);
    return rungs.find((rung) => this.#limit(k, rung, "exact") >= wanted) ?? rungs.at(-1)!;
  }

  #limit(k: number, cap: number, scores: Scores): number {
    const key = `${k} ${cap} ${scores}`;
    const known = this.#limits.get(key) ?? this.#recall(k, { ...planWithCap(k, cap, scores), eps: HIGHEST }, true);
    this.#limits.set(key, known);
    return known;
  }

  /** The lowest mean recall of any group. */
  #recall(k: number, plan: SearchPlan, fits: boolean): number {
    return lowestMean(
      this.#groups.map(({ queries }) =>
        sampleFor(plan, k, queries)
          .filter(({ query }) => query.fits === fits)
          .map(({ candidates }) => modelSearch(candidates, k, plan).hits / k),
      ),
    );
  }

  #looks(k: number, plan: SearchPlan): number {
    const means = this.#groups.map(({ queries }) =>
      mean(sampleFor(plan, k, queries).map(({ candidates }) => modelSearch(candidates, k, plan).looks.length)),
    );
    return mean(means);
  }
}

/**
 * Many hits a query say as much with fewer queries, and approximate scores take long to model. Pairs stay together: one
 * fits and one judges.
 */
function sampleFor({ scores }: SearchPlan, k: number, queries: Group["queries"]): Group["queries"] {
  const every = (k < 30 ? 1 : k < 100 ? 2 : 4) * (scores === "exact" || k < 3 ? 1 : 3);
  return queries.filter((_, i) => (i >> 1) % every === 0);
}

/** The plan of a cell. */
export function planOf({ k, cap, eps, scores }: Pick<Cell, "k" | "cap" | "eps" | "scores">): SearchPlan {
  return { ...planWithCap(k, cap, scores), eps };
}

/** A plan as `planSearch` makes it, except for the margin. */
function planWithCap(k: number, cap: number, scores: Scores): Omit<SearchPlan, "eps"> {
  return { batch: k < 5 ? 4 : 8, cap, pool: Math.max(400, 2 * k, cap, Math.min(8 * cap, 4096)), scores };
}
