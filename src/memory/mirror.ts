import { nodesWithout } from "../base/bitmap.js";
import { Turns } from "../base/turns.js";
import type { Coders } from "../codes/coders.js";
import type { NativeAddon, NativeCoder, NativeIndex, Publication } from "../native/surface.js";
import { BLOCK_NODES, readCodes } from "../storage/codes.js";
import type { Connection } from "../storage/connection.js";
import type { Database } from "../storage/database.js";
import { damagedRow } from "../storage/integrity.js";
import { readLive } from "../storage/live_bits.js";
import { type Meta, readMeta } from "../storage/meta.js";
import { traitsOf, wantsGraph } from "../storage/traits.js";
import { readPending } from "../storage/vectors.js";

/** Which rows of the file an index holds. */
export interface MirroredRows {
  /** The name of their form. Another name means that all rows must be read again; `undefined` if the file has none. */
  formOf(meta: Meta): string | undefined;
  /** The coder of the rows. */
  coderOf(meta: Meta): Promise<NativeCoder>;
  /** The order of the rows in memory; see `IndexOptions`. */
  orderOf(meta: Meta): "scan" | "walk";
  /**
   * Reads one row per node from node `from` up to `meta.nextNode`, in order and without gaps. With a coder that keeps
   * nothing it only counts nodes. A node whose row is gone gets a substitute row and is marked dead.
   */
  read(c: Connection, from: number, coder: NativeCoder, meta: Meta): Iterable<RowsOfNodes>;
}

/** A run of rows. */
export type RowsOfNodes = Pick<Publication, "rows" | "nodes" | "dead">;

/** The index in memory at one version of the store. */
interface Loaded {
  readonly index: NativeIndex;
  readonly form: string;
  /** `meta.numbering` of its nodes. */
  readonly numbering: number;
  /** `meta.version` up to which live bits are known. */
  version: number;
  /** A walk over the live bits that several slices share. */
  walk: LiveWalk | undefined;
}

/** The progress of a walk over the live bits. */
interface LiveWalk {
  /** `meta.version` at its beginning. Later changes need another walk. */
  readonly version: number;
  /** The last block that was read. */
  lastBlock: number;
}

/**
 * Keeps rows of a store in memory and in step with the file, whoever writes it. All rows, this process's own included,
 * come from committed rows, so nothing is visible before it is safe.
 */
export class IndexMirror {
  readonly #addon: NativeAddon;
  readonly #database: Database;
  readonly #rows: MirroredRows;
  #loaded: Loaded | undefined;
  readonly #follower: Follower;

  constructor(addon: NativeAddon, database: Database, rows: MirroredRows) {
    this.#addon = addon;
    this.#database = database;
    this.#rows = rows;
    this.#follower = new Follower(database, () => this.#load());
  }

  /** The rows at the last `refresh`; `undefined` if there were none. */
  get current(): NativeIndex | undefined {
    return this.#loaded?.index;
  }

  /** `meta.version` of the live bits in memory; 0 before the first passage. */
  get version(): number {
    return this.#loaded?.version ?? 0;
  }

  /** `meta.numbering` of the nodes of `current`. */
  get numbering(): number {
    return this.#loaded?.numbering ?? 0;
  }

  /**
   * Reads what was committed since the last call. Takes microseconds if nothing was written.
   *
   * @throws EmbedlessError `CORRUPT` when a row is damaged
   */
  async refresh(): Promise<void> {
    await this.#follower.catchUp();
  }

  async #load(): Promise<boolean> {
    let target = await this.#target();
    const turns = new Turns();
    while (target !== undefined) {
      const done = this.#database.readTransaction((c) => this.#readSlice(c, target!, turns));
      if (done === "stale") target = await this.#target();
      if (done === "finished") break;
      await turns.give();
    }
    // A new index replaces the old one only now that it is complete.
    this.#loaded = target;
    return true;
  }

  /** The index to read into: the current one, or a new one if the form or the numbering has changed. */
  async #target(): Promise<Loaded | undefined> {
    const meta = readMeta(this.#database.reader);
    const form = this.#rows.formOf(meta);
    if (form === undefined) return undefined;
    const { numbering } = meta;
    if (this.#loaded?.form === form && this.#loaded.numbering === numbering) return this.#loaded;
    const coder = await this.#rows.coderOf(meta);
    const index = this.#addon.createIndex(coder, { order: this.#rows.orderOf(meta) });
    return { index, form, numbering, version: 0, walk: undefined };
  }

  /**
   * Publishes the next rows, and after all rows the live bits. `stale`: form or numbering has changed in the meantime.
   */
  #readSlice(c: Connection, target: Loaded, turns: Turns): "more" | "finished" | "stale" {
    const meta = readMeta(c);
    if (this.#rows.formOf(meta) !== target.form || meta.numbering !== target.numbering) return "stale";
    const { index } = target;
    for (const piece of this.#rows.read(c, index.count, index.coder, meta)) {
      index.publish({ ...piece, release: true });
      if (turns.isOver) return "more";
    }
    // The bit of a node without a row would never be read again.
    if (index.count !== meta.nextNode)
      throw damagedRow("meta", "nextNode", `says ${meta.nextNode}, but ${index.count} nodes are stored`);
    // Nodes are marked dead only after all rows of the same snapshot are there. Otherwise a replaced passage would be
    // missing for a moment.
    while (target.version < meta.version) {
      target.walk ??= { version: meta.version, lastBlock: -1 };
      if (!killDead(c, target, target.walk, turns)) return "more";
      requireLiveBits(target, meta);
      target.version = target.walk.version;
      target.walk = undefined;
    }
    return "finished";
  }
}

/**
 * Continues a walk until the turn is over, and marks nodes without a passage dead. Answers whether the walk is over.
 */
function killDead(c: Connection, { index, version }: Loaded, walk: LiveWalk, turns: Turns): boolean {
  for (const { block, bits } of readLive(c, version, walk.lastBlock)) {
    const first = block * BLOCK_NODES;
    const dead = nodesWithout(bits, Math.min(BLOCK_NODES, index.count - first));
    if (dead.length > 0) index.publish({ dead: Uint32Array.from(dead, (node) => first + node) });
    walk.lastBlock = block;
    if (turns.isOver) return false;
  }
  return true;
}

/** Throws unless every node has a live bit, set or not. */
function requireLiveBits({ version, walk }: Loaded, { nextNode }: Meta): void {
  const last = Math.ceil(nextNode / BLOCK_NODES) - 1;
  if (version === 0 && walk!.lastBlock < last) throw damagedRow("live_blocks", last, "is missing");
}

/**
 * Keeps something in memory in step with the file. After a commit of any process it is loaded again, once for all that
 * wait.
 */
export class Follower {
  readonly #database: Database;
  readonly #load: () => Promise<boolean>;
  #dataVersion: number | undefined;
  #loading: Promise<void> | undefined;

  /** @param load Loads a commit no older than the call; answers `false` if it must be tried once more. */
  constructor(database: Database, load: () => Promise<boolean>) {
    this.#database = database;
    this.#load = load;
  }

  /** Takes microseconds if nothing was written. Throws what loading throws. */
  async catchUp(): Promise<void> {
    while (this.#database.dataVersion() !== this.#dataVersion) {
      this.#loading ??= this.#reload().finally(() => {
        this.#loading = undefined;
      });
      await this.#loading;
    }
  }

  async #reload(): Promise<void> {
    const dataVersion = this.#database.dataVersion();
    if (await this.#load()) this.#dataVersion = dataVersion;
  }
}

const NO_EXCEPTIONS = new Uint8Array();
/** Nodes counted in one step if they have no rows. */
const NODES_AT_ONCE = 65_536;

/**
 * The rows in memory that a store searches by, in step with the file: its codes, or the pending rows while it has no
 * codebook, or only the numbers of nodes if it has codes `"none"` and a graph.
 */
export class CodeIndex extends IndexMirror {
  /** @param isWalked Whether graphs are walked on codes because no vectors are in memory. */
  constructor(addon: NativeAddon, database: Database, coders: Pick<Coders, "find" | "empty">, isWalked = false) {
    super(addon, database, {
      formOf: (meta) => (meta.dims === undefined ? undefined : hasGraphAlone(meta) ? "none" : formOfRows(meta)),
      coderOf: async (meta) => {
        const shape = { dims: meta.dims!, ...traitsOf(meta) };
        return hasGraphAlone(meta) ? coders.empty(shape) : await coders.find(database.reader, meta.codebook, shape);
      },
      orderOf: (meta) => (isWalked && wantsGraph(meta) ? "walk" : "scan"),
      read: codeRows,
    });
  }
}

function hasGraphAlone({ codes, graph }: Meta): boolean {
  return codes === "none" && graph !== undefined;
}

function formOfRows({ codebook }: Meta): string {
  return codebook?.sha256 ?? "pending";
}

function* codeRows(
  c: Connection,
  from: number,
  { kind, rowBytes }: NativeCoder,
  { codebook, nextNode }: Meta,
): Generator<RowsOfNodes> {
  if (kind === "none") {
    for (let at = from; at < nextNode; at += NODES_AT_ONCE) yield { nodes: Math.min(NODES_AT_ONCE, nextNode - at) };
  } else if (codebook) {
    for (const rows of readCodes(c, from, rowBytes)) yield { rows };
  } else {
    for (const { rows } of readPending(c, from, rowBytes)) yield { rows: { rows, exceptions: NO_EXCEPTIONS } };
  }
}
