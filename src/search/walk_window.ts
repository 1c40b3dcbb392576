import type { NativeGraph } from "../native.js";
import { tableAt } from "./calibrated.js";

/** What a window depends on of a graph. `count`: its nodes that live; the dead have no edges once it is repaired. */
export type GraphTraits = Pick<NativeGraph, "kind" | "count" | "edges">;

/** Of the graph that the table was measured on: Vamana as it is built by default, over the real passages. */
const MEASURED = { count: 50_000, degree: 30.45 };
/**
 * Windows grow with the edges that a node lacks, to a power of the ratio of degrees: to this one up to k 10, and to half of
 * one less with every tenfold of k. Measured from 50 down to 12 edges; with 8 walks get lost.
 */
const FEWER_EDGES = 1.6;
const LESS_BY_K = 0.5;
const MORE_EDGES = 0.8;
const LARGEST_RATIO = 4;
/** HNSW needs more than Vamana of as many edges. */
const HNSW = 1.15;
/**
 * Each doubling of the nodes asks for so much more of the window that 50,000 need; from 6,250 on 0.1 to 0.2 were measured,
 * the more the larger k is.
 */
const GROWTH = 0.2;
/** In smaller stores a window meets as much as one wider by the ratio of sizes to this power. */
const FEWER_NODES = 0.15;
/** Of what the harder set misses, questions in the middle miss this share. */
const MISSED_BY_MOST = 0.7;
/** Wider than the table by so much: graphs of other passages needed up to 1.5 times of it for few of the nearest. */
const MARGIN = 1.25;
/** The addon's limit; the nearest beyond it are filled up by what the walk met on its way. */
const MOST_WINDOW = 2 ** 20;
/** Rows of the table. */
export const WINDOW_KS = [1, 3, 10, 30, 100];
const LARGEST_K = 100;
/** Shares that the table knows; beyond them `tableAt` has no more to say. */
const LEAST_SHARE = 0.5;
const MOST_SHARE = 0.999;

/**
 * Windows with which a walk on exact distances meets a share of the true k nearest, in the mean over the queries of the
 * harder set. Rows by k, columns by share, those of `CALIBRATION`: `npm run bench -- walks` measures and prints them.
 * Single queries decide the last columns of the first two rows, so these are smoothed by what smaller stores needed.
 */
// biome-ignore format: several numbers a line
const WINDOWS: readonly (readonly number[])[] = [
  [5, 10, 16, 32, 47, 65, 140, 500],
  [5, 10, 16, 32, 47, 65, 140, 600],
  [10, 12, 19, 36, 59, 83, 177, 943],
  [30, 30, 33, 65, 121, 179, 377, 1387],
  [100, 100, 100, 170, 293, 412, 796, 2289],
];
const LOGARITHMS = WINDOWS.map((row) => row.map(Math.log));

/**
 * The window with which a walk meets a share of the k nearest, with some to spare.
 *
 * Fewer edges a node ask for wider windows, and so do more nodes.
 *
 * @param share Mean share of the true k nearest that the walk meets; taken as 0.5 to 0.999.
 */
export function windowFor(graph: GraphTraits, k: number, share: number): number {
  const wanted = MARGIN * scaleOf(graph, k) * Math.exp(tableAt(LOGARITHMS, k, bounded(share), WINDOW_KS));
  return Math.min(MOST_WINDOW, Math.max(k, Math.ceil(wanted)));
}

/**
 * The mean share of the true k nearest that a walk meets with a window, at most 0.999: `windowFor` reversed, without its
 * margin, for questions between those of the harder set and easy ones. With a window of 20 it lay within 0.05 of the middle
 * of both sets in stores of 700 to 50,000 passages, and the sets up to 0.1 on either side of it; with 80 all was within 0.03.
 */
export function shareMet(graph: GraphTraits, k: number, window: number): number {
  if (window >= graph.count) return 1;
  const smaller = Math.min(1, graph.count / MEASURED.count) ** FEWER_NODES;
  return 1 - MISSED_BY_MOST * (1 - shareOfHarder(graph, k, window / smaller));
}

/** The share by the table. */
function shareOfHarder(graph: GraphTraits, k: number, window: number): number {
  let low = LEAST_SHARE;
  let high = MOST_SHARE;
  for (let round = 0; round < 30; round++) {
    const middle = (low + high) / 2;
    if (scaleOf(graph, k) * Math.exp(tableAt(LOGARITHMS, k, middle, WINDOW_KS)) <= window) low = middle;
    else high = middle;
  }
  return low;
}

/** How much wider than in the table. */
function scaleOf({ kind, count, edges }: GraphTraits, k: number): number {
  const ratio = Math.min(LARGEST_RATIO, MEASURED.degree / Math.max(1, edges / count));
  const tenfolds = Math.log10(Math.min(LARGEST_K, Math.max(10, k)) / 10);
  const power = ratio > 1 ? FEWER_EDGES - LESS_BY_K * tenfolds : MORE_EDGES;
  const shape = ratio ** power * (kind === "hnsw" ? HNSW : 1);
  const size = 1 + GROWTH * Math.max(0, Math.log2(count / MEASURED.count));
  return shape * size * Math.max(1, k / LARGEST_K);
}

function bounded(share: number): number {
  return Math.min(MOST_SHARE, Math.max(LEAST_SHARE, share));
}
