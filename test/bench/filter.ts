import { planSearch } from "../../src/codes/plan.js";
import { native } from "../../src/native/native.js";
import type { NativeIndex } from "../../src/native/surface.js";
import { searchIndex } from "../../src/search/session.js";
import {
  type DataPassage,
  type QuerySet,
  readPassages,
  readQueries,
  readVectors,
  rowOf,
  SET_NAMES,
} from "../support/data.js";
import { choose, seeded } from "../support/seeded.js";
import type { Bench, BenchContext } from "./bench.js";
import { BUNDLED_CODE, codeData, handOut } from "./coded_data.js";
import { mean, percentile, round } from "./report.js";
import { Truth } from "./truth.js";

const K = 10;
const TARGET = 0.95;
/** A target counts as met by a mean recall this much below it. */
const TOLERANCE = 0.01;
const SELECTIVITIES = [0.0001, 0.001, 0.01, 0.1, 0.5];
/** Queries of each set, spread over all of it. */
const QUERIES = 300;
/** Random filters at each selectivity; the queries take turns with them. */
const FILTERS = 10;

/** Nodes that a query may be answered with. */
interface Filter {
  readonly bits: Uint8Array;
  readonly matches: number;
}

/** Filters of one selectivity, and how they were drawn. */
interface FilterKind {
  readonly kind: "random" | "source";
  readonly selectivity: number;
  readonly filters: readonly Filter[];
}

/** The index alone under filters of any size: a bitmap enters the scan, the bound does the rest. */
export const filter: Bench = {
  name: "filter",
  about: "recall and recomputes of filtered searches, from a few matches to half of the passages",
  needsData: true,
  run: measureFilters,
};

async function measureFilters({ report, data }: BenchContext): Promise<void> {
  const addon = native();
  const vectors = readVectors(data);
  const truth = await Truth.of(addon, vectors);
  const { index } = await codeData(addon, vectors, BUNDLED_CODE, "bundled", data);
  const kinds = [...randomFilters(index.count), sourceFilter(readPassages(data), 0.01)];
  const rows = [];
  for (const name of SET_NAMES) {
    const set = readQueries(data, name);
    for (const one of kinds) {
      const searched = await searchAll(index, set, one.filters, { truth, vectors });
      rows.push({
        record: {
          set: name,
          selectivity: one.selectivity,
          filter: one.kind,
          matches: one.filters[0]!.matches,
          recall: round(mean(searched.recalls), 4),
          meanRecomputes: round(mean(searched.recomputes), 2),
          hits: round(mean(searched.hits), 2),
        },
        beside: { p90Recomputes: Math.round(percentile(searched.recomputes, 0.9)) },
        full: searched.full,
      });
    }
  }
  report.figures("filter", rows);
  report.target(
    "always as many hits as there can be",
    rows.every(({ full }) => full),
  );
  for (const kind of ["random", "source"]) {
    report.target(
      `recall at least ${TARGET - TOLERANCE} wherever the filter is by ${kind === "random" ? "chance" : kind}`,
      rows.every(({ record }) => record.filter !== kind || record.recall >= TARGET - TOLERANCE),
    );
  }
  report.note(
    "  (a source that is not about the question leaves passages of nearly equal, low scores: the bound was not",
  );
  report.note("  fitted on those)");
}

interface Searched {
  readonly recalls: number[];
  readonly recomputes: number[];
  readonly hits: number[];
  /** Every search had min(k, matches) hits. */
  full: boolean;
}

async function searchAll(
  index: NativeIndex,
  set: QuerySet,
  filters: readonly Filter[],
  { truth, vectors }: { truth: Truth; vectors: Float32Array },
): Promise<Searched> {
  const source = handOut(vectors);
  const plan = planSearch(K, TARGET, { code: index.coder });
  const searched: Searched = { recalls: [], recomputes: [], hits: [], full: true };
  for (let i = 0; i < Math.min(QUERIES, set.count); i++) {
    const query = rowOf(set.vectors, Math.floor((i * set.count) / QUERIES));
    const { bits, matches } = filters[i % filters.length]!;
    const wanted = new Set(await truth.nearest(query, K, bits));
    const { nodes, cost } = await searchIndex(index, query, { k: K, plan, source, signal: undefined, filter: bits });
    searched.recalls.push(nodes.filter((node) => wanted.has(node)).length / wanted.size);
    searched.recomputes.push(cost.recomputed);
    searched.hits.push(nodes.length);
    searched.full &&= nodes.length === Math.min(K, matches);
  }
  return searched;
}

/** Filters that have nothing to do with what the passages say. */
function randomFilters(count: number): FilterKind[] {
  const all = Array.from({ length: count }, (_, node) => node);
  const random = seeded(11);
  return SELECTIVITIES.map((selectivity) => {
    const matches = Math.round(selectivity * count);
    const filters = Array.from({ length: FILTERS }, () => bitmap(choose(all, matches, random), count));
    return { kind: "random" as const, selectivity, filters };
  });
}

/** The passages of one source, the one whose share is nearest to `share`: they are about the same things. */
function sourceFilter(passages: readonly DataPassage[], share: number): FilterKind {
  const bySource = new Map<string, number[]>();
  for (const [node, { source }] of passages.entries()) {
    const nodes = bySource.get(source);
    if (nodes) nodes.push(node);
    else bySource.set(source, [node]);
  }
  const off = (nodes: readonly number[]) => Math.abs(nodes.length / passages.length - share);
  const [nodes] = [...bySource.values()].sort((a, b) => off(a) - off(b));
  const filters = [bitmap(nodes!, passages.length)];
  return { kind: "source", selectivity: round(nodes!.length / passages.length, 4), filters };
}

function bitmap(nodes: readonly number[], count: number): Filter {
  const bits = new Uint8Array(Math.ceil(count / 8));
  for (const node of nodes) bits[node >> 3]! |= 1 << (node & 7);
  return { bits, matches: nodes.length };
}
