/** `embedless bench`: measures the codes on the user's own vectors. */

import type { Metric } from "../../api/codes.js";
import { EmbedlessError } from "../../base/errors.js";
import { native } from "../../native/native.js";
import { codeOfName } from "../code_names.js";
import { UsageError } from "../failures.js";
import { count } from "../figures.js";
import { Working } from "../progress.js";
import { printJson, type Terminal, table, terminalOf } from "../terminal.js";
import { type CodeFigures, type Judged, measureCode, TARGET } from "./code_figures.js";
import { exactNearest } from "./ground_truth.js";
import { VecsFile } from "./vecs.js";

/** Options of the command line. */
export interface BenchCommandOptions {
  metric: Metric;
  k: number;
  /** Names, separated by commas. */
  codes: string;
  json?: boolean;
}

/** Most queries that are asked. The file may hold more. */
const MOST_QUERIES = 10_000;
/** How much rounding may raise a score that should not rise. */
const ROUNDING = 1e-3;

/** Measures codes on the vectors of a file. If no file of true nearest is given, they are computed first. */
export async function bench(
  basePath: string,
  queriesPath: string,
  truthPath: string | undefined,
  options: BenchCommandOptions,
): Promise<void> {
  const codes = options.codes.split(",").map((name) => codeOfName(name.trim()));
  const working = new Working(terminalOf(process.stderr));
  const opened: VecsFile[] = [];
  const open = async (...arguments_: Parameters<typeof VecsFile.open>) => {
    const file = await VecsFile.open(...arguments_);
    opened.push(file);
    return file;
  };
  try {
    const base = await open(basePath, ["fvecs", "bvecs"]);
    const queries = await open(queriesPath, ["fvecs", "bvecs"]);
    const truth = truthPath === undefined ? undefined : await open(truthPath, ["ivecs"]);
    checkShapes(base, queries, truth, options.k);
    const judged = await judgedQueries(base, queries, truth, options, working);
    const lines: CodeFigures[] = [];
    for (const code of codes) {
      const learns = typeof code === "object" && "leanvec" in code && code.leanvec.training === "ood";
      const { asked, sample } = learns ? halved(judged) : { asked: judged, sample: undefined };
      const settings = { ...options, code, ...(sample && { sampleQueries: sample }) };
      lines.push(await measureCode(native(), base, asked, settings, working));
      if (options.json) printJson(lines.at(-1));
    }
    if (!options.json) print(terminalOf(process.stdout), { base, queries: judged.vectors.length, lines, options });
  } finally {
    for (const file of opened) await file.close();
  }
}

function checkShapes(base: VecsFile, queries: VecsFile, truth: VecsFile | undefined, k: number): void {
  for (const file of [base, queries]) {
    if (file.count === 0) throw new EmbedlessError("INVALID_VECTOR", `Expected vectors in ${file.path}; it is empty.`);
  }
  if (queries.dims !== base.dims) {
    throw new EmbedlessError(
      "DIMENSION_MISMATCH",
      `The vectors of ${queries.path} have ${queries.dims} dims, those of ${base.path} ${base.dims}.`,
    );
  }
  if (k > base.count) throw new UsageError(`Expected at most ${count(base.count)} for --k, the number of vectors.`);
  if (truth === undefined) return;
  if (truth.count < queries.count) {
    throw new UsageError(
      `${truth.path} holds the nearest of ${count(truth.count)} queries, but there are ${count(queries.count)}.`,
    );
  }
  if (truth.dims < k) {
    throw new UsageError(`${truth.path} holds ${truth.dims} nearest per query, and --k may not exceed that.`);
  }
}

/** The queries with their true nearest, read or computed. */
async function judgedQueries(
  base: VecsFile,
  queries: VecsFile,
  truth: VecsFile | undefined,
  { metric, k }: BenchCommandOptions,
  working: Working,
): Promise<Judged> {
  const asked = Math.min(queries.count, MOST_QUERIES);
  const flat = await queries.readFloats(0, asked);
  const vectors = Array.from({ length: asked }, (_, i) => flat.slice(i * base.dims, (i + 1) * base.dims));
  if (truth === undefined) {
    const options = { dims: base.dims, metric, depth: k };
    const nearest = await working.at("Finding the true nearest", (progress) =>
      exactNearest(base.chunks(), flat, options, (done) => progress(done / base.count)),
    );
    return { vectors, nearest };
  }
  const rows = (await truth.read(0, asked)) as Int32Array;
  const nearest = vectors.map((_, i) => rows.slice(i * truth.dims, (i + 1) * truth.dims));
  await checkTruth(base, { vectors, nearest }, truth.path, metric);
  return { vectors, nearest };
}

/**
 * Detects a truth that was made for other vectors or another metric: its nodes must exist, and their scores must not
 * rise.
 */
async function checkTruth(base: VecsFile, { vectors, nearest }: Judged, path: string, metric: Metric): Promise<void> {
  for (const [query, nodes] of nearest.entries()) {
    const alien = Array.from(nodes).find((node) => node < 0 || node >= base.count);
    if (alien === undefined) continue;
    throw new UsageError(
      `Record ${query} of ${path} names vector ${alien}, but ${base.path} ends with ${base.count - 1}.`,
    );
  }
  for (const [query, vector] of vectors.slice(0, 20).entries()) {
    let before = Infinity;
    for (const node of Array.from(nearest[query]!).slice(0, 20)) {
      const score = native().score(metric, vector, await base.readFloats(node, 1));
      if (score > before + ROUNDING * Math.abs(before)) {
        throw new UsageError(
          `Record ${query} of ${path} does not rank by ${metric}; set --metric to the metric it was made for.`,
        );
      }
      before = score;
    }
  }
}

/** A code that learns from queries learns from those at even places, and the others measure it. */
function halved({ vectors, nearest }: Judged): { asked: Judged; sample: Float32Array } {
  if (vectors.length < 2) throw new UsageError("Codes that learn from queries (ood) need at least two of them.");
  const odd = <T>(all: readonly T[]) => all.filter((_, i) => i % 2 === 1);
  const even = vectors.filter((_, i) => i % 2 === 0);
  const sample = new Float32Array(even.length * even[0]!.length);
  even.forEach((vector, i) => {
    sample.set(vector, i * vector.length);
  });
  return { asked: { vectors: odd(vectors), nearest: odd(nearest) }, sample };
}

function print(
  terminal: Terminal,
  {
    base,
    queries,
    lines,
    options,
  }: { base: VecsFile; queries: number; lines: readonly CodeFigures[]; options: BenchCommandOptions },
): void {
  const { k, metric } = options;
  terminal.line(
    terminal.style("bold", `${count(base.count)} vectors of ${base.dims} dims, ${count(queries)} queries, ${metric}`),
  );
  terminal.line();
  const ranked = (value: number | undefined) => (value === undefined ? "-" : count(value));
  const rows = lines.map((line) => [
    line.code,
    line.bytesPerVector.toFixed(1),
    count(Math.round(line.encodePerSecond)),
    line.recallByEstimate.toFixed(3),
    `${ranked(line.need95)} / ${ranked(line.need99)}`,
    line.exactLooks.toFixed(1),
    line.recall.toFixed(3),
    `${line.scanNs.toFixed(1)} ns`,
  ]);
  const head = ["code", "bytes", "encoded/s", `recall@${k}`, "95 / 99 %", "looks", "recall", "scan"];
  for (const line of table([head, ...rows])) terminal.line(line);
  terminal.line();
  for (const line of [
    `recall@${k}    from the codes alone, without exact scores`,
    `95 / 99 %    best estimates that need exact scores for a recall of 0.95 / 0.99`,
    `looks        exact vectors per query of the bounded search at recall ${TARGET}, and the recall it reached`,
    "scan         time per code, one thread",
  ]) {
    terminal.line(terminal.style("dim", line));
  }
}
