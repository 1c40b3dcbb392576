import { nodesFrom } from "../base/bitmap.js";
import { EmbedlessError } from "../base/errors.js";
import { Turns } from "../base/turns.js";
import { type Condition, holds } from "../filter/match.js";
import type { Matching } from "../filter/matching.js";
import type { OpenStore } from "../memory/open_store.js";
import type { PassageRow } from "../passage/passages.js";
import type { Connection } from "../storage/connection.js";
import { acrossNumberings, readNumbering, requireNumbering } from "../storage/meta.js";

/** Passages read in one step. */
const PAGE = 64;
/** Number of ids remembered of the last passages. At least one of them must still exist to find the place again. */
const REMEMBERED = 2 * PAGE;

/** Which passages to list. */
export interface Listed {
  condition: Condition | undefined;
  /** The id of the passage to start after. */
  after: string | undefined;
  limit: number;
  signal: AbortSignal;
}

/** Reads passages page by page, in the order they were added. It keeps its place while others write and compact. */
export class Listing {
  readonly #store: OpenStore;
  readonly #listed: Listed;
  #left: number;
  #matching: Matching | undefined;
  /** The node of the last passage given, in a numbering. */
  #place: { node: number; numbering: number } | undefined;
  /** The ids of the last pages. They find the place again after nodes were renumbered. */
  #ids: readonly string[];

  constructor(store: OpenStore, listed: Listed) {
    this.#store = store;
    this.#listed = listed;
    this.#left = listed.limit;
    this.#ids = listed.after === undefined ? [] : [listed.after];
  }

  /** The next passages; none at the end. Throws `NOT_FOUND` if the place cannot be found again, `CORRUPT`. */
  async next(): Promise<PassageRow[]> {
    const size = Math.min(PAGE, this.#left);
    if (size === 0) return [];
    const page = await acrossNumberings(() => this.#page(size));
    this.#left -= page.length;
    this.#ids = [...this.#ids, ...page.map(({ id }) => id)].slice(-REMEMBERED);
    return page;
  }

  async #page(size: number): Promise<PassageRow[]> {
    const { database, passages, filters } = this.#store;
    const { condition, signal } = this.#listed;
    if (condition === undefined) {
      return database.readTransaction((c) => this.#moveOn(passages.page(this.#placeIn(c), size, c)));
    }
    const numbering = readNumbering(database.reader);
    if (this.#matching?.numbering !== numbering) this.#matching = await filters.matching(condition, signal);
    const { bits } = this.#matching;
    const turns = new Turns({ signal });
    for (;;) {
      await turns.give();
      const { nodes, rows } = database.readTransaction((c) => {
        requireNumbering(c, this.#matching!.numbering);
        const nodes = nodesFrom(bits, this.#placeIn(c) + 1, size);
        const found = [...passages.byNodesIn(c, nodes).values()];
        return { nodes, rows: found.filter((row) => holds(condition, row)) };
      });
      if (rows.length > 0) return this.#moveOn(rows);
      if (nodes.length === 0) return [];
      this.#place = { node: nodes.at(-1)!, numbering: this.#matching.numbering };
    }
  }

  #moveOn(rows: PassageRow[]): PassageRow[] {
    if (rows.length > 0) this.#place = { node: rows.at(-1)!.node, numbering: this.#place!.numbering };
    return rows;
  }

  /** The node to continue after. */
  #placeIn(c: Connection): number {
    const numbering = readNumbering(c);
    if (this.#place?.numbering !== numbering) this.#place = { node: this.#find(c), numbering };
    return this.#place.node;
  }

  /** The node of the last given passage that still exists. */
  #find(c: Connection): number {
    if (this.#ids.length === 0) return -1;
    for (const id of [...this.#ids].reverse()) {
      const [node] = this.#store.passages.nodesOf([id], c);
      if (node !== undefined) return node;
    }
    // All passages were deleted, so there are no more.
    if (this.#place !== undefined && this.#store.passages.count(c) === 0) return -1;
    const last = JSON.stringify(this.#ids.at(-1));
    throw new EmbedlessError("NOT_FOUND", `There is no passage ${last} to continue after.`);
  }
}
