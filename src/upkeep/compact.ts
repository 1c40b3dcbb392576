import type { CompactResult } from "../api/upkeep.js";
import { Ranks } from "../base/bitmap.js";
import { Turns } from "../base/turns.js";
import { trainIfEnough } from "../codes/coding.js";
import type { OpenStore } from "../memory/open_store.js";
import { type Linked, Views } from "../memory/view.js";
import type { NativeGraph } from "../native/surface.js";
import { enterAllWords } from "../passage/keywords.js";
import type { Passages } from "../passage/passages.js";
import { appendCodes, BLOCK_NODES, clearCodes, countCodes, keepRows, readCodes } from "../storage/codes.js";
import { giveBackFreePages, mergeKeywords, renumberRows } from "../storage/compaction.js";
import type { Connection } from "../storage/connection.js";
import { clearGraph, putGraph } from "../storage/graph.js";
import { renumberIds } from "../storage/ids.js";
import { damagedRow } from "../storage/integrity.js";
import { clearKeywords } from "../storage/keywords.js";
import { clearLiveBits, readLive, setLive } from "../storage/live_bits.js";
import { type Meta, raiseNumbering, raiseVersion, readMeta, writeMeta } from "../storage/meta.js";
import { traitsOf } from "../storage/traits.js";
import { graphOf, type LinkRun, linkNodes, repairGraph } from "./link.js";
import { vectorsToLink } from "./vectors_to_link.js";

/** See `VectorStore.compact`. */
export async function compactStore(store: OpenStore, run: LinkRun): Promise<CompactResult> {
  const { database, codes, graph, kept, vectors, filters } = store;
  // The codebook is trained first, so that the graph is built on codes.
  const trained = await trainIfEnough(store, run.signal, (total) =>
    run.onProgress?.({ phase: "train", done: 0, total }),
  );
  const traits = traitsOf(readMeta(database.reader), store.settings);
  const isAlone = traits.codes === "none" && kept === undefined;
  // A graph built on vectors is better than one built on codes, even for walks on codes.
  const rows = vectors.all() ?? codes;
  const views = new Views(graph, () => rows, filters);
  const linked = (own: LinkRun) => (isAlone ? embeddedRows(store, own) : views.linked());
  await linkNodes(store, traits, { inMemory: kept?.memory !== undefined, linked }, run);
  const dropped = await renumber(store, async () => repairGraph(store.addon, await views.linked(), run), run);
  const tell = (done: number, total: number) => run.onProgress?.({ phase: "merge", done, total });
  const words = await mergeKeywords(database, run.signal, tell);
  const freedBytes = await giveBackFreePages(database, run.signal);
  return {
    ...graphOf(database.reader),
    trained,
    dropped,
    keywordBytes: words.after,
    keywordBytesBefore: words.before,
    freedBytes,
  };
}

/**
 * The vectors of a store that keeps neither codes nor vectors, and no graph, because its graph is always built from
 * scratch.
 */
async function embeddedRows(store: OpenStore, run: LinkRun): Promise<Linked> {
  const { graph, numbering, version } = readMeta(store.database.reader);
  return { rows: await vectorsToLink(store, run), graph: undefined, graphVersion: graph?.version, numbering, version };
}

/** Passages are renumbered once this share of nodes is dead. At most a tenth of the codes is then unused. */
const LEAST_DEAD = 0.1;
/** The new number of a node that a graph must leave out. */
const GONE = 0xffff_ffff;
/** Rows read before the event loop gets a turn. */
const PAGE = 64;

/**
 * Numbers the passages' nodes 0, 1, 2, ... in their order once a tenth of the nodes is dead, and removes the codes of
 * dead nodes. This is one transaction, so an interruption leaves the store as it was. Others read at the same time, and
 * look again when it is over; their writes wait. A graph keeps its edges.
 *
 * @param graph The graph, if there is one, without edges to dead nodes.
 * @returns how many nodes were removed
 * @throws EmbedlessError `LOCKED`, `ABORTED`, `READONLY`, `NO_SPACE`, `IO`, `CORRUPT`
 */
export async function renumber(
  store: OpenStore,
  graph: () => Promise<NativeGraph | undefined>,
  run: LinkRun,
): Promise<number> {
  const { database } = store;
  if (!isWorthIt(readMeta(database.reader))) return 0;
  return await database.write(async (tx) => {
    const meta = readMeta(tx);
    if (!isWorthIt(meta)) return 0; // another process did it
    // Nobody else writes now. A snapshot shows the old state, whatever this transaction changes.
    await database.snapshot((old) => new Renumbering(tx, old, meta, run).all(store, graph), run.signal);
    return meta.nextNode - meta.passages;
  }, run);
}

/** Without codes there is nothing to remove: a dead node takes one bit and no place in the graph. */
function isWorthIt({ codes, nextNode, passages }: Meta): boolean {
  return codes !== "none" && nextNode > passages && nextNode - passages >= LEAST_DEAD * nextNode;
}

/** One renumbering: reads the old state and writes the new one. */
class Renumbering {
  readonly #tx: Connection;
  readonly #old: Connection;
  readonly #meta: Meta;
  readonly #run: LinkRun;
  /** The nodes that have a passage. */
  readonly #live: Ranks;
  readonly #version: number;
  readonly #turns: Turns;

  constructor(tx: Connection, old: Connection, meta: Meta, run: LinkRun) {
    this.#tx = tx;
    this.#old = old;
    this.#meta = meta;
    this.#run = run;
    this.#turns = new Turns(run);
    const blocks = [...readLive(old, 0)];
    if (blocks.length * BLOCK_NODES < meta.nextNode) throw damagedRow("live_blocks", blocks.length, "is missing");
    this.#live = new Ranks(Buffer.concat(blocks.map(({ bits }) => bits)));
    this.#version = raiseVersion(tx);
  }

  async all({ passages, codes }: OpenStore, graph: () => Promise<NativeGraph | undefined>): Promise<void> {
    if (this.#live.count !== this.#meta.passages) {
      throw damagedRow("meta", "passages", `says ${this.#meta.passages}, but ${this.#live.count} nodes are live`);
    }
    await this.#graph(this.#meta.graph && (await graph()));
    await this.#passages(passages);
    await this.#inSteps(renumberIds(this.#tx, (node) => this.#numberOf(node)));
    for (const table of ["vectors", "pending"] as const) {
      await this.#inSteps(renumberRows(this.#tx, this.#old, table, (node) => this.#numberOf(node)));
    }
    await codes.refresh();
    await this.#codes(codes.current?.coder.rowBytes ?? 0);
    clearLiveBits(this.#tx);
    setLive(this.#tx, 0, this.#live.count, this.#version);
    raiseNumbering(this.#tx);
    writeMeta(this.#tx, { nextNode: this.#live.count });
    if (this.#meta.keywords) {
      clearKeywords(this.#tx);
      await enterAllWords(this.#tx, passages, (entered) => this.#pause(this.#live.count + entered));
    }
  }

  /** Goes in the order of nodes, so a passage's new place is its own or one that is free already. */
  async #passages(passages: Passages): Promise<void> {
    let moved = 0;
    for (let last = -1; ; ) {
      const page = passages.stored(this.#old, last, PAGE);
      for (const row of page) {
        if (!this.#live.has(row.node)) throw damagedRow("passages", row.node, "is not marked live");
        passages.move(this.#tx, row, this.#live.before(row.node));
      }
      moved += page.length;
      await this.#pause(moved);
      if (page.length === 0) return;
      last = page.at(-1)!.node;
    }
  }

  /** The new number of a node; `undefined` if its passage is gone. */
  #numberOf(node: number): number | undefined {
    return this.#live.has(node) ? this.#live.before(node) : undefined;
  }

  async #inSteps(steps: Iterable<void>): Promise<void> {
    for (const _ of steps) await this.#pause();
  }

  async #graph(graph: NativeGraph | undefined): Promise<void> {
    if (graph === undefined) return clearGraph(this.#tx);
    const numbers = new Uint32Array(graph.count);
    for (let node = 0; node < numbers.length; node++) numbers[node] = this.#numberOf(node) ?? GONE;
    const moved = await graph.renumber(numbers);
    const saved = await moved.save();
    const reference = { nodes: moved.count, passages: moved.count, version: this.#version };
    writeMeta(this.#tx, { graph: putGraph(this.#tx, saved, reference) });
  }

  async #codes(rowBytes: number): Promise<void> {
    if (countCodes(this.#old) === 0) return;
    clearCodes(this.#tx);
    let next = 0;
    for (const piece of readCodes(this.#old, 0, rowBytes)) {
      const kept = keepRows(piece, rowBytes, (row) => this.#live.has(piece.firstNode + row));
      appendCodes(this.#tx, next, rowBytes, kept, this.#version);
      next += kept.rows.length / rowBytes;
      await this.#pause();
    }
    if (next !== this.#live.count) {
      throw damagedRow("meta", "passages", `says ${this.#live.count}, but ${next} of them have codes`);
    }
  }

  /** @param done Passages that are done. Indexing their words counts as much again. */
  async #pause(done?: number): Promise<void> {
    const total = this.#live.count * (this.#meta.keywords ? 2 : 1);
    if (done !== undefined && this.#turns.isOver) this.#run.onProgress?.({ phase: "renumber", done, total });
    await this.#turns.give();
  }
}
