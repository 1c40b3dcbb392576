import type { Embedder } from "../api/embedder.js";
import { type OpenOptions, resolveOpenOptions } from "../api/open.js";
import type { AddItem, AddOptions, AddResult } from "../api/passage.js";
import { type RepairOptions, type RepairResult, resolveRepairOptions } from "../api/upkeep.js";
import { abortController } from "../base/abort.js";
import { Slots } from "../base/concurrency.js";
import { EmbedlessError, throwIfAborted } from "../base/errors.js";
import { Turns } from "../base/turns.js";
import { Coders } from "../codes/coders.js";
import { checkCanaries } from "../embed/fingerprint.js";
import { embedderOf } from "../embed/model_of_store.js";
import { KeptVectors } from "../memory/vectors.js";
import { native } from "../native/native.js";
import { Passages } from "../passage/passages.js";
import { BLOCK_NODES } from "../storage/codes.js";
import type { Connection } from "../storage/connection.js";
import { Database } from "../storage/database.js";
import { inspectFile, replaceStore } from "../storage/file_access.js";
import { guessSalt, ifSound } from "../storage/integrity.js";
import { isLive } from "../storage/live_bits.js";
import { type Meta, readSoundMeta } from "../storage/meta.js";
import { getCanaries } from "../storage/model_rows.js";
import { realPath } from "../storage/open_files.js";
import { putRecord, soundRecords } from "../storage/records.js";
import { foldLog } from "./backup.js";
import { verifyStore } from "./verify.js";

/** What a repair does with the new store. */
export interface NewStore {
  add(items: AsyncIterable<AddItem>, options: AddOptions): Promise<AddResult>;
  passages(): AsyncIterable<{ id: string }>;
  delete(what: { ids: string[] }): Promise<number>;
  compact(options: { signal?: AbortSignal }): Promise<unknown>;
  verify(options: { signal?: AbortSignal }): Promise<{ problems: string[] }>;
  close(): Promise<void>;
}

/**
 * Repairs a damaged store. Everything that is sound goes into a new file, and codes and graph are made from the texts.
 * The new file then replaces the old one, which is kept under another name.
 *
 * @param openNew Opens the new file. If an interrupted repair left one, this repair continues with it.
 */
export async function repairStore(
  path: string,
  options: RepairOptions,
  openNew: (path: string, options: OpenOptions) => Promise<NewStore>,
): Promise<RepairResult> {
  const { signal, onProgress, given } = resolveRepairOptions(options);
  const file = realPath(inspectFile(path, { create: false, readOnly: false }).path);
  const fresh = `${file}.repaired`;
  foldStoreLog(file); // fails at once, and not at the end, if the store is in use
  const database = await Database.open(file, {
    ...resolveOpenOptions(given),
    create: false,
    readOnly: true,
    strangers: true,
  });
  let embedder: Embedder | undefined;
  try {
    const problems = await problemsIn(database, signal);
    if (problems.length === 0) {
      return { problems, passages: new Passages(database).count(), lost: [], damaged: undefined };
    }
    const salt = ifSound(() => guessSalt(database.reader));
    if (salt !== undefined) database.reader.adoptSalt(salt);
    const meta = readSoundMeta(database.reader);
    embedder = given.embedder ?? (await embedderOf(meta.embedder, given.trustStoredAddress ?? false));
    await requireSameVectors(embedder, database, meta);
    const salvage = new Salvage({ database, kept: keptOf(database, meta), nextNode: meta.nextNode, signal });
    const store = await openNew(fresh, { ...given, ...knownTraits(meta), embedder });
    const tell = (done: number) => onProgress?.({ done, total: salvage.end });
    const passages = await fill(store, salvage.passages(tell), meta.graph !== undefined, signal);
    await copyRecords(database, fresh);
    await database.close();
    foldStoreLog(file);
    return { problems, passages, lost: salvage.lost, damaged: replaceStore(file, fresh) };
  } finally {
    if (given.embedder === undefined) await embedder?.close?.();
    await database.close();
  }
}

/** If a log is too damaged for that, it is set aside with its file. */
function foldStoreLog(file: string): void {
  ifSound(() => foldLog(file));
}

async function problemsIn(database: Database, signal: AbortSignal | undefined): Promise<string[]> {
  throwIfAborted(signal);
  const report = await verifyStore(database, new Passages(database), signal ?? abortController().signal);
  return report.problems;
}

/** Throws unless the embedder gives the same vectors for the canaries that can still be read. */
async function requireSameVectors(embedder: Embedder, database: Database, meta: Partial<Meta>): Promise<void> {
  const canaries = ifSound(() => getCanaries(database.reader)) ?? [];
  if (canaries.length === 0) return;
  const { metric, embedder: stored } = meta;
  await checkCanaries(embedder, canaries, {
    timeoutMs: CANARIES_MS,
    lengths: metric === "ip" || metric === "l2",
    count: canaries.length,
    oneByOne: stored?.batchCosine === undefined ? undefined : new Slots(1),
  });
}

const DELETED_AT_ONCE = 1_000;
/** Records copied per transaction. */
const RECORDS_AT_ONCE = 256;
/** Long enough to load the model first. */
const CANARIES_MS = 120_000;

/** The traits of the new store. The caller's options replace what the old store can no longer say. */
function knownTraits({ metric, codes, vectors, index, keywords, filterable }: Partial<Meta>): OpenOptions {
  return {
    ...(metric && { metric }),
    ...(codes && { codes }),
    ...(vectors && { vectors }),
    ...(index && { index }),
    ...(keywords && { keywords }),
    ...(filterable && { filterable }),
  };
}

function keptOf(database: Database, { vectors }: Partial<Meta>): KeptVectors | undefined {
  if (vectors === undefined || vectors === "recompute") return undefined;
  const addon = native();
  return new KeptVectors({ addon, database, coders: new Coders(addon) }, "file");
}

/** Adds what was saved, and removes everything else. Answers the number of passages. */
async function fill(
  store: NewStore,
  items: AsyncIterable<AddItem>,
  isLinked: boolean,
  signal: AbortSignal | undefined,
): Promise<number> {
  const stop = signal ? { signal } : {};
  try {
    const known = new Set<string>();
    await store.add(noting(items, known), stop);
    // Passages that an interrupted repair added may have been deleted since then.
    const gone: string[] = [];
    for await (const { id } of store.passages()) if (!known.has(id)) gone.push(id);
    for (let at = 0; at < gone.length; at += DELETED_AT_ONCE) {
      await store.delete({ ids: gone.slice(at, at + DELETED_AT_ONCE) });
    }
    if (isLinked) await store.compact(stop);
    const { problems } = await store.verify(stop);
    if (problems.length > 0) throw new EmbedlessError("CORRUPT", `The repaired store is damaged too: ${problems[0]}`);
    return known.size;
  } finally {
    await store.close();
  }
}

async function* noting(items: AsyncIterable<AddItem>, ids: Set<string>): AsyncGenerator<AddItem> {
  for await (const item of items) {
    ids.add(item.id!);
    yield item;
  }
}

/** Copies sound records of indexing pipelines whose passages exist. A pipeline adds the missing ones again. */
async function copyRecords(from: Database, to: string): Promise<void> {
  const rows = soundRecords(from.reader);
  if (rows.length === 0) return;
  const target = await Database.open(to, { ...resolveOpenOptions(), create: false });
  try {
    const passages = new Passages(target);
    await target.write(async (tx) => {
      const turns = new Turns();
      for (let at = 0; at < rows.length; at += RECORDS_AT_ONCE) {
        await turns.give();
        const slice = rows.slice(at, at + RECORDS_AT_ONCE);
        const keys = slice.map(({ key }) => key);
        const nodes = passages.nodesOf(keys, tx);
        for (const [i, row] of slice.entries()) if (nodes[i] !== undefined) putRecord(tx, row);
      }
    });
  } finally {
    await target.close();
  }
}

/** Nodes read before the clock is checked. */
const SLICE = 64;
/** Number of nodes without any rows that are tried all the same, because a page of rows may be out of order. */
const WIDE_GAP = 65_536;

/** What is needed to read a damaged store. */
export interface SalvageParts {
  database: Database;
  /** The number after the last node, if it is known. */
  nextNode: number | undefined;
  /** Its kept vectors; `undefined` if it keeps none or if their form is unknown. */
  kept: KeptVectors | undefined;
  signal: AbortSignal | undefined;
}

/** Reads what is still readable in a damaged store, row by row, and names what is not. */
export class Salvage {
  /** Ids of lost passages. If even the id cannot be read, a name such as `node 17`. */
  readonly lost: string[] = [];
  readonly #parts: SalvageParts;
  readonly #passages: Passages;
  /** The number after the last node. */
  readonly end: number;

  constructor(parts: SalvageParts) {
    this.#parts = parts;
    this.#passages = new Passages(parts.database);
    this.end = parts.nextNode ?? lastNode(parts.database.reader) + 1;
  }

  /** The sound passages in the order they were added, with their kept vectors if there are any. */
  async *passages(onNode: (done: number) => void): AsyncGenerator<AddItem> {
    const turns = new Turns(this.#parts);
    for (let node = 0; node < this.end; node++) {
      if (node % SLICE === 0) {
        onNode(node);
        await turns.give();
        node = this.#placeFrom(node);
        if (node >= this.end) break;
      }
      const item = await this.#passage(node);
      if (item) yield item;
    }
    onNode(this.end);
  }

  /** The node to continue with. A wide gap without rows and live bits is the effect of damage and is skipped. */
  #placeFrom(node: number): number {
    const c = this.#parts.database.reader;
    const first = (sql: string, from: number) => ifSound(() => [c.get<{ at: number }>(sql, from)?.at ?? Infinity])?.[0];
    const row = first("SELECT node AS at FROM passages WHERE node >= ? ORDER BY node LIMIT 1", node);
    const sql = "SELECT block AS at FROM live_blocks WHERE block >= ? ORDER BY block LIMIT 1";
    const block = first(sql, Math.floor(node / BLOCK_NODES));
    const next = Math.min(row ?? node, (block ?? 0) * BLOCK_NODES);
    return next - node > WIDE_GAP ? next - (next % SLICE) : node;
  }

  async #passage(node: number): Promise<AddItem | undefined> {
    try {
      const row = this.#parts.database.readTransaction((c) => this.#passages.byNodesIn(c, [node])).get(node);
      if (row === undefined) return undefined;
      const vector = await this.#vector(node);
      return { id: row.id, text: row.text, metadata: row.metadata, ...(vector && { vector }) };
    } catch (error) {
      requireDamage(error);
      if (this.#wasThere(node)) this.lost.push(this.#idOf(node));
      return undefined;
    }
  }

  /** A vector that cannot be read is made from the text again. */
  async #vector(node: number): Promise<Float32Array | undefined> {
    try {
      return (await this.#parts.kept?.vectorsOf([node], undefined, this.#parts.signal))?.vectors[0];
    } catch (error) {
      requireDamage(error);
      return undefined;
    }
  }

  /** If a node has no row, only its live bit says whether it existed, if the bit is sound. */
  #wasThere(node: number): boolean {
    const c = this.#parts.database.reader;
    const rows = ifSound(() => c.all("SELECT 1 FROM passages WHERE node = ?", node).length);
    return rows !== 0 || ifSound(() => isLive(c, node)) === true;
  }

  #idOf(node: number): string {
    const sql = "SELECT id FROM passages WHERE node = ?";
    const id = ifSound(() => this.#parts.database.reader.get<{ id: unknown }>(sql, node))?.id;
    return typeof id === "string" && id !== "" ? id : `node ${node}`;
  }
}

function requireDamage(error: unknown): void {
  if (!(error instanceof EmbedlessError && error.code === "CORRUPT")) throw error;
}

/** The last node according to the passages and live bits. A counter may be damaged and far too large. */
function lastNode(c: Connection): number {
  const last = (sql: string) => ifSound(() => c.get<{ last: number | null }>(sql)?.last) ?? undefined;
  const node = last("SELECT max(node) AS last FROM passages") ?? -1;
  const block = last("SELECT max(block) AS last FROM live_blocks");
  return block === undefined ? node : Math.min(node, (block + 1) * BLOCK_NODES - 1);
}
