import { abortController } from "./abort.js";
import type { Embedder } from "./embed/embedder.js";
import { checkCanaries } from "./embed/fingerprint.js";
import { Turns } from "./embed/turns.js";
import { EmbedlessError, throwIfAborted } from "./errors.js";
import { native } from "./native.js";
import { resolveOpenOptions, resolveRepairOptions } from "./options.js";
import { Passages } from "./passage/passages.js";
import { Salvage } from "./salvage.js";
import { Coders } from "./search/coders.js";
import { KeptVectors } from "./search/kept_vectors.js";
import { embedderOf } from "./search/model_of_store.js";
import { foldLog } from "./storage/backup.js";
import { getCanaries } from "./storage/canaries.js";
import { Database } from "./storage/database.js";
import { inspectFile } from "./storage/file_access.js";
import { type Meta, readSoundMeta } from "./storage/meta.js";
import { realPath } from "./storage/open_files.js";
import { ifSound } from "./storage/problems.js";
import { putRecord, soundRecords } from "./storage/records.js";
import { guessSalt } from "./storage/salt.js";
import { replaceStore } from "./storage/set_aside.js";
import { nextTurn } from "./turns.js";
import type { AddItem, AddOptions, AddResult, OpenOptions, RepairOptions, RepairResult } from "./types.js";
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
    const store = await openNew(fresh, { ...given, ...traitsOf(meta), embedder });
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
    turns: stored?.batchCosine === undefined ? undefined : new Turns(),
  });
}

const DELETED_AT_ONCE = 1_000;
/** Records copied between two turns of the event loop. */
const RECORDS_AT_ONCE = 256;
/** The model may have to be loaded first. */
const CANARIES_MS = 120_000;

/** What the new store has to be; what the old one cannot tell any more, the caller's options may say. */
function traitsOf({ metric, codes, vectors, index, keywords, filterable }: Partial<Meta>): OpenOptions {
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
      for (let at = 0; at < rows.length; at += RECORDS_AT_ONCE) {
        const slice = rows.slice(at, at + RECORDS_AT_ONCE);
        const keys = slice.map(({ key }) => key);
        const nodes = passages.nodesOf(keys, tx);
        for (const [i, row] of slice.entries()) if (nodes[i] !== undefined) putRecord(tx, row);
        await nextTurn();
      }
    });
  } finally {
    await target.close();
  }
}
