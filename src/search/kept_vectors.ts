import { throwIfAborted } from "../errors.js";
import type { NativeAddon, NativeCoder } from "../native.js";
import type { Connection } from "../storage/connection.js";
import type { Database } from "../storage/database.js";
import { type Meta, readMeta } from "../storage/meta.js";
import { Renumbered, requireNumbering } from "../storage/numbering.js";
import { traitsOf } from "../storage/traits.js";
import { getVectors, readVectors } from "../storage/vectors.js";
import { nextTurn } from "../turns.js";
import type { Coders } from "./coders.js";
import { IndexMirror, type RowsOfNodes } from "./index_mirror.js";
import type { ExactVectors, Recomputed } from "./recompute.js";
import { wantsGraph } from "./store_graph.js";

const NO_EXCEPTIONS = new Uint8Array();
/** Vectors read between two turns of the event loop: a few milliseconds. */
const READ_SLICE = 256;
/** Most rows put in at once for nodes whose passages are gone. */
const GAP_SLICE = 4096;

/** What kept vectors are read with. */
export interface VectorParts {
  readonly addon: NativeAddon;
  readonly database: Database;
  readonly coders: Coders;
}

/**
 * Nodes to vectors in a store that keeps them: no model is asked, and scores are those of what is kept.
 *
 * They are read from the file, a few rows a search, or from an index in memory that follows the file as the codes do:
 * that takes `rowBytes` a node and saves three quarters of the 20 us that reading a vector takes.
 */
export class KeptVectors {
  readonly #parts: VectorParts;
  readonly #memory: IndexMirror | undefined;
  #coder: NativeCoder | undefined;

  /** @param where Where vectors are read from. */
  constructor(parts: VectorParts, where: "file" | "memory") {
    this.#parts = parts;
    this.#memory = where === "memory" ? memoryOf(parts) : undefined;
  }

  /** The coder of the kept vectors; `undefined` for a store that keeps none, or does not know yet. */
  get coder(): NativeCoder | undefined {
    this.#coder ??= keptCoder(readMeta(this.#parts.database.reader), this.#parts.coders);
    return this.#coder;
  }

  /** The vectors in memory; `undefined` if they stay in the file. */
  get memory(): IndexMirror | undefined {
    return this.#memory;
  }

  /** All vectors in memory, if need be for as long as the answer is used; `undefined` if the store keeps none. */
  all(): IndexMirror | undefined {
    return this.coder && (this.#memory ?? memoryOf(this.#parts));
  }

  /** Brings vectors in memory up to the newest commit. Throws `CORRUPT` for a damaged row. */
  async refresh(): Promise<void> {
    await this.#memory?.refresh();
  }

  /** The vectors by nodes that were found when `meta.numbering` was this; see `vectorsOf`. */
  ofNumbering(numbering: number): ExactVectors {
    return { vectorsOf: (nodes, signal) => this.vectorsOf(nodes, numbering, signal) };
  }

  /**
   * The vectors of `nodes`; those of passages deleted meanwhile may be missing.
   *
   * @param numbering What `meta.numbering` was when they were found; `undefined` where nobody else has the store open.
   * @throws `ABORTED`, `CORRUPT` for a damaged or missing row
   * @throws Renumbered if these nodes may belong to other passages by now
   */
  async vectorsOf(nodes: readonly number[], numbering: number | undefined, signal?: AbortSignal): Promise<Recomputed> {
    throwIfAborted(signal);
    const before = performance.now();
    const vectors = this.#memory
      ? await this.#fromMemory(this.#memory, nodes, numbering, signal)
      : await this.#fromFile(nodes, numbering, signal);
    const sources = vectors.map((vector) => (vector ? ("kept" as const) : undefined));
    return { vectors, sources, embedded: 0, readMs: performance.now() - before };
  }

  /** A search may know of codes that were committed after the vectors were last brought up to date. */
  async #fromMemory(
    memory: IndexMirror,
    nodes: readonly number[],
    numbering = memory.numbering,
    signal?: AbortSignal,
  ): Promise<(Float32Array | undefined)[]> {
    const isKnown = (node: number) => node < (memory.current?.count ?? 0);
    if (memory.numbering !== numbering || !nodes.every(isKnown)) await memory.refresh();
    if (memory.numbering !== numbering) throw new Renumbered();
    const known = nodes.filter(isKnown);
    if (memory.current === undefined || known.length === 0) return nodes.map(() => undefined);
    const flat = memory.current.vectors(Uint32Array.from(known));
    const { dims } = memory.current.coder;
    const found = new Map(known.map((node, row) => [node, flat.subarray(row * dims, (row + 1) * dims)]));
    // Zeros are a vector, or stand for a passage that is gone: the file says which.
    const doubtful = known.filter((node) => found.get(node)!.every((value) => value === 0));
    const read = doubtful.length > 0 ? await this.#fromFile(doubtful, numbering, signal) : [];
    const inFile = new Map(doubtful.map((node, i) => [node, read[i]]));
    return nodes.map((node) => (inFile.has(node) ? inFile.get(node) : found.get(node)));
  }

  async #fromFile(
    nodes: readonly number[],
    numbering: number | undefined,
    signal: AbortSignal | undefined,
  ): Promise<(Float32Array | undefined)[]> {
    const { coder } = this;
    if (coder === undefined) return nodes.map(() => undefined);
    const vectors: (Float32Array | undefined)[] = [];
    for (let at = 0; at < nodes.length; at += READ_SLICE) {
      if (at > 0) await nextTurn();
      throwIfAborted(signal);
      const slice = nodes.slice(at, at + READ_SLICE);
      const rows = this.#parts.database.readTransaction((c) => {
        if (numbering !== undefined) requireNumbering(c, numbering);
        return getVectors(c, slice, coder.rowBytes);
      });
      vectors.push(...decode(coder, rows));
    }
    return vectors;
  }
}

function memoryOf({ addon, database, coders }: VectorParts) {
  return new IndexMirror(addon, database, {
    formOf: ({ dims, vectors }) => (dims === undefined || vectors === "recompute" ? undefined : vectors),
    coderOf: async (meta) => keptCoder(meta, coders)!,
    orderOf: (meta) => (wantsGraph(meta) ? "walk" : "scan"),
    read: gapless,
  });
}

function keptCoder(meta: Meta, coders: Coders): NativeCoder | undefined {
  if (meta.dims === undefined) return undefined;
  const { vectors, metric } = traitsOf(meta);
  return coders.kept(vectors, { dims: meta.dims, metric });
}

/** Rows of zeros stand for nodes whose passages are gone. They come dead: their live bits may be known already. */
function* gapless(c: Connection, from: number, { rowBytes }: NativeCoder, meta: Meta): Generator<RowsOfNodes> {
  let next = from;
  for (const { firstNode, rows } of readVectors(c, from, rowBytes)) {
    yield* gap(next, firstNode, rowBytes);
    next = firstNode + rows.length / rowBytes; // before they are handed over, and with them their memory
    yield { rows: { rows, exceptions: NO_EXCEPTIONS } };
  }
  yield* gap(next, meta.nextNode, rowBytes);
}

function* gap(from: number, to: number, rowBytes: number): Generator<RowsOfNodes> {
  for (let first = from; first < to; first += GAP_SLICE) {
    const count = Math.min(GAP_SLICE, to - first);
    const dead = Uint32Array.from({ length: count }, (_, i) => first + i);
    yield { rows: { rows: new Uint8Array(count * rowBytes), exceptions: NO_EXCEPTIONS }, dead };
  }
}

function decode(coder: NativeCoder, rows: readonly (Uint8Array | undefined)[]): (Float32Array | undefined)[] {
  const flat = coder.decode(Buffer.concat(rows.filter((row) => row !== undefined)), NO_EXCEPTIONS);
  let at = 0;
  return rows.map((row) => (row ? flat.subarray(at * coder.dims, ++at * coder.dims) : undefined));
}
