import { checkRow, damagedRow } from "./checksum.js";
import type { Connection } from "./connection.js";
import type { Meta } from "./meta.js";
import { problemsOf, type VerifyStep } from "./problems.js";

/** Nodes looked at in one step. */
const SLICE = 64;

interface VectorRow {
  node: number;
  row: Uint8Array;
  crc: number;
}

/** Checks every kept vector, and that each passage has one if the store keeps them, and no other node. */
export function* verifyVectors(c: Connection, meta: Meta): Generator<VerifyStep> {
  const keeps = meta.vectors !== undefined && meta.vectors !== "recompute";
  let rowBytes: number | undefined;
  for (let from = 0; ; ) {
    let stored: VectorRow[] = [];
    let passages: number[] = [];
    yield* problemsOf(() => {
      stored = c.all<VectorRow>(
        `SELECT node, row, crc FROM vectors WHERE node >= ? ORDER BY node LIMIT ${SLICE}`,
        from,
      );
      passages = keeps ? nodesOfPassages(c, from) : [];
    });
    // Up to here both lists are complete.
    const to = Math.min(endOf(stored.map(({ node }) => node)), endOf(passages));
    const rows = stored.filter(({ node }) => node < to);
    rowBytes ??= rows[0]?.row.length;
    for (const row of rows) yield* problemsOf(() => checkVector(c, row, rowBytes!));
    yield* comparison(
      rows.map(({ node }) => node),
      passages.filter((node) => node < to),
      keeps,
    );
    if (to === Number.POSITIVE_INFINITY) return;
    from = to;
    yield undefined;
  }
}

function nodesOfPassages(c: Connection, from: number): number[] {
  const sql = `SELECT node FROM passages NOT INDEXED WHERE node >= ? ORDER BY node LIMIT ${SLICE}`;
  return c.all<{ node: number }>(sql, from).map(({ node }) => node);
}

/** The node up to which a list of the next nodes says all; a short list is the last one. */
function endOf(nodes: readonly number[]): number {
  return nodes.length < SLICE ? Number.POSITIVE_INFINITY : nodes.at(-1)! + 1;
}

function checkVector(c: Connection, { node, row, crc }: VectorRow, rowBytes: number): void {
  checkRow(c, "vectors", node, crc, node, row);
  if (row.length !== rowBytes) throw damagedRow("vectors", node, "has another length");
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
