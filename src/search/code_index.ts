import { setImmediate as nextTurn } from "node:timers/promises";
import type { NativeAddon, NativeCoder, NativeIndex } from "../native.js";
import { BLOCK_NODES, readCodes } from "../storage/codes.js";
import type { Connection } from "../storage/connection.js";
import type { Database } from "../storage/database.js";
import { readLive } from "../storage/live_bits.js";
import { type Meta, readMeta } from "../storage/meta.js";
import { readPending } from "../storage/pending.js";

/** Gives the coder that a store's codes were made with. */
export type LoadCoder = (meta: Meta & { dims: number; metric: NonNullable<Meta["metric"]> }) => Promise<NativeCoder>;

/** The codes in memory, as of one version of the store. */
interface Loaded {
  readonly index: NativeIndex;
  /** sha256 of the codebook; `undefined` while passages wait for one. */
  readonly codebook: string | undefined;
  /** `meta.version` up to which live bits are known. */
  version: number;
}

/** Rows read between two turns of the event loop: a few milliseconds. */
const SLICE_NODES = 4 * BLOCK_NODES;

/**
 * Keeps the codes of a store in memory and in step with the file, whoever writes it. There is one way in for all codes:
 * they are read from committed rows, this process's own included, so nothing is visible before it is safe.
 */
export class CodeIndex {
  readonly #addon: NativeAddon;
  readonly #database: Database;
  readonly #loadCoder: LoadCoder;
  #loaded: Loaded | undefined;
  #dataVersion: number | undefined;
  #loading: Promise<void> | undefined;

  constructor(addon: NativeAddon, database: Database, loadCoder: LoadCoder) {
    this.#addon = addon;
    this.#database = database;
    this.#loadCoder = loadCoder;
  }

  /** The codes as of the last `refresh`; `undefined` for a store that never held a passage. */
  get current(): NativeIndex | undefined {
    return this.#loaded?.index;
  }

  /** `meta.version` of the live bits in memory; 0 before the first passage. */
  get version(): number {
    return this.#loaded?.version ?? 0;
  }

  /**
   * Brings the codes up to the newest commit. Costs microseconds when nothing was written.
   *
   * @throws EmbedlessError `CORRUPT` when a row is damaged
   */
  async refresh(): Promise<void> {
    while (this.#database.dataVersion() !== this.#dataVersion) {
      this.#loading ??= this.#load().finally(() => {
        this.#loading = undefined;
      });
      await this.#loading;
    }
  }

  async #load(): Promise<void> {
    const dataVersion = this.#database.dataVersion();
    let target = await this.#target();
    while (target !== undefined) {
      const done = this.#database.readTransaction((c) => readSlice(c, target!));
      if (done === "stale") target = await this.#target();
      if (done === "finished") break;
      await nextTurn();
    }
    // Only now, complete, does a new index take the place of the old one.
    this.#loaded = target;
    this.#dataVersion = dataVersion;
  }

  /** What to read into: the index there is, or a new one when the codebook has changed. */
  async #target(): Promise<Loaded | undefined> {
    const meta = readMeta(this.#database.reader);
    const { dims, metric } = meta;
    if (dims === undefined || metric === undefined) return undefined;
    const codebook = meta.codebook?.sha256;
    if (this.#loaded && this.#loaded.codebook === codebook) return this.#loaded;
    const coder = await this.#loadCoder({ ...meta, dims, metric });
    return { index: this.#addon.createIndex(coder), codebook, version: 0 };
  }
}

/** Publishes the next rows; at the end also the live bits. `stale`: the store has changed its codebook meanwhile. */
function readSlice(c: Connection, target: Loaded): "more" | "finished" | "stale" {
  const meta = readMeta(c);
  if (meta.codebook?.sha256 !== target.codebook) return "stale";
  const { index } = target;
  const { rowBytes } = index.coder;
  const from = index.count;
  for (const piece of storedRows(c, from, rowBytes, target.codebook === undefined)) {
    index.publish({ rows: piece });
    if (index.count - from >= SLICE_NODES && index.count < meta.nextNode) return "more";
  }
  const dead = deadNodes(c, index, target.version);
  if (dead.length > 0) index.publish({ dead: Uint32Array.from(dead) });
  target.version = meta.version;
  return "finished";
}

function* storedRows(c: Connection, from: number, rowBytes: number, pending: boolean) {
  if (!pending) {
    yield* readCodes(c, from, rowBytes);
    return;
  }
  for (const { rows } of readPending(c, from, rowBytes)) yield { rows, exceptions: new Uint8Array() };
}

/** Nodes that are live in memory and no longer in the file. */
function deadNodes(c: Connection, index: NativeIndex, sinceVersion: number): number[] {
  const dead: number[] = [];
  let known: Uint8Array | undefined;
  for (const { block, bits } of readLive(c, sinceVersion)) {
    known ??= index.liveBits();
    const first = block * BLOCK_NODES;
    const end = Math.min(BLOCK_NODES, index.count - first);
    for (let byte = 0; byte * 8 < end; byte++) {
      const gone = known[first / 8 + byte]! & ~bits[byte]!;
      for (let bit = 0; gone >> bit !== 0; bit++) {
        if ((gone >> bit) & 1 && byte * 8 + bit < end) dead.push(first + byte * 8 + bit);
      }
    }
  }
  return dead;
}
