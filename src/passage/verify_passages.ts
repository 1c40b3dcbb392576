import { countBits, hasBit } from "../base/bitmap.js";
import { BLOCK_NODES } from "../storage/codes.js";
import type { Connection } from "../storage/connection.js";
import { countIds, IdTable, requireNoBucketBeyond } from "../storage/ids.js";
import { ifSound, problemsOf, requireOrder, type VerifyStep } from "../storage/integrity.js";
import { countKeywords } from "../storage/keywords.js";
import { readLive } from "../storage/live_bits.js";
import { readIdBuckets, readMeta } from "../storage/meta.js";
import type { Passages } from "./passages.js";

const SLICE = 32;

interface Totals {
  passages: number;
  rawBytes: number;
  textBytes: number;
  nodes: number;
}

/**
 * Checks every passage: its checksum, its text against its hash, its metadata, whether its id leads to it and whether
 * its node is marked live. Then it checks that counters and live bits count the same passages. Run it on one snapshot.
 */
export function* verifyPassages(c: Connection, passages: Passages): Generator<VerifyStep> {
  const live = new Map<number, Uint8Array>();
  yield* problemsOf(() => {
    for (const { block, bits } of readLive(c, 0)) live.set(block, bits);
  });
  const totals: Totals = { passages: 0, rawBytes: 0, textBytes: 0, nodes: 0 };
  let ids: IdTable | undefined;
  yield* problemsOf(() => {
    ids = new IdTable(c);
  });
  for (let node: number | undefined = -1; node !== undefined; ) {
    const problems: string[] = [];
    node = yield* next(c, node, (found) => problems.push(...checkPassage(c, found, { passages, ids, live, totals })));
    yield* problems;
    yield undefined;
  }
  yield* verifyIds(c, totals);
  yield* verifyTotals(c, totals, live);
}

/**
 * Calls `check` for the next nodes. Answers the last one; `undefined` at the end or if the table cannot be read
 * further.
 */
function* next(c: Connection, after: number, check: (node: number) => void): Generator<VerifyStep, number | undefined> {
  let last: number | undefined;
  yield* problemsOf(() => {
    const sql = `SELECT node FROM passages NOT INDEXED WHERE node > ? ORDER BY node LIMIT ${SLICE}`;
    const nodes = c.all<{ node: number }>(sql, after).map(({ node }) => node);
    requireOrder("passages", nodes, after + 1);
    for (const node of nodes) check(node);
    last = nodes.at(-1);
  });
  return last;
}

interface Known {
  passages: Passages;
  /** `undefined` if not even the number of its buckets can be read. */
  ids: IdTable | undefined;
  live: Map<number, Uint8Array>;
  totals: Totals;
}

function checkPassage(c: Connection, node: number, { passages, ids, live, totals }: Known): string[] {
  const problems: string[] = [];
  const check = () => {
    const sizes = passages.inspect(c, node);
    totals.rawBytes += sizes.rawBytes;
    totals.textBytes += sizes.textBytes;
    if (!sizes.hashMatches) problems.push(`The text of passage ${sizes.id} (node ${node}) does not match its hash.`);
    // A damaged bucket is reported once, below.
    const nodes = ifSound(() => ids?.nodesOf(sizes.id)) ?? [node];
    const found = nodes.length > 1 ? passages.nodesOf([sizes.id], c)[0] : nodes[0];
    if (found !== node) problems.push(`The id ${sizes.id} does not lead to its passage (node ${node}).`);
  };
  totals.passages++;
  totals.nodes = node + 1;
  for (const step of problemsOf(check)) if (step !== undefined) problems.push(step);
  const bits = live.get(Math.floor(node / BLOCK_NODES));
  if (bits === undefined || !hasBit(bits, node % BLOCK_NODES))
    problems.push(`Node ${node} has a passage but is not marked live.`);
  return problems;
}

/**
 * Checks that the buckets are sound and that no id leads elsewhere. It is known already that every id leads to its
 * passage.
 */
function* verifyIds(c: Connection, { passages }: Totals): Generator<VerifyStep> {
  let buckets = 0;
  let entered = 0;
  yield* problemsOf(() => {
    buckets = readIdBuckets(c);
    requireNoBucketBeyond(c, buckets);
  });
  for (let address = 0; address < buckets; address++) {
    yield* problemsOf(() => {
      entered += countIds(c, address, buckets);
    });
    yield undefined;
  }
  if (buckets > 0 && entered !== passages)
    yield `The table id_buckets holds ${entered} ids, but there are ${passages} passages.`;
}

function* verifyTotals(c: Connection, totals: Totals, live: Map<number, Uint8Array>): Generator<VerifyStep> {
  let marked = 0;
  for (const bits of live.values()) marked += countBits(bits);
  if (marked !== totals.passages) yield `${marked} nodes are marked live, but there are ${totals.passages} passages.`;
  const counted: string[] = [];
  yield* problemsOf(() => {
    const meta = readMeta(c);
    for (const key of ["passages", "rawBytes", "textBytes"] as const) {
      if (meta[key] !== totals[key]) counted.push(`meta.${key} says ${meta[key]}, but there are ${totals[key]}.`);
    }
    if (totals.nodes > meta.nextNode) counted.push(`Node ${totals.nodes - 1} has a passage but was never given out.`);
    const worded = meta.keywords ? countKeywords(c) : totals.passages;
    if (worded !== totals.passages)
      counted.push(`The words of ${worded} passages are known, but there are ${totals.passages}.`);
  });
  yield* counted;
}
