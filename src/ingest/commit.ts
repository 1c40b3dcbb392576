import { setImmediate as nextTurn } from "node:timers/promises";
import { throwIfAborted } from "../errors.js";
import type { NativeAddon } from "../native.js";
import type { NewPassage, Passages } from "../passage/passages.js";
import type { Coders } from "../search/coders.js";
import { type Canary, putCanaries } from "../storage/canaries.js";
import type { Connection } from "../storage/connection.js";
import { clearLive } from "../storage/live_bits.js";
import { type Meta, raiseVersion, readMeta, type StoredEmbedder, writeMeta } from "../storage/meta.js";
import type { Metric } from "../types.js";
import { appendCoded, type CodedVector, type Coding } from "./coding.js";
import type { PreparedItem } from "./items.js";

/** An item with its code; without one if the store had the same text when it was looked up. */
export interface ReadyItem {
  readonly item: PreparedItem;
  readonly coded: CodedVector | undefined;
}

/** What a store is told when its first passages come. */
export interface Birth {
  readonly embedder: StoredEmbedder;
  readonly canaries: readonly Canary[];
}

/** How vectors were encoded, and for which store. */
export interface Circumstances {
  readonly dims: number;
  readonly metric: Metric;
  readonly made: Coding;
  /** For a store that did not exist yet when the vectors were made. */
  readonly birth: Birth | undefined;
}

export interface Counts {
  added: number;
  updated: number;
  unchanged: number;
}

/** Thrown inside the transaction, so that it is rolled back: another process changed what these items relied on. */
export class StaleItems extends Error {
  readonly items: readonly PreparedItem[];

  constructor(items: readonly PreparedItem[]) {
    super("items have to be embedded after all");
    this.items = items;
  }
}

/** Items written between two turns of the event loop: a few milliseconds. */
const WRITE_SLICE = 64;

/**
 * Writes items inside a write transaction: new ids get a node, a changed text gets a new node and its old one dies, and
 * the same text again only changes metadata. Of equal ids the last one wins.
 *
 * @throws StaleItems when an item without a code needs one after all
 */
export async function commitItems(
  tx: Connection,
  parts: { addon: NativeAddon; passages: Passages; coders: Coders },
  items: readonly ReadyItem[],
  circumstances: Circumstances,
  signal: AbortSignal | undefined,
): Promise<Counts> {
  bear(tx, circumstances);
  const version = raiseVersion(tx);
  const last = new Map(items.map((ready) => [ready.item.id, ready]));
  const distinct = [...last.values()];
  const counts: Counts = { added: 0, updated: items.length - distinct.length, unchanged: 0 };
  for (let at = 0; at < distinct.length; at += WRITE_SLICE) {
    throwIfAborted(signal);
    const slice = sortOut(tx, parts.passages, distinct.slice(at, at + WRITE_SLICE));
    for (const { item } of slice.sameText) parts.passages.replaceMetadata(tx, item.id, item.metadata);
    await writeFresh(tx, parts, slice, circumstances, version);
    counts.added += slice.fresh.length - slice.replaced.length;
    counts.updated += slice.replaced.length + slice.sameText.length;
    counts.unchanged += slice.unchanged;
    await nextTurn();
  }
  return counts;
}

/** Tells a new store what it is. A store that another process made meanwhile stays as it is. */
function bear(tx: Connection, { dims, metric, made, birth }: Circumstances): void {
  if (birth === undefined || readMeta(tx).embedder !== undefined) return;
  writeMeta(tx, { dims, metric, embedder: birth.embedder, codebook: made.reference });
  putCanaries(tx, birth.canaries);
}

interface Slice {
  /** Items that get a node. */
  fresh: { item: PreparedItem; coded: CodedVector }[];
  /** Ids among them that replace a passage. */
  replaced: string[];
  /** Items whose text is stored already, with other metadata. */
  sameText: ReadyItem[];
  unchanged: number;
}

function sortOut(tx: Connection, passages: Passages, items: readonly ReadyItem[]): Slice {
  const slice: Slice = { fresh: [], replaced: [], sameText: [], unchanged: 0 };
  const stale: PreparedItem[] = [];
  const stored = storedTexts(
    passages,
    items.map(({ item }) => item),
    tx,
  );
  for (const ready of items) {
    const { item, coded } = ready;
    const present = stored.get(item.id);
    if (present?.sameText) {
      if (present.metadata === item.metadata) slice.unchanged++;
      else slice.sameText.push(ready);
    } else if (coded === undefined) {
      stale.push(item);
    } else {
      slice.fresh.push({ item, coded });
      if (present) slice.replaced.push(item.id);
    }
  }
  if (stale.length > 0) throw new StaleItems(stale);
  return slice;
}

/** Of the ids that exist: whether the stored text is the item's, by hash first and then by the text itself. */
export function storedTexts(
  passages: Passages,
  items: readonly PreparedItem[],
  from?: Connection,
): Map<string, { sameText: boolean; metadata: string | null }> {
  const keys = passages.lookup(
    items.map(({ id }) => id),
    from,
  );
  const similar = items.filter(({ id, hash }) => keys.get(id)?.hash === hash);
  const texts = passages.byIds(
    similar.map(({ id }) => id),
    from,
  );
  const same = new Set(similar.filter(({ text }, i) => texts[i]?.text === text).map(({ id }) => id));
  return new Map([...keys].map(([id, { metadata }]) => [id, { sameText: same.has(id), metadata }]));
}

/** Rows, codes and live bits of the items that get a node. */
async function writeFresh(
  tx: Connection,
  { addon, passages, coders }: { addon: NativeAddon; passages: Passages; coders: Coders },
  { fresh, replaced }: Slice,
  { dims, metric, made }: Circumstances,
  version: number,
): Promise<void> {
  if (fresh.length === 0) return;
  const meta: Meta = readMeta(tx);
  const stored: Coding = { coder: await coders.find(tx, meta.codebook, { dims, metric }), reference: meta.codebook };
  if (stored.reference === undefined && made.reference !== undefined)
    throw new StaleItems(fresh.map(({ item }) => item));
  const { nodes: dead } = passages.removeByIds(tx, replaced);
  if (dead.length > 0) clearLive(tx, dead, version);
  const firstNode = meta.nextNode;
  passages.insert(
    tx,
    fresh.map(({ item: { id, text, metadata } }, i): NewPassage => ({ node: firstNode + i, id, text, metadata })),
  );
  const vectors = fresh.map(({ coded }) => coded);
  await appendCoded(tx, addon, { made, stored, firstNode, vectors, version });
}
