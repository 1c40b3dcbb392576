import type { Metric } from "../api/codes.js";
import { requireVector } from "../api/input.js";
import type { AddOptions, AddResult } from "../api/passage.js";
import { EmbedlessError, isError } from "../base/errors.js";
import { Turns } from "../base/turns.js";
import { encodeVectors, rowOf, trainIfEnough } from "../codes/coding.js";
import type { OpenStore } from "../memory/open_store.js";
import { readMeta } from "../storage/meta.js";
import { traitsOf } from "../storage/traits.js";
import { type CommitRun, commitItems, type ReadyItem, StaleItems, type StoreForm } from "./commit.js";
import { formOfNewStore } from "./create.js";
import {
  AddReport,
  type Counts,
  isBlank,
  itemsOf,
  namingItem,
  type PreparedItem,
  prepareItem,
  requireDistinctIds,
} from "./items.js";

/** An iterable is committed after this many passages or this much time, whichever comes first. */
const COMMIT_PASSAGES = 512;
const COMMIT_MS = 3_000;
/** Items whose stored texts are read before the event loop gets a turn. */
const LOOK_UP_SLICE = 8;
/** Fewest passages per call of the embedder, which spreads them over its processes. */
const EMBED_SLICE = 64;
/** First passages with which a new store's embedder is tested if it cannot embed the canaries. */
const INTRODUCED = 64;
/** One of this many given vectors is compared with a fresh embedding of its text. */
const GIVEN_PER_CHECK = 64;
/**
 * How far a given vector may differ from that of its text. On another kind of processor, an int8 model gives long
 * passages vectors at a cosine down to 0.993, so the 0.999 that short canaries reach would refuse correct vectors.
 */
const MACHINES = { cosine: 0.99, longer: 0.01 };
/** The same for vectors that were made in a batch, because the text alone has another vector. */
const BATCHED = { cosine: 0.9, longer: 0.1 };
/** How often a commit is tried again after other processes changed the same passages. */
const MAX_ROUNDS = 8;

/**
 * Adds passages: checks them, embeds new ones, encodes their vectors and commits. The vectors are not kept afterwards.
 */
export class Ingest {
  readonly #store: OpenStore;

  constructor(store: OpenStore) {
    this.#store = store;
  }

  /** Adds an array, all of it or nothing. */
  async addArray(raw: readonly unknown[], options: AddOptions): Promise<AddResult> {
    const items: PreparedItem[] = [];
    const blanks: number[] = [];
    const turns = new Turns(options);
    for (let i = 0; i < raw.length; i++) {
      if (options.blank === "skip" && isBlank(raw[i])) blanks.push(i);
      else items.push(prepareItem(raw[i], i));
      // There is no wait before this point, because callers may change a short array as soon as they have called.
      if (turns.isOver) await turns.give();
    }
    requireDistinctIds(items);
    const report = new AddReport(options, items.length);
    for (const place of blanks) report.skipped(place);
    if (items.length === 0) return report.result;
    const { ready, form } = await this.#makeAllReady(items, report, options.signal);
    const run = { signal: options.signal, isLast: true };
    report.commit(items, await this.#commit(ready, form, report, run));
    return report.result;
  }

  /** Adds an iterable, with commits on the way. An error carries `committed`. */
  async addStream(raw: Iterable<unknown> | AsyncIterable<unknown>, options: AddOptions): Promise<AddResult> {
    const report = new AddReport(options, undefined);
    try {
      await this.#drain(raw, report, options);
    } catch (error) {
      if (isError(error)) Object.assign(error, { committed: report.committed });
      throw error;
    }
    return report.result;
  }

  async #drain(
    raw: Iterable<unknown> | AsyncIterable<unknown>,
    report: AddReport,
    { signal, blank }: AddOptions,
  ): Promise<void> {
    let waiting: PreparedItem[] = [];
    let ready: ReadyItem[] = [];
    let form: StoreForm | undefined;
    let lastCommit = performance.now();
    const commit = async (isLast: boolean) => {
      if (form === undefined || ready.length === 0) return;
      const items = ready.map(({ item }) => item);
      report.commit(items, await this.#commit(ready, form, report, { signal, isLast }));
      ready = [];
      form = undefined;
      lastCommit = performance.now();
    };
    const makeReady = async () => {
      // The form stays the same between two commits, so a codebook trained by the last commit is used at once.
      form ??= await this.#formFor(waiting, signal);
      ready.push(...(await this.#makeReady(waiting, form, report, signal)));
      waiting = [];
      if (ready.length >= COMMIT_PASSAGES || performance.now() - lastCommit >= COMMIT_MS) await commit(false);
    };
    const slice = Math.min(COMMIT_PASSAGES, await this.#sliceSize());
    const turns = new Turns({ signal });
    let index = 0;
    for await (const item of itemsOf(raw, signal)) {
      if (blank === "skip" && isBlank(item)) report.skipped(index++);
      else waiting.push(prepareItem(item, index++));
      await turns.give();
      if (waiting.length >= slice) await makeReady();
    }
    if (waiting.length > 0) await makeReady();
    await commit(true);
    // The last commit did not know that no more items would come.
    if (report.committed > 0) await trainIfEnough(this.#store, signal);
  }

  async #makeAllReady(items: readonly PreparedItem[], report: AddReport, signal?: AbortSignal) {
    const form = await this.#formFor(items, signal);
    const ready: ReadyItem[] = [];
    const slice = await this.#sliceSize();
    for (let at = 0; at < items.length; at += slice) {
      ready.push(...(await this.#makeReady(items.slice(at, at + slice), form, report, signal)));
    }
    return { ready, form };
  }

  /** Commits. If another process made items stale, they are embedded and the commit is tried again. */
  async #commit(ready: ReadyItem[], start: StoreForm, report: AddReport, run: CommitRun): Promise<Counts> {
    const { signal } = run;
    let form = start;
    for (let round = 1; ; round++) {
      try {
        return await this.#store.database.write((tx) => commitItems(tx, this.#store, ready, form, run), {
          signal,
        });
      } catch (error) {
        if (!(error instanceof StaleItems)) throw error;
        if (round === MAX_ROUNDS) {
          throw new EmbedlessError("LOCKED", "Other processes keep changing the same passages.", { cause: error });
        }
        const items = ready.map(({ item }) => item);
        form = await this.#formFor(items, signal);
        await this.#makeStaleReady(ready, new Set(error.items), form, report, signal);
      }
    }
  }

  /** Embeds the stale items in place. */
  async #makeStaleReady(
    ready: ReadyItem[],
    stale: ReadonlySet<PreparedItem>,
    form: StoreForm,
    report: AddReport,
    signal?: AbortSignal,
  ): Promise<void> {
    const again = new Map<PreparedItem, ReadyItem>();
    for (const item of await this.#embedAndEncode([...stale], form, report, signal)) again.set(item.item, item);
    ready.forEach(({ item }, i) => {
      ready[i] = again.get(item) ?? ready[i]!;
    });
  }

  /** How vectors are encoded now: as in the existing store, or as in the new one. */
  async #formFor(items: readonly PreparedItem[], signal?: AbortSignal): Promise<StoreForm> {
    const { database, coders, settings } = this.#store;
    const meta = readMeta(database.reader);
    const traits = traitsOf(meta, settings);
    const { dims, codebook: reference } = meta;
    if (dims === undefined) {
      const passages = items.slice(0, INTRODUCED).map(({ text }) => text);
      return await formOfNewStore(this.#store, passages, traits, signal);
    }
    const coder = await coders.find(database.reader, reference, { dims, ...traits });
    const kept = coders.kept(traits.vectors, { dims, metric: traits.metric });
    return { ...traits, dims, coding: { coder, reference }, kept, creation: undefined };
  }

  /** Looks up which items the store has. The others are embedded and encoded. */
  async #makeReady(
    items: readonly PreparedItem[],
    form: StoreForm,
    report: AddReport,
    signal?: AbortSignal,
  ): Promise<ReadyItem[]> {
    const turns = new Turns({ signal });
    const stored = new Map<string, { sameText: boolean }>();
    for (let at = 0; at < items.length; at += LOOK_UP_SLICE) {
      await turns.give();
      const slice = items.slice(at, at + LOOK_UP_SLICE);
      for (const [id, found] of this.#store.passages.lookup(slice)) stored.set(id, found);
    }
    // A given vector may differ from the kept one. To compare them, it must be encoded.
    const isFresh = ({ id, vector }: PreparedItem) =>
      !stored.get(id)?.sameText || (form.kept !== undefined && vector !== undefined);
    const encoded = new Map(
      (await this.#embedAndEncode(items.filter(isFresh), form, report, signal)).map((ready) => [ready.item, ready]),
    );
    report.embedded(items.length);
    return items.map((item) => encoded.get(item) ?? { item, coded: undefined });
  }

  /** The stored forms of the given vectors and of the other texts' vectors. */
  async #embedAndEncode(
    items: readonly PreparedItem[],
    { dims, metric, coding, kept }: StoreForm,
    report: AddReport,
    signal?: AbortSignal,
  ): Promise<ReadyItem[]> {
    const given = items.filter(({ vector }) => vector !== undefined);
    for (const { vector, label } of given) requireVector(vector!, { dims, metric }, `${label}.vector`);
    // If vectors depend on the batch, vectors made in a batch differ from those that a search computes.
    const isReplaced = !kept && given.length > 0 && (await this.#store.model.proven()).oneByOne !== undefined;
    const checks = kept ? [] : given.filter((_, i) => isReplaced || i % GIVEN_PER_CHECK === 0);
    const byItem = await this.#embedTexts(
      [...items.filter(({ vector }) => vector === undefined), ...checks],
      report,
      signal,
    );
    for (const item of checks) this.#requireSame(item, byItem.get(item)!, metric, isReplaced ? BATCHED : MACHINES);
    const all = items.map((item) => (isReplaced ? undefined : item.vector) ?? byItem.get(item)!);
    all.forEach((vector, i) => {
      requireVector(vector, { dims, metric }, `the vector of ${items[i]!.label}`);
    });
    const codes = await encodeVectors(coding.coder, all);
    const rows = kept ? (await encodeVectors(kept, all)).map(rowOf) : [];
    return items.map((item, i) => ({ item, coded: { code: codes[i]!, kept: rows[i] } }));
  }

  /** The vectors of the items' texts. If nothing is to be embedded, the model is not used, not even to prove itself. */
  async #embedTexts(
    items: readonly PreparedItem[],
    report: AddReport,
    signal?: AbortSignal,
  ): Promise<Map<PreparedItem, Float32Array>> {
    if (items.length === 0) return new Map();
    const model = await this.#store.model.proven();
    const vectors = await model
      .embedPassages(
        items.map(({ text }) => text),
        { ...(signal && { signal }), onTruncated: () => report.truncated() },
      )
      .catch((error: unknown) => {
        throw namingItem(error, items);
      });
    return new Map(items.map((item, i) => [item, vectors[i]!]));
  }

  /** Throws unless a given vector is what the embedder makes of the text. Otherwise no search could find it. */
  #requireSame(
    { label, vector }: PreparedItem,
    embedded: Float32Array,
    metric: Metric,
    least: { cosine: number; longer: number },
  ): void {
    const cosine = this.#store.addon.score("cosine", vector!, embedded);
    const ratio = Math.hypot(...vector!) / Math.hypot(...embedded);
    if (cosine >= least.cosine && (metric === "cosine" || Math.abs(ratio - 1) <= least.longer)) return;
    throw new EmbedlessError(
      "INVALID_VECTOR",
      `${label}.vector is not what the embedder makes of its text (cosine ${cosine.toFixed(4)}), and this store keeps no ` +
        "vectors but computes them from texts. Leave vector out, give the embedder that made it, or create a store with " +
        'vectors: "float16" or "float32", which keeps vectors that no text reproduces.',
    );
  }

  /** Passages per call of the embedder: as many as it can have in work. */
  async #sliceSize(): Promise<number> {
    const { model, database, settings } = this.#store;
    const meta = readMeta(database.reader);
    const needed = meta.dims === undefined || traitsOf(meta, settings).vectors === "recompute";
    // If vectors are kept and all items bring theirs, no model is needed. Items that need one will report why it is
    // missing.
    const known = needed ? await model.proven() : await model.proven().catch(() => undefined);
    return Math.max(EMBED_SLICE, known ? known.limits.concurrency : 0);
  }
}
