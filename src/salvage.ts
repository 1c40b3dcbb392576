import { EmbedlessError, throwIfAborted } from "./errors.js";
import { Passages } from "./passage/passages.js";
import type { KeptVectors } from "./search/kept_vectors.js";
import { BLOCK_NODES } from "./storage/codes.js";
import type { Connection } from "./storage/connection.js";
import type { Database } from "./storage/database.js";
import { isLive } from "./storage/live_bits.js";
import { ifSound } from "./storage/problems.js";
import { nextTurn } from "./turns.js";
import type { AddItem } from "./types.js";

/** Nodes looked at between two turns of the event loop. */
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
    for (let node = 0; node < this.end; node++) {
      if (node % SLICE === 0) {
        throwIfAborted(this.#parts.signal);
        onNode(node);
        await nextTurn();
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
