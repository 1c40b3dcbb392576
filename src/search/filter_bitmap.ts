import { throwIfAborted } from "../errors.js";
import type { FilterTree } from "../passage/filter.js";
import { type Condition, holds } from "../passage/filter_match.js";
import { filterCondition, indexQueries } from "../passage/filter_sql.js";
import { indexedPaths } from "../passage/filterable.js";
import type { Passages } from "../passage/passages.js";
import { countBits, nodesFrom, setBit } from "../storage/bitmap.js";
import type { Connection } from "../storage/connection.js";
import type { Database } from "../storage/database.js";
import { requirePresent } from "../storage/live_bits.js";
import { readMeta } from "../storage/meta.js";
import { nextTurn } from "../turns.js";
import { LruCache } from "./lru.js";

/** The nodes that match a filter, as of one version of the store. */
export interface Matching {
  /** Bit i of byte i / 8, lowest first: node i has a passage that matches. Nodes past the end do not. */
  readonly bits: Uint8Array;
  /** Bits that are set. */
  readonly count: number;
  /** `meta.version` and `meta.numbering` of the snapshot they were read from. */
  readonly version: number;
  readonly numbering: number;
}

/** Memory for answers of earlier filters: 64 of a million passages each. */
const CACHE_BYTES = 8 * 2 ** 20;

/** Answers filters with bitmaps, and remembers the answers while nothing is written. */
export class FilterBitmaps {
  readonly #database: Database;
  readonly #passages: Passages;
  readonly #known = new LruCache<string, Matching>(CACHE_BYTES, ({ bits }) => bits.byteLength + 500);

  /** Answers of functions, for as long as one search goes on: who knows what they depend on. */
  readonly #tested = new WeakMap<Condition, Matching>();

  constructor(database: Database, passages: Passages) {
    this.#database = database;
    this.#passages = passages;
  }

  /**
   * The nodes that match, all read from one snapshot, in slices with the event loop between them.
   *
   * @param condition A function is asked again by every other `readCondition`.
   * @throws `ABORTED`, `CORRUPT`; `INVALID_FILTER` and whatever else a function brings about
   */
  async matching(condition: Condition, signal: AbortSignal | undefined): Promise<Matching> {
    const key = JSON.stringify(condition);
    const known = condition.kind === "test" ? this.#tested.get(condition) : this.#known.get(key);
    if (known?.version === readMeta(this.#database.reader).version) return known;
    const found = await this.#database.snapshot(async (c) => {
      const { version, numbering } = readMeta(c);
      const bits =
        condition.kind === "test"
          ? await testedNodes(c, this.#passages, condition, signal)
          : await matchingNodes(c, condition, signal);
      return { bits, count: countBits(bits), version, numbering };
    });
    if (condition.kind === "test") this.#tested.set(condition, found);
    else this.#known.set(key, found);
    return found;
  }
}

/**
 * The nodes whose passages match, as a bitmap. Filterable paths narrow them down first; the others are looked at one by
 * one. Takes turns with the event loop, so `c` must stay on one snapshot: that of `Database.snapshot` or of a write.
 */
export async function matchingNodes(
  c: Connection,
  tree: FilterTree,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  const { nextNode } = readMeta(c);
  requireLastPassage(c);
  const bits = new Uint8Array(Math.ceil(nextNode / 8));
  const candidates = await candidateNodes(c, tree, bits.length, signal);
  const { sql, params } = filterCondition(tree);
  const next = params.length + 1;
  const inRange = `SELECT node FROM passages WHERE (${sql}) AND node >= ?${next} AND node < ?${next + 1}`;
  const inList = `SELECT node FROM json_each(?${next}) AS listed CROSS JOIN passages ON node = listed.value WHERE (${sql})`;
  const pace = new Pace();
  for (let from = 0; from < nextNode; ) {
    throwIfAborted(signal);
    const nodes = candidates && nodesFrom(candidates, from, pace.size);
    const first = nodes ? nodes[0] : from;
    if (first === undefined) break;
    const end = nodes ? nodes.at(-1)! + 1 : Math.min(nextNode, from + pace.size);
    const began = performance.now();
    // Where most nodes of a range are candidates anyway, reading it in order is cheaper.
    const scattered = nodes !== undefined && nodes.length * 4 < end - first;
    const rows = scattered
      ? c.all<{ node: number }>(inList, ...params, JSON.stringify(nodes))
      : c.all<{ node: number }>(inRange, ...params, first, end);
    for (const { node } of rows) setBit(bits, node);
    pace.took(performance.now() - began);
    from = end;
    if (from < nextNode) await nextTurn();
  }
  return bits;
}

/** Throws `CORRUPT` if the table of passages ends too early: a filter would only find fewer. */
function requireLastPassage(c: Connection): void {
  const last = c.get<{ last: number | null }>("SELECT max(node) AS last FROM passages NOT INDEXED")?.last ?? -1;
  requirePresent(c, last + 1, Number.POSITIVE_INFINITY, new Set());
}

/** The nodes whose passages a function lets through, as a bitmap; on one snapshot like `matchingNodes`. */
async function testedNodes(
  c: Connection,
  passages: Passages,
  condition: Condition,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  const bits = new Uint8Array(Math.ceil(readMeta(c).nextNode / 8));
  for (let last = -1; ; await nextTurn()) {
    throwIfAborted(signal);
    const page = passages.page(last, TEST_SLICE, c);
    for (const row of page) if (holds(condition, row)) setBit(bits, row.node);
    if (page.length < TEST_SLICE) return bits;
    last = page.at(-1)!.node;
  }
}

/** The nodes that indexes leave over; `undefined`: all. */
async function candidateNodes(
  c: Connection,
  tree: FilterTree,
  bytes: number,
  signal: AbortSignal | undefined,
): Promise<Uint8Array | undefined> {
  const queries = indexQueries(tree, indexedPaths(c));
  if (queries === undefined) return undefined;
  const bits = new Uint8Array(bytes);
  for (const { sql, params } of queries) {
    let read = 0;
    for (const { node } of c.iterate<{ node: number }>(sql, ...params)) {
      setBit(bits, node);
      if (++read % INDEX_SLICE !== 0) continue;
      await nextTurn();
      throwIfAborted(signal);
    }
  }
  return bits;
}

/** Passages unpacked for a function between two turns of the event loop. */
const TEST_SLICE = 32;
/** Nodes read from an index between two turns of the event loop: a few milliseconds. */
const INDEX_SLICE = 4_096;

/** How many passages to look at between two turns of the event loop, by what the last ones took. */
class Pace {
  static readonly #MOST = 8_192;
  static readonly #SHORT_MS = 2;
  static readonly #LONG_MS = 6;
  size = 512;

  took(ms: number): void {
    if (ms < Pace.#SHORT_MS) this.size = Math.min(Pace.#MOST, this.size * 2);
    if (ms > Pace.#LONG_MS) this.size = Math.max(16, this.size >> 1);
  }
}
