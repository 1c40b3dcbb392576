import { createHash } from "node:crypto";
import { countBits, nodesFrom, setBit } from "../base/bitmap.js";
import { Shared } from "../base/concurrency.js";
import { throwIfAborted } from "../base/errors.js";
import { LruCache } from "../base/lru.js";
import { Turns } from "../base/turns.js";
import { MetadataReader, type MetadataSlice } from "../passage/metadata.js";
import type { Passages } from "../passage/passages.js";
import type { Connection } from "../storage/connection.js";
import type { Database } from "../storage/database.js";
import { damagedRow } from "../storage/integrity.js";
import { requirePresent } from "../storage/live_bits.js";
import { readMeta } from "../storage/meta.js";
import { indexedPaths } from "./indexes.js";
import { type Condition, holds, matches } from "./match.js";
import type { FilterTree } from "./parse.js";
import { indexQueries } from "./sql.js";

/** The nodes that match a filter in one version of the store. */
export interface Matching {
  /**
   * Bit i % 8 of byte i / 8, lowest first, says whether node i has a passage that matches. Nodes past the end do not
   * match.
   */
  readonly bits: Uint8Array;
  /** Number of set bits. */
  readonly count: number;
  /** `meta.version` and `meta.numbering` of the snapshot that was read. */
  readonly version: number;
  readonly numbering: number;
}

/** Memory for the answers of earlier filters: enough for 64 filters over a million passages. */
const CACHE_BYTES = 8 * 2 ** 20;

/** Answers filters with bitmaps, and remembers the answers until something is written. */
export class FilterBitmaps {
  readonly #database: Database;
  readonly #passages: Passages;
  readonly #known = new LruCache<string, Matching>(CACHE_BYTES, ({ bits }) => bits.byteLength + 500);
  /** Answers that are being computed now, by filter and version. */
  readonly #running = new Map<string | Condition, Shared<Matching>>();

  /** Answers of functions, kept only during one search, because nobody knows what a function depends on. */
  readonly #tested = new WeakMap<Condition, Matching>();

  constructor(database: Database, passages: Passages) {
    this.#database = database;
    this.#passages = passages;
  }

  /**
   * The nodes that match, all read from one snapshot. The event loop gets turns while they are read. Equal filters that
   * are asked at the same time are evaluated once. A caller that aborts stops waiting, and the last one to abort stops
   * the work.
   *
   * @param condition A function is called again for every new `conditionOf`.
   * @throws `ABORTED`, `CORRUPT`; `INVALID_FILTER` and whatever a function throws
   */
  async matching(condition: Condition, signal: AbortSignal | undefined): Promise<Matching> {
    throwIfAborted(signal);
    const { version } = readMeta(this.#database.reader);
    const key = condition.kind === "test" ? undefined : keyOf(condition);
    const known = key === undefined ? this.#tested.get(condition) : this.#known.get(key);
    if (known?.version === version) return known;
    const place = key === undefined ? condition : `${version} ${key}`;
    const run = this.#running.get(place) ?? this.#start(place, condition);
    const found = await run.join(signal);
    if (key === undefined) this.#tested.set(condition, found);
    else this.#known.set(key, found);
    return found;
  }

  #start(place: string | Condition, condition: Condition): Shared<Matching> {
    const run = new Shared(
      (signal) => this.#workOut(condition, signal),
      () => {
        if (this.#running.get(place) === run) this.#running.delete(place);
      },
    );
    this.#running.set(place, run);
    return run;
  }

  async #workOut(condition: Condition, signal: AbortSignal): Promise<Matching> {
    return await this.#database.snapshot(async (c) => {
      const { version, numbering } = readMeta(c);
      const bits =
        condition.kind === "test"
          ? await testedNodes(c, this.#passages, condition, signal)
          : await matchingNodes(c, condition, signal);
      return { bits, count: countBits(bits), version, numbering };
    }, signal);
  }
}

/** The key is short even if the filter is long, so that keys take less memory than answers. */
function keyOf(tree: FilterTree): string {
  return createHash("sha256").update(JSON.stringify(tree)).digest("base64");
}

/**
 * The nodes whose passages match, as a bitmap. Filterable paths narrow them down first, and the rest are read one by
 * one. The event loop gets turns, so `c` must stay on one snapshot: that of `Database.snapshot` or of a write.
 */
export async function matchingNodes(
  c: Connection,
  tree: FilterTree,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  const { nextNode } = readMeta(c);
  requireLastPassage(c);
  const bits = new Uint8Array(Math.ceil(nextNode / 8));
  const turns = new Turns({ signal });
  const candidates = await candidateNodes(c, tree, nextNode, turns);
  const reader = new MetadataReader(c);
  for (let from = 0; from < nextNode; ) {
    await turns.give();
    const { slice, next } = nextSlice(reader, from, candidates);
    if (slice === undefined) break;
    requireGiven(slice.nodes.at(-1) ?? 0, nextNode);
    await decide(slice, tree, bits, turns);
    from = next;
  }
  return bits;
}

/** The next passages to read from a node on, and the node where the next slice begins. */
function nextSlice(
  reader: MetadataReader,
  from: number,
  candidates: Uint8Array | undefined,
): { slice: MetadataSlice | undefined; next: number } {
  const nodes = candidates && nodesFrom(candidates, from, reader.rows);
  const first = nodes ? nodes[0] : from;
  if (first === undefined) return { slice: undefined, next: from };
  // If most nodes of a range are candidates, reading the range in order is cheaper.
  if (nodes !== undefined && nodes.length * 4 < nodes.at(-1)! + 1 - first) {
    const { read, ...slice } = reader.of(nodes);
    return { slice, next: nodes[read - 1]! + 1 };
  }
  const slice = reader.from(first);
  const last = slice.nodes.at(-1);
  return last === undefined ? { slice: undefined, next: from } : { slice, next: last + 1 };
}

/** Sets the bits of the nodes in a slice that match. A filter with many conditions gives turns within the slice. */
async function decide({ nodes, all }: MetadataSlice, tree: FilterTree, bits: Uint8Array, turns: Turns): Promise<void> {
  for (const [i, node] of nodes.entries()) {
    if (matches(tree, all[i]!)) setBit(bits, node);
    if (i % DECIDED_AT_ONCE === 0) await turns.give();
  }
}

/** Throws `CORRUPT` if the table of passages ends too early. Otherwise a filter would silently find fewer. */
function requireLastPassage(c: Connection): void {
  const last = c.get<{ last: number | null }>("SELECT max(node) AS last FROM passages NOT INDEXED")?.last ?? -1;
  requirePresent(c, last + 1, Number.POSITIVE_INFINITY, new Set());
}

/** Throws `CORRUPT` for a node past the end, because its bit would be that of another node. */
function requireGiven(node: number, nextNode: number): void {
  if (node > 0 && node >= nextNode) throw damagedRow("passages", node, "has a node number that was never assigned");
}

/** The nodes whose passages a function accepts, as a bitmap, on one snapshot like `matchingNodes`. */
async function testedNodes(
  c: Connection,
  passages: Passages,
  condition: Condition,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  const { nextNode } = readMeta(c);
  const bits = new Uint8Array(Math.ceil(nextNode / 8));
  const turns = new Turns({ signal });
  for (let last = -1; ; ) {
    await turns.give();
    const page = passages.page(last, TESTED_AT_ONCE, c);
    requireGiven(page.at(-1)?.node ?? 0, nextNode);
    for (const row of page) if (holds(condition, row)) setBit(bits, row.node);
    if (page.length === 0) return bits;
    last = page.at(-1)!.node;
  }
}

/**
 * The nodes that the indexes leave; `undefined`: all nodes. It is also `undefined` if the indexes hold more entries for
 * the filter than there are nodes, because overlapping ranges would be read again and again.
 */
async function candidateNodes(
  c: Connection,
  tree: FilterTree,
  nextNode: number,
  turns: Turns,
): Promise<Uint8Array | undefined> {
  const queries = indexQueries(tree, indexedPaths(c));
  if (queries === undefined) return undefined;
  const bits = new Uint8Array(Math.ceil(nextNode / 8));
  let read = 0;
  for (const { sql, params } of queries) {
    for (const { node } of c.iterate<{ node: number }>(sql, ...params)) {
      requireGiven(node, nextNode);
      setBit(bits, node);
      if (++read > nextNode) return undefined;
      if (read % READ_AT_ONCE === 0) await turns.give();
    }
    await turns.give();
  }
  return bits;
}

/** Passages unpacked at once for a function. */
const TESTED_AT_ONCE = 8;
/** Passages decided, or nodes read from an index, before the clock is checked. */
const DECIDED_AT_ONCE = 8;
const READ_AT_ONCE = 256;
