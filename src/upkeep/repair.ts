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

/** What a repair does with the store that it makes. */
export interface NewStore {
  add(items: AsyncIterable<AddItem>, options: AddOptions): Promise<AddResult>;
  passages(): AsyncIterable<{ id: string }>;
  delete(what: { ids: string[] }): Promise<number>;
  compact(options: { signal?: AbortSignal }): Promise<unknown>;
  verify(options: { signal?: AbortSignal }): Promise<{ problems: string[] }>;
  close(): Promise<void>;
}

/**
 * Makes a damaged store whole again: all that is sound goes into a new file, codes and graph are made of the texts, and
 * the new file takes the place of the old one, which is kept under another name.
 *
 * @param openNew Opens the new file; one that an interrupted repair has left is gone on with.
 */
export async function repairStore(
  path: string,
  options: RepairOptions,
  openNew: (path: string, options: OpenOptions) => Promise<NewStore>,
): Promise<RepairResult> {
  const { signal, onProgress, given } = resolveRepairOptions(options);
  const file = realPath(inspectFile(path, { create: false, readOnly: false }).path);
  const fresh = `${file}.repaired`;
  foldStoreLog(file); // nobody should have to wait for the end to hear that the store is in use
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

/** A log that is too damaged for that is set aside with its file. */
function foldStoreLog(file: string): void {
  ifSound(() => foldLog(file));
}

async function problemsIn(database: Database, signal: AbortSignal | undefined): Promise<string[]> {
  throwIfAborted(signal);
  const report = await verifyStore(database, new Passages(database), signal ?? abortController().signal);
  return report.problems;
}

/** What is left of the canaries has to be what this embedder makes of them. */
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
/** Records copied at once. */
const RECORDS_AT_ONCE = 256;
/** The model may have to be loaded first. */
const CANARIES_MS = 120_000;

/** What the new store has to be; what the old one cannot tell any more, the caller's options may say. */
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

/** Puts in what was saved, and nothing else. Answers how many passages that are. */
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
    // What an interrupted repair put in may have been deleted since.
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

/** Whole entries of the books of indexing pipelines, of passages that are there. What is missing, a pipeline puts in again. */
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

/** Nodes looked at between two looks at the clock. */
const SLICE = 64;
/** Nodes without anything that are looked at all the same: a page of rows may lie out of order. */
const WIDE_GAP = 65_536;

/** What a damaged store is read with. */
export interface SalvageParts {
  database: Database;
  /** One node behind the last, if that is known. */
  nextNode: number | undefined;
  /** Its kept vectors; `undefined` if it keeps none, or nobody knows how. */
  kept: KeptVectors | undefined;
  signal: AbortSignal | undefined;
}

/** Reads what can still be read of a damaged store, row by row, and names what cannot. */
export class Salvage {
  /** Ids of passages that are lost; where not even the id can be read, `node 17`. */
  readonly lost: string[] = [];
  readonly #parts: SalvageParts;
  readonly #passages: Passages;
  /** One node behind the last. */
  readonly end: number;

  constructor(parts: SalvageParts) {
    this.#parts = parts;
    this.#passages = new Passages(parts.database);
    this.end = parts.nextNode ?? lastNode(parts.database.reader) + 1;
  }

  /** The passages that are whole, in the order they were added, with their vectors where the store kept them. */
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

  /** The node to go on with: a wide gap without rows and live bits is one that damage made up. */
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

  /** A vector that cannot be read is made again of the text. */
  async #vector(node: number): Promise<Float32Array | undefined> {
    try {
      return (await this.#parts.kept?.vectorsOf([node], undefined, this.#parts.signal))?.vectors[0];
    } catch (error) {
      requireDamage(error);
      return undefined;
    }
  }

  /** Of a node without a row only its live bit tells, if that is whole. */
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

/** As the passages tell, and their live bits: a number that damage made as large as can be is not counted up to. */
function lastNode(c: Connection): number {
  const last = (sql: string) => ifSound(() => c.get<{ last: number | null }>(sql)?.last) ?? undefined;
  const node = last("SELECT max(node) AS last FROM passages") ?? -1;
  const block = last("SELECT max(block) AS last FROM live_blocks");
  return block === undefined ? node : Math.min(node, (block + 1) * BLOCK_NODES - 1);
}
