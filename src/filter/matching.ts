import { createHash } from "node:crypto";
import { countBits, nodesFrom, setBit } from "../base/bitmap.js";
import { throwIfAborted } from "../base/errors.js";
import { LruCache } from "../base/lru.js";
import { Shared } from "../base/shared.js";
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
  /** By filter and version, what is being worked out now. */
  readonly #running = new Map<string | Condition, Shared<Matching>>();

  /** Answers of functions, for as long as one search goes on: who knows what they depend on. */
  readonly #tested = new WeakMap<Condition, Matching>();

  constructor(database: Database, passages: Passages) {
    this.#database = database;
    this.#passages = passages;
  }

  /**
   * The nodes that match, all read from one snapshot, in slices with the event loop between them. Equal filters that are
   * asked at the same time are worked out once; a caller that aborts leaves, and the last one to leave stops the work.
   *
   * @param condition A function is asked again by every other `conditionOf`.
   * @throws `ABORTED`, `CORRUPT`; `INVALID_FILTER` and whatever else a function brings about
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

/** Short, however long the filter is: what is remembered by it should not take more memory than the answers. */
function keyOf(tree: FilterTree): string {
  return createHash("sha256").update(JSON.stringify(tree)).digest("base64");
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

/** The next passages to look at from a node on, and the node to go on from. */
function nextSlice(
  reader: MetadataReader,
  from: number,
  candidates: Uint8Array | undefined,
): { slice: MetadataSlice | undefined; next: number } {
  const nodes = candidates && nodesFrom(candidates, from, reader.rows);
  const first = nodes ? nodes[0] : from;
  if (first === undefined) return { slice: undefined, next: from };
  // Where most nodes of a range are candidates anyway, reading it in order is cheaper.
  if (nodes !== undefined && nodes.length * 4 < nodes.at(-1)! + 1 - first) {
    const { read, ...slice } = reader.of(nodes);
    return { slice, next: nodes[read - 1]! + 1 };
  }
  const slice = reader.from(first);
  const last = slice.nodes.at(-1);
  return last === undefined ? { slice: undefined, next: from } : { slice, next: last + 1 };
}

/** Puts the nodes of a slice that match into `bits`; a filter of many conditions takes turns within the slice. */
async function decide({ nodes, all }: MetadataSlice, tree: FilterTree, bits: Uint8Array, turns: Turns): Promise<void> {
  for (const [i, node] of nodes.entries()) {
    if (matches(tree, all[i]!)) setBit(bits, node);
    if (i % DECIDED_AT_ONCE === 0) await turns.give();
  }
}

/** Throws `CORRUPT` if the table of passages ends too early: a filter would only find fewer. */
function requireLastPassage(c: Connection): void {
  const last = c.get<{ last: number | null }>("SELECT max(node) AS last FROM passages NOT INDEXED")?.last ?? -1;
  requirePresent(c, last + 1, Number.POSITIVE_INFINITY, new Set());
}

/** A node from the end on has no bit; its remainder would be that of another one. */
function requireGiven(node: number, nextNode: number): void {
  if (node > 0 && node >= nextNode) throw damagedRow("passages", node, "is of a node that was never given out");
}

/** The nodes whose passages a function lets through, as a bitmap; on one snapshot like `matchingNodes`. */
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
 * The nodes that indexes leave over; `undefined`: all. That is so too when the indexes hold more entries for the filter
 * than there are nodes: ranges that overlap would be read again and again.
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

/** Passages that are unpacked for a function at once. */
const TESTED_AT_ONCE = 32;
/** Passages decided, and nodes read from an index, between two looks at the clock. */
const DECIDED_AT_ONCE = 8;
const READ_AT_ONCE = 256;
