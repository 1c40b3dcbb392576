import { Turns } from "../base/turns.js";
import { appendCoded, type CodedVector, type Coding, trainPending } from "../codes/coding.js";
import type { OpenStore } from "../memory/open_store.js";
import type { NativeCoder } from "../native/surface.js";
import { enterWords } from "../passage/keywords.js";
import type { NewPassage, Passages } from "../passage/passages.js";
import type { Connection } from "../storage/connection.js";
import { clearLive } from "../storage/live_bits.js";
import { raiseVersion, readMeta, type StoredEmbedder, writeMeta } from "../storage/meta.js";
import { addSampleQueries, type Canary, putCanaries } from "../storage/model_rows.js";
import { sameTraits, type Traits, traitsOf } from "../storage/traits.js";
import { deleteVectors, getVectors, putVectors } from "../storage/vectors.js";
import type { Counts, PreparedItem } from "./items.js";

/**
 * An item with its vector in stored forms. The forms are missing if the store had the same text when it was looked up.
 */
export interface ReadyItem {
  readonly item: PreparedItem;
  readonly coded: CodedItem | undefined;
}

/** What is stored of an item's vector. */
export interface CodedItem {
  readonly code: CodedVector;
  /** The vector in the form that the store keeps; `undefined` if it keeps none. */
  readonly kept: Uint8Array | undefined;
}

/** What is written into a new store with its first passages. */
export interface Creation {
  readonly embedder: StoredEmbedder;
  readonly canaries: readonly Canary[];
  /** Vectors of questions for the training. Empty if the codes need none. */
  readonly sampleQueries: readonly Float32Array[];
}

/** The form of a store: how vectors are encoded for it. */
export interface StoreForm extends Traits {
  readonly dims: number;
  readonly coding: Coding;
  /** The coder of kept vectors; `undefined` if the store keeps none. */
  readonly kept: NativeCoder | undefined;
  /** Only if the store did not exist when the vectors were encoded. */
  readonly creation: Creation | undefined;
}

/** Thrown inside the transaction to roll it back: another process changed what these items relied on. */
export class StaleItems extends Error {
  readonly items: readonly PreparedItem[];

  constructor(items: readonly PreparedItem[]) {
    super("items have to be embedded after all");
    this.items = items;
  }
}

/** Options of a commit. */
export interface CommitRun {
  signal: AbortSignal | undefined;
  /** Whether the caller has no more items. Then fewer waiting passages are enough to train the codebook. */
  isLast: boolean;
}

/** Items written before the event loop gets a turn. This takes a millisecond or two. */
const SLICE = 16;

/**
 * Writes items inside a write transaction. A new id gets a node. A changed text (or kept vector) gets a new node, and
 * the old node is marked dead. If the text is the same, only the metadata change. Of equal ids the last one is written.
 * Afterwards passages that wait for a codebook may train it.
 *
 * @throws StaleItems if an item without a code needs one after all, or if another process created the store differently
 */
export async function commitItems(
  tx: Connection,
  store: Pick<OpenStore, "addon" | "passages" | "coders">,
  items: readonly ReadyItem[],
  form: StoreForm,
  { signal, isLast }: CommitRun,
): Promise<Counts> {
  const turns = new Turns({ signal });
  if (!(await createIfNew(tx, form, turns))) throw new StaleItems(items.map(({ item }) => item));
  const version = raiseVersion(tx);
  const last = new Map(items.map((ready) => [ready.item.id, ready]));
  const distinct = [...last.values()];
  const counts: Counts = { added: 0, updated: items.length - distinct.length, unchanged: 0 };
  for (let at = 0; at < distinct.length; at += SLICE) {
    await turns.give();
    const slice = sortOut(tx, store.passages, distinct.slice(at, at + SLICE), form.kept);
    for (const { item } of slice.sameText) store.passages.replaceMetadata(tx, item.id, item.metadata);
    await writeFresh(tx, store, slice, { ...form, version, signal });
    counts.added += slice.fresh.length - slice.replaced.length;
    counts.updated += slice.replaced.length + slice.sameText.length;
    counts.unchanged += slice.unchanged;
  }
  if (isLast) await trainPending(tx, store, signal);
  return counts;
}

/** Creates the store's settings if it is new. Answers `false` if another process has created it differently. */
async function createIfNew(tx: Connection, form: StoreForm, turns: Turns): Promise<boolean> {
  const { creation, dims, metric, codes, vectors, index, coding } = form;
  if (creation === undefined) return true;
  const meta = readMeta(tx);
  if (meta.embedder !== undefined) {
    const { id, batchCosine } = meta.embedder;
    const sameBatches = (batchCosine === undefined) === (creation.embedder.batchCosine === undefined);
    return id === creation.embedder.id && sameBatches && meta.dims === dims && sameTraits(traitsOf(meta), form);
  }
  writeMeta(tx, { dims, metric, codes, vectors, index, embedder: creation.embedder, codebook: coding.reference });
  putCanaries(tx, creation.canaries);
  for (let at = 0; at < creation.sampleQueries.length; at += SLICE) {
    await turns.give();
    addSampleQueries(tx, at, creation.sampleQueries.slice(at, at + SLICE));
  }
  return true;
}

interface Slice {
  /** Items that get a new node. */
  fresh: { item: PreparedItem; coded: CodedItem }[];
  /** Ids among them that replace a passage. */
  replaced: string[];
  /** Items whose text is stored already, but with other metadata. */
  sameText: ReadyItem[];
  unchanged: number;
}

function sortOut(
  tx: Connection,
  passages: Passages,
  items: readonly ReadyItem[],
  kept: NativeCoder | undefined,
): Slice {
  const slice: Slice = { fresh: [], replaced: [], sameText: [], unchanged: 0 };
  const stale: PreparedItem[] = [];
  const stored = passages.lookup(
    items.map(({ item }) => item),
    tx,
  );
  for (const ready of items) {
    const { item, coded } = ready;
    const present = stored.get(item.id);
    if (present?.sameText && !hasOtherVector(tx, ready, present.node, kept)) {
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

/** Whether an item came with another vector than the kept one. The same text may then mean something else. */
function hasOtherVector(
  tx: Connection,
  { item, coded }: ReadyItem,
  node: number,
  kept: NativeCoder | undefined,
): boolean {
  if (kept === undefined || item.vector === undefined) return false;
  if (coded?.kept === undefined) return true;
  const [before] = getVectors(tx, [node], kept.rowBytes);
  return before === undefined || Buffer.compare(before, coded.kept) !== 0;
}

/** Writes rows, codes, kept vectors and live bits of the items that get a node. */
async function writeFresh(
  tx: Connection,
  { addon, passages, coders }: Pick<OpenStore, "addon" | "passages" | "coders">,
  { fresh, replaced }: Slice,
  form: StoreForm & { version: number; signal: AbortSignal | undefined },
): Promise<void> {
  if (fresh.length === 0) return;
  const { coding: made, codes, version, signal } = form;
  const { codebook: reference, nextNode: firstNode } = readMeta(tx);
  const stored: Coding = { coder: await coders.find(tx, reference, form), reference };
  if (stored.reference === undefined && made.reference !== undefined)
    throw new StaleItems(fresh.map(({ item }) => item));
  const { nodes: dead } = passages.removeByIds(tx, replaced);
  if (dead.length > 0) clearLive(tx, dead, version);
  deleteVectors(tx, dead);
  const rows = fresh.map(
    ({ item: { id, text, metadata } }, i): NewPassage => ({ node: firstNode + i, id, text, metadata }),
  );
  passages.insert(tx, rows);
  await enterWords(tx, rows);
  const kept = fresh.flatMap(({ coded }) => coded.kept ?? []);
  putVectors(tx, firstNode, kept);
  const vectors = fresh.map(({ coded }) => coded.code);
  await appendCoded(tx, addon, { made, stored, firstNode, vectors, codes, version, signal });
}
