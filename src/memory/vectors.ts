import { throwIfAborted } from "../base/errors.js";
import { Turns } from "../base/turns.js";
import type { Coders } from "../codes/coders.js";
import type { NativeAddon, NativeCoder } from "../native/surface.js";
import type { Connection } from "../storage/connection.js";
import type { Database } from "../storage/database.js";
import { type Meta, Renumbered, readMeta, requireNumbering } from "../storage/meta.js";
import { traitsOf, wantsGraph } from "../storage/traits.js";
import { getPending, getVectors, readVectors } from "../storage/vectors.js";
import { IndexMirror, type RowsOfNodes } from "./mirror.js";

const NO_EXCEPTIONS = new Uint8Array();
/** Vectors read before the event loop gets a turn. This takes a millisecond. */
const READ_AT_ONCE = 64;
/** Most rows added in one step for nodes whose passages are gone. */
const GAP_AT_ONCE = 4096;

/**
 * Where a vector came from: an earlier search, a run of the model (this search's own or one it joined), or the file.
 */
export type VectorSource = "cache" | "recompute" | "kept";

/** The vectors of some nodes, and their cost. */
export interface NodeVectors {
  /** The vector of each node, in order; `undefined` if its passage is gone. */
  vectors: (Float32Array | undefined)[];
  sources: (VectorSource | undefined)[];
  /** Runs of the model that this call started. */
  embedded: number;
  /** Milliseconds spent on reading texts or vectors. */
  readMs: number;
}

/** Gives a search the exact vectors of nodes: `Recompute`, or vectors that the store kept. */
export interface ExactVectors {
  /** The vectors of `nodes`; see `NodeVectors`. Rejects with `ABORTED` soon after `signal` fires. */
  vectorsOf(nodes: readonly number[], signal?: AbortSignal): Promise<NodeVectors>;
  /**
   * How many vectors it makes at once. A search with a deadline asks for this many at a time, each in its own call. If
   * left out, all requested vectors are available at once.
   */
  lanes?(): Promise<number>;
}

/** What is needed to read kept vectors. */
export interface VectorParts {
  readonly addon: NativeAddon;
  readonly database: Database;
  readonly coders: Coders;
}

/**
 * Reads the vectors of nodes in a store that keeps them. No model is used, and scores are those of the kept form.
 *
 * Vectors are read from the file, a few rows per search, or from an index in memory that follows the file as the codes
 * do. The index takes `rowBytes` per node and saves three quarters of the 20 us that reading a vector takes.
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

  /** The coder of the kept vectors; `undefined` if the store keeps none, or if that is not known yet. */
  get coder(): NativeCoder | undefined {
    this.#coder ??= keptCoder(readMeta(this.#parts.database.reader), this.#parts.coders);
    return this.#coder;
  }

  /** The vectors in memory; `undefined` if they stay in the file. */
  get memory(): IndexMirror | undefined {
    return this.#memory;
  }

  /** All vectors in memory, loaded for this call if necessary; `undefined` if the store keeps none. */
  all(): IndexMirror | undefined {
    return this.coder && (this.#memory ?? memoryOf(this.#parts));
  }

  /** Reads vectors committed since the last call into memory. Throws `CORRUPT` for a damaged row. */
  async refresh(): Promise<void> {
    await this.#memory?.refresh();
  }

  /** The vectors for nodes that were found in this `meta.numbering`; see `vectorsOf`. */
  ofNumbering(numbering: number): ExactVectors {
    return { vectorsOf: (nodes, signal) => this.vectorsOf(nodes, numbering, signal) };
  }

  /**
   * The vectors of `nodes`. Those of passages deleted in the meantime may be missing.
   *
   * @param numbering `meta.numbering` when the nodes were found; `undefined` if nobody else has the store open.
   * @throws `ABORTED`, `CORRUPT` for a damaged or missing row
   * @throws Renumbered if these nodes may belong to other passages by now
   */
  async vectorsOf(nodes: readonly number[], numbering: number | undefined, signal?: AbortSignal): Promise<NodeVectors> {
    throwIfAborted(signal);
    const before = performance.now();
    const vectors = this.#memory
      ? await this.#fromMemory(this.#memory, nodes, numbering, signal)
      : await this.#fromFile(nodes, numbering, signal);
    const sources = vectors.map((vector) => (vector ? ("kept" as const) : undefined));
    return { vectors, sources, embedded: 0, readMs: performance.now() - before };
  }

  /** A search may know codes that were committed after the vectors were last refreshed. */
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
    // Zeros are either a vector or a substitute for a passage that is gone. The file says which.
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
    const turns = new Turns({ signal });
    for (let at = 0; at < nodes.length; at += READ_AT_ONCE) {
      await turns.give();
      const slice = nodes.slice(at, at + READ_AT_ONCE);
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

/**
 * Rows of zeros stand for nodes whose passages are gone. They are marked dead here, because their live bits may have
 * been read already.
 */
function* gapless(c: Connection, from: number, { rowBytes }: NativeCoder, meta: Meta): Generator<RowsOfNodes> {
  let next = from;
  for (const { firstNode, rows } of readVectors(c, from, rowBytes)) {
    yield* gap(next, firstNode, rowBytes);
    next = firstNode + rows.length / rowBytes; // computed first, because yielding them may free their memory
    yield { rows: { rows, exceptions: NO_EXCEPTIONS } };
  }
  yield* gap(next, meta.nextNode, rowBytes);
}

function* gap(from: number, to: number, rowBytes: number): Generator<RowsOfNodes> {
  for (let first = from; first < to; first += GAP_AT_ONCE) {
    const count = Math.min(GAP_AT_ONCE, to - first);
    const dead = Uint32Array.from({ length: count }, (_, i) => first + i);
    yield { rows: { rows: new Uint8Array(count * rowBytes), exceptions: NO_EXCEPTIONS }, dead };
  }
}

function decode(coder: NativeCoder, rows: readonly (Uint8Array | undefined)[]): (Float32Array | undefined)[] {
  const flat = coder.decode(Buffer.concat(rows.filter((row) => row !== undefined)), NO_EXCEPTIONS);
  let at = 0;
  return rows.map((row) => (row ? flat.subarray(at * coder.dims, ++at * coder.dims) : undefined));
}

/**
 * The vectors of nodes in a store without codes. Passages that no graph links yet have theirs in the file, and every
 * search reads all of them. The others are embedded.
 */
export class PendingVectors implements ExactVectors {
  readonly #database: Database;
  readonly #coders: Pick<Coders, "pending">;
  readonly #others: ExactVectors;
  #coder: NativeCoder | undefined;

  /** @param others Gives the vectors of nodes that do not wait. */
  constructor(database: Database, coders: Pick<Coders, "pending">, others: ExactVectors) {
    this.#database = database;
    this.#coders = coders;
    this.#others = others;
  }

  async lanes(): Promise<number> {
    return (await this.#others.lanes?.()) ?? 1;
  }

  /** The vectors of `nodes`; see `NodeVectors`. Throws `ABORTED`, `CORRUPT`, or the embedder's failure. */
  async vectorsOf(nodes: readonly number[], signal?: AbortSignal): Promise<NodeVectors> {
    const before = performance.now();
    this.#coder ??= this.#pendingCoder();
    const coder = this.#coder;
    const rows = this.#database.readTransaction((c) => getPending(c, nodes, coder.rowBytes));
    const flat = coder.decode(Buffer.concat(rows.filter((row) => row !== undefined)), NO_EXCEPTIONS);
    const readMs = performance.now() - before;
    const rest = await this.#others.vectorsOf(
      nodes.filter((_, i) => rows[i] === undefined),
      signal,
    );
    const answer: NodeVectors = { vectors: [], sources: [], embedded: rest.embedded, readMs: readMs + rest.readMs };
    let [pending, other] = [0, 0];
    for (const row of rows) {
      if (row) answer.vectors.push(flat.subarray(pending * coder.dims, ++pending * coder.dims));
      else answer.vectors.push(rest.vectors[other]);
      answer.sources.push(row ? "kept" : rest.sources[other++]);
    }
    return answer;
  }

  #pendingCoder(): NativeCoder {
    const meta = readMeta(this.#database.reader);
    return this.#coders.pending(traitsOf(meta).codes, { dims: meta.dims!, ...traitsOf(meta) });
  }
}
