import { EmbedlessError } from "../base/errors.js";
import { Turns } from "../base/turns.js";
import type { NativeAddon, NativeGraph } from "../native/surface.js";
import type { Database } from "../storage/database.js";
import { readGraph } from "../storage/graph.js";
import { damagedRow } from "../storage/integrity.js";
import { type GraphReference, readMeta } from "../storage/meta.js";
import { Follower } from "./mirror.js";

/** The graph of a store in memory, in step with the file, whichever process built it. */
export class StoreGraph {
  readonly #addon: NativeAddon;
  readonly #database: Database;
  #loaded: { graph: NativeGraph; reference: GraphReference; numbering: number } | undefined;
  readonly #follower: Follower;

  constructor(addon: NativeAddon, database: Database) {
    this.#addon = addon;
    this.#database = database;
    this.#follower = new Follower(database, () => this.#load());
  }

  /** The graph at the last `refresh`; `undefined` if there was none. */
  get current(): NativeGraph | undefined {
    return this.#loaded?.graph;
  }

  /** `meta.version` of the write that stored `current`; `undefined` without a graph. */
  get version(): number | undefined {
    return this.#loaded?.reference.version;
  }

  /** `meta.numbering` of the nodes of `current`. */
  get numbering(): number {
    return this.#loaded?.numbering ?? 0;
  }

  /**
   * Loads the newest graph. Takes microseconds if nothing was written. `Views` combines it with its rows.
   *
   * @throws EmbedlessError `CORRUPT` when a block is damaged
   */
  async refresh(): Promise<void> {
    await this.#follower.catchUp();
  }

  async #load(): Promise<boolean> {
    const { graph: reference, numbering, nextNode } = readMeta(this.#database.reader);
    if (reference !== undefined && reference.nodes > nextNode)
      throw damagedRow("meta", "graph", `links ${reference.nodes} nodes, but there are ${nextNode}`);
    if (reference === undefined) this.#loaded = undefined;
    else if (reference.version !== this.version || numbering !== this.numbering) {
      const pieces = await this.#read(reference);
      if (pieces === undefined) return false; // another graph was stored in the meantime, and the next round reads it
      const [header, ...blocks] = pieces;
      // A walk takes up to a tenth longer than over flat lists, which are three times as large.
      const graph = await this.#addon.loadGraph({ header: header!, blocks }, { lists: "packed" });
      if (graph.count !== reference.nodes) {
        throw new EmbedlessError("CORRUPT", `The graph links ${graph.count} nodes, not ${reference.nodes}.`);
      }
      this.#loaded = { graph, reference, numbering };
    }
    return true;
  }

  /** Reads all pieces in slices; `undefined` if the graph was replaced while they were read. */
  async #read(reference: GraphReference): Promise<Uint8Array[] | undefined> {
    const pieces: Uint8Array[] = [];
    const turns = new Turns();
    while (pieces.length < reference.blocks) {
      const isSame = this.#database.readTransaction((c) => {
        if (readMeta(c).graph?.version !== reference.version) return false;
        for (const piece of readGraph(c, reference, pieces.length)) {
          pieces.push(piece);
          if (turns.isOver) break;
        }
        return true;
      });
      if (!isSame) return undefined;
      await turns.give();
    }
    return pieces;
  }
}
