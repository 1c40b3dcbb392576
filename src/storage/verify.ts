import { BLOCK_NODES, countCodes, OPEN_NODES, readCodes } from "./codes.js";
import type { Connection } from "./connection.js";
import { getDictionary } from "./dictionaries.js";
import { hasStrayBlocks, readGraph } from "./graph.js";
import { checkRow, damagedRow, problemsOf, requireOrder, type VerifyStep, walk } from "./integrity.js";
import { noticeNewKeywords } from "./keywords.js";
import { verifySchema } from "./known_schema.js";
import { readLive } from "./live_bits.js";
import { type Meta, readMeta } from "./meta.js";
import { countSampleQueries, getCanaries, getCodebook, getSampleQueries } from "./model_rows.js";
import { readRecords } from "./records.js";
import { pragma } from "./schema.js";
import { needsSampleQueries } from "./traits.js";
import { countPending, readPending } from "./vectors.js";

/**
 * SQLite checks a file of up to 64 MB in well under a second, but cannot do it in slices. Larger files are only walked.
 */
const WHOLE_FILE_PAGES = 4096;

/**
 * Checks every table except `passages`: the structure of the file, checksums, sizes, that nothing is missing and that
 * the tables agree. Run it on one snapshot.
 */
export function* verifyTables(c: Connection): Generator<VerifyStep> {
  yield* verifyFile(c);
  yield* verifySchema(c);
  let meta: Meta | undefined;
  yield* problemsOf(() => {
    meta = readMeta(c);
  });
  yield* verifyKeyed(c, "SELECT dict AS key FROM dictionaries", (dict) => getDictionary(c, Number(dict)));
  yield* verifyKeyed(c, "SELECT sha256 AS key FROM codebooks", (sha256) => getCodebook(c, String(sha256)));
  yield* problemsOf(() => getCanaries(c));
  yield* verifyCodes(c);
  yield* verifyPending(c);
  yield* walk(readLive(c, 0));
  yield* walk(readRecords(c));
  if (meta === undefined) return;
  yield* verifySampleQueries(c, meta);
  yield* verifyVectors(c, meta);
  yield* verifyGraph(c, meta);
  yield* verifyCounts(c, meta);
}

function* verifyFile(c: Connection): Generator<VerifyStep> {
  if (pragma(c, "page_count") > WHOLE_FILE_PAGES) return;
  let found: { integrity_check: string }[] = [];
  yield* problemsOf(() => noticeNewKeywords(c));
  yield* problemsOf(() => {
    found = c.all<{ integrity_check: string }>("PRAGMA store.integrity_check(10)");
  });
  for (const { integrity_check: says } of found) if (says !== "ok") yield `SQLite finds the file damaged: ${says}.`;
}

function* verifyKeyed(c: Connection, sql: string, read: (key: string | number) => unknown): Generator<VerifyStep> {
  let keys: { key: string | number }[] = [];
  yield* problemsOf(() => {
    keys = c.all<{ key: string | number }>(sql);
  });
  for (const { key } of keys) {
    yield* problemsOf(() => read(key));
    yield undefined;
  }
}

/** After a damaged row it continues with the next one. */
function* verifyCodes(c: Connection): Generator<VerifyStep> {
  let count = 0;
  let rowBytes = 0;
  yield* problemsOf(() => {
    count = countCodes(c);
    rowBytes = codeRowBytes(c);
  });
  const sealed = count - (count % BLOCK_NODES);
  for (let node = 0; node < count; ) {
    const step = node < sealed ? BLOCK_NODES : OPEN_NODES;
    yield* problemsOf(() => readCodes(c, node, rowBytes).next());
    node += step;
    yield undefined;
  }
}

function* verifyPending(c: Connection): Generator<VerifyStep> {
  const sql = "SELECT node, length(row) AS bytes FROM pending ORDER BY node LIMIT 1";
  let first: { node: number; bytes: number } | undefined;
  yield* problemsOf(() => {
    first = c.get<{ node: number; bytes: number }>(sql);
  });
  if (first) yield* walk(readPending(c, first.node, first.bytes));
}

/** Sample queries exist while codes that are fitted to them wait for their codebook. */
function* verifySampleQueries(c: Connection, { codes, codebook, dims }: Meta): Generator<VerifyStep> {
  const awaited = codes !== undefined && needsSampleQueries(codes) && codebook === undefined;
  let count = 0;
  yield* problemsOf(() => {
    count = countSampleQueries(c);
    if (awaited || count > 0) getSampleQueries(c, dims ?? 0);
  });
  if (!awaited && count > 0) yield `There are ${count} rows of sample_queries, but no training that needs them.`;
}

function* verifyCounts(c: Connection, meta: Meta): Generator<VerifyStep> {
  let codes = 0;
  let pending = 0;
  yield* problemsOf(() => {
    codes = countCodes(c);
    pending = countPending(c);
  });
  // With codes `"none"` a node needs only its place in the graph.
  const linked = meta.codes === "none" ? (meta.graph?.nodes ?? 0) : 0;
  if (codes + linked + pending !== meta.nextNode || (codes > 0 && pending > 0)) {
    const rest = linked > 0 ? `${linked} are linked` : `${codes} have codes`;
    yield `${meta.nextNode} nodes were given out, but ${rest} and ${pending} wait.`;
  }
  const { codebook, dims } = meta;
  for (const key of ["metric", "codes", "vectors", "embedder"] as const) {
    if (dims !== undefined && meta[key] === undefined) yield `Row "${key}" of table meta is missing.`;
  }
  if (codes > 0 && codebook === undefined) yield "There are codes, but no codebook is named.";
  if (codebook?.kind === "own") {
    let missing = false;
    yield* problemsOf(() => {
      missing = getCodebook(c, codebook.sha256) === undefined;
    });
    if (missing) yield `The codebook ${codebook.sha256} that the codes refer to is missing.`;
  }
}

/** Blocks are checked one by one. The addon checks whether they form a graph when it loads them. */
function* verifyGraph(c: Connection, { graph, nextNode }: Meta): Generator<VerifyStep> {
  if (hasStrayBlocks(c, graph)) yield "There are blocks of a graph that is not named.";
  if (graph === undefined) return;
  if (graph.nodes > nextNode) yield `The graph links ${graph.nodes} nodes, but ${nextNode} were given out.`;
  yield* walk(readGraph(c, graph));
}

/** The size of the first row. The coder decides when the codes are loaded. */
function codeRowBytes(c: Connection): number {
  const block = c.get<{ bytes: number }>("SELECT length(rows) AS bytes FROM code_blocks ORDER BY block LIMIT 1");
  if (block) return Math.floor(block.bytes / BLOCK_NODES);
  const open = c.get<{ bytes: number; count: number }>(
    "SELECT length(rows) AS bytes, count FROM code_open ORDER BY row LIMIT 1",
  );
  return open ? Math.floor(open.bytes / Math.max(open.count, 1)) : 0;
}

/** Nodes checked per step. */
const SLICE = 64;

interface VectorRow {
  node: number;
  row: Uint8Array;
  crc: number;
}

/** Checks every kept vector. If the store keeps vectors, each passage must have one, and no other node may. */
export function* verifyVectors(c: Connection, meta: Meta): Generator<VerifyStep> {
  const keeps = meta.vectors !== undefined && meta.vectors !== "recompute";
  let rowBytes: number | undefined;
  for (let from = 0; ; ) {
    let next: { stored: VectorRow[]; passages: number[] } | undefined;
    yield* problemsOf(() => {
      next = { stored: vectorsFrom(c, from), passages: keeps ? passagesFrom(c, from) : [] };
    });
    if (next === undefined) return;
    const { stored, passages } = next;
    // Up to here both lists are complete.
    const to = Math.min(endOf(nodesOf(stored)), endOf(passages));
    const rows = stored.filter(({ node }) => node < to);
    for (const row of rows) {
      yield* problemsOf(() => {
        checkRow(c, "vectors", row.node, row.crc, row.node, row.row);
        rowBytes ??= row.row.length;
        if (row.row.length !== rowBytes) throw damagedRow("vectors", row.node, "has another length");
      });
    }
    yield* comparison(
      nodesOf(rows),
      passages.filter((node) => node < to),
      keeps,
    );
    if (to === Number.POSITIVE_INFINITY) return;
    from = to;
    yield undefined;
  }
}

function vectorsFrom(c: Connection, node: number): VectorRow[] {
  const sql = `SELECT node, row, crc FROM vectors WHERE node >= ? ORDER BY node LIMIT ${SLICE}`;
  const rows = c.all<VectorRow>(sql, node);
  requireOrder("vectors", nodesOf(rows), node);
  return rows;
}

function passagesFrom(c: Connection, node: number): number[] {
  const sql = `SELECT node FROM passages NOT INDEXED WHERE node >= ? ORDER BY node LIMIT ${SLICE}`;
  const nodes = nodesOf(c.all<{ node: number }>(sql, node));
  requireOrder("passages", nodes, node);
  return nodes;
}

function nodesOf(rows: readonly { node: number }[]): number[] {
  return rows.map(({ node }) => node);
}

/** The node up to which a list of the next nodes is complete. A short list is the last one. */
function endOf(nodes: readonly number[]): number {
  return nodes.length < SLICE ? Number.POSITIVE_INFINITY : nodes.at(-1)! + 1;
}

function* comparison(vectors: number[], passages: number[], keeps: boolean): Generator<VerifyStep> {
  const having = new Set(vectors);
  for (const node of passages) if (!having.has(node)) yield `Row ${node} of table vectors is missing.`;
  const wanted = new Set(passages);
  for (const node of vectors) {
    if (!keeps) yield `Row ${node} of table vectors should not exist: the store keeps no vectors.`;
    else if (!wanted.has(node)) yield `Row ${node} of table vectors belongs to no passage.`;
  }
}
