import type { SetName } from "../../support/data.js";
import { type Engine, K } from "./engine.js";

/** Windows (ef) that are tried in turn, until the answers are good enough. */
const WINDOWS = [10, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768];
/** Recalls at which times are compared. */
export const RECALLS = [0.95, 0.99] as const;
/** Queries of a set that are timed, evenly spread; recall counts all. */
const TIMED = 500;
/** Times that everything is measured; of each part the best time counts. */
const ROUNDS = 7;
/** Queries of one part: a few milliseconds, so that a pause by other work on the machine spoils little. */
const PART = 40;

/** Queries of one set and their true nearest nodes. */
export interface Asked {
  readonly set: SetName;
  readonly queries: readonly Float32Array[];
  readonly truth: readonly ReadonlySet<number>[];
}

/** What an engine does with one window. */
export interface Rung {
  readonly searchWindow: number;
  readonly recall10: number;
  usPerQuery: number;
}

/** All rungs of an engine on one set, by rising window. */
export interface Ladder {
  readonly engine: Engine;
  readonly set: SetName;
  readonly rungs: readonly Rung[];
}

/**
 * Recall and time of all engines over their windows, by one thread. The engines take turns at every rung, in several
 * rounds, so that whatever else the machine does strikes all of them alike.
 */
export function measureLadders(engines: readonly Engine[], asked: readonly Asked[]): Ladder[] {
  const runs = asked.flatMap((one) => engines.map((engine) => new Run(engine, one)));
  const longest = Math.max(...runs.map((run) => run.rungs.length));
  for (let round = 0; round < ROUNDS; round++) {
    for (let rung = 0; rung < longest; rung++) {
      for (const run of runs) run.time(rung);
    }
  }
  return runs.map((run) => run.ladder());
}

class Run {
  readonly rungs: { searchWindow: number; recall10: number; best: number[] }[] = [];
  readonly #engine: Engine;
  readonly #asked: Asked;
  readonly #timed: ReturnType<Engine["prepare"]>;
  readonly #count: number;

  constructor(engine: Engine, asked: Asked) {
    this.#engine = engine;
    this.#asked = asked;
    const { length } = asked.queries;
    this.#count = Math.min(TIMED, length);
    this.#timed = engine.prepare(
      Array.from({ length: this.#count }, (_, i) => asked.queries[Math.floor((i * length) / this.#count)]!),
    );
    const all = engine.prepare(asked.queries);
    for (const searchWindow of WINDOWS) {
      const recall10 = this.#recall(all(searchWindow));
      const best = new Array<number>(Math.ceil(this.#count / PART)).fill(Number.POSITIVE_INFINITY);
      this.rungs.push({ searchWindow, recall10, best });
      if (recall10 >= RECALLS[1]) break;
    }
    // What lies far below the recalls of interest is not worth its time.
    while (this.rungs.length > 2 && this.rungs[1]!.recall10 < RECALLS[0]) this.rungs.shift();
  }

  time(rung: number): void {
    const { searchWindow, best } = this.rungs[rung] ?? {};
    if (searchWindow === undefined || best === undefined) return;
    const search = this.#timed(searchWindow);
    for (let part = 0; part < best.length; part++) {
      const start = performance.now();
      for (let i = part * PART; i < Math.min(this.#count, (part + 1) * PART); i++) search(i);
      best[part] = Math.min(best[part]!, performance.now() - start);
    }
  }

  ladder(): Ladder {
    const rungs = this.rungs.map(({ searchWindow, recall10, best }) => {
      return { searchWindow, recall10, usPerQuery: (best.reduce((sum, ms) => sum + ms, 0) * 1000) / this.#count };
    });
    return { engine: this.#engine, set: this.#asked.set, rungs };
  }

  #recall(search: (i: number) => ArrayLike<number | bigint>): number {
    const { queries, truth } = this.#asked;
    let hits = 0;
    for (let i = 0; i < queries.length; i++)
      hits += Array.from(search(i)).filter((node) => truth[i]!.has(Number(node))).length;
    return hits / (K * queries.length);
  }
}

/** Microseconds a query at a recall, between two rungs by the logarithm of the time; NaN if no rung comes so far. */
export function timeAt(recall: number, rungs: readonly Rung[]): number {
  const above = rungs.findIndex((rung) => rung.recall10 >= recall);
  if (above < 0) return Number.NaN;
  if (above === 0) return rungs[0]!.usPerQuery;
  const [low, high] = [rungs[above - 1]!, rungs[above]!];
  const share = (recall - low.recall10) / (high.recall10 - low.recall10);
  return Math.exp(Math.log(low.usPerQuery) * (1 - share) + Math.log(high.usPerQuery) * share);
}
