import { checkRow, damagedRow } from "./checksum.js";
import type { Connection } from "./connection.js";
import type { Meta } from "./meta.js";
import { requireOrder } from "./order.js";
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

/** The node up to which a list of the next nodes says all; a short list is the last one. */
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
