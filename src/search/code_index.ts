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
  /** A walk over the live bits that several slices share. */
  walk: LiveWalk | undefined;
}

/** How far a walk over the live bits has come. */
interface LiveWalk {
  /** `meta.version` when it began: later changes take another walk. */
  readonly version: number;
  /** The last block it has seen. */
  lastBlock: number;
}

/** Reading goes on for so long between two turns of the event loop; the piece then begun adds a millisecond or two. */
const SLICE_MS = 4;

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
    return { index: this.#addon.createIndex(coder), codebook, version: 0, walk: undefined };
  }
}

/** Publishes the next rows; when all are there the live bits. `stale`: the store has changed its codebook meanwhile. */
function readSlice(c: Connection, target: Loaded): "more" | "finished" | "stale" {
  const meta = readMeta(c);
  if (meta.codebook?.sha256 !== target.codebook) return "stale";
  const { index } = target;
  const end = performance.now() + SLICE_MS;
  for (const piece of storedRows(c, index.count, index.coder.rowBytes, target.codebook === undefined)) {
    index.publish({ rows: piece, release: true });
    if (performance.now() >= end) return "more";
  }
  // Nodes die only after all rows of the same snapshot are there: a replaced passage is never gone and not yet back.
  while (target.version < meta.version) {
    target.walk ??= { version: meta.version, lastBlock: -1 };
    if (!killDead(c, target, target.walk, end)) return "more";
    target.version = target.walk.version;
    target.walk = undefined;
  }
  return "finished";
}

function* storedRows(c: Connection, from: number, rowBytes: number, pending: boolean) {
  if (!pending) {
    yield* readCodes(c, from, rowBytes);
    return;
  }
  for (const { rows } of readPending(c, from, rowBytes)) yield { rows, exceptions: new Uint8Array() };
}

/** Goes on with a walk until `end`: nodes without a passage die. Answers whether the walk is over. */
function killDead(c: Connection, { index, version }: Loaded, walk: LiveWalk, end: number): boolean {
  for (const { block, bits } of readLive(c, version, walk.lastBlock)) {
    const dead = deadOfBlock(block * BLOCK_NODES, bits, index.count);
    if (dead.length > 0) index.publish({ dead: Uint32Array.from(dead) });
    walk.lastBlock = block;
    if (performance.now() >= end) return false;
  }
  return true;
}

/** Nodes from `first` on, below `count`, whose bits are not set. */
function deadOfBlock(first: number, bits: Uint8Array, count: number): number[] {
  const dead: number[] = [];
  const known = Math.min(BLOCK_NODES, count - first);
  for (let byte = 0; byte * 8 < known; byte++) {
    const gone = ~bits[byte]! & 0xff;
    for (let bit = 0; gone >> bit !== 0; bit++) {
      if ((gone >> bit) & 1 && byte * 8 + bit < known) dead.push(first + byte * 8 + bit);
    }
  }
  return dead;
}
