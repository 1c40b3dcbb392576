import { EmbedlessError } from "./errors.js";
import { type Condition, holds } from "./passage/filter_match.js";
import type { PassageRow, Passages } from "./passage/passages.js";
import type { FilterBitmaps, Matching } from "./search/filter_bitmap.js";
import { nodesFrom } from "./storage/bitmap.js";
import type { Connection } from "./storage/connection.js";
import type { Database } from "./storage/database.js";
import { readNumbering } from "./storage/meta.js";
import { acrossNumberings, requireNumbering } from "./storage/numbering.js";
import { nextTurn } from "./turns.js";

/** Passages read at once. */
const PAGE = 64;
/** Ids that are remembered of the last passages given: one of them has to be there still to go on after. */
const REMEMBERED = 2 * PAGE;

/** What a listing reads from. */
export interface ListingParts {
  database: Database;
  passages: Passages;
  filters: FilterBitmaps;
}

/** Which passages to list. */
export interface Listed {
  condition: Condition | undefined;
  /** Id to start behind. */
  after: string | undefined;
  limit: number;
  signal: AbortSignal;
}

/** Reads passages page by page, in the order they were added. It keeps its place while others write and compact. */
export class Listing {
  readonly #parts: ListingParts;
  readonly #listed: Listed;
  #left: number;
  #matching: Matching | undefined;
  /** The node of the last passage given, as of a numbering. */
  #place: { node: number; numbering: number } | undefined;
  /** The last page's ids: they tell the place once the nodes are other ones. */
  #ids: readonly string[];

  constructor(parts: ListingParts, listed: Listed) {
    this.#parts = parts;
    this.#listed = listed;
    this.#left = listed.limit;
    this.#ids = listed.after === undefined ? [] : [listed.after];
  }

  /** The next passages; none at the end. Throws `NOT_FOUND` if nothing is left of the place to go on from, `CORRUPT`. */
  async next(): Promise<PassageRow[]> {
    const size = Math.min(PAGE, this.#left);
    if (size === 0) return [];
    const page = await acrossNumberings(() => this.#page(size));
    this.#left -= page.length;
    this.#ids = [...this.#ids, ...page.map(({ id }) => id)].slice(-REMEMBERED);
    return page;
  }

  async #page(size: number): Promise<PassageRow[]> {
    const { database, passages, filters } = this.#parts;
    const { condition, signal } = this.#listed;
    if (condition === undefined) {
      return database.readTransaction((c) => this.#moveOn(passages.page(this.#placeIn(c), size, c)));
    }
    const numbering = readNumbering(database.reader);
    if (this.#matching?.numbering !== numbering) this.#matching = await filters.matching(condition, signal);
    const { bits } = this.#matching;
    for (;;) {
      const { nodes, rows } = database.readTransaction((c) => {
        requireNumbering(c, this.#matching!.numbering);
        const nodes = nodesFrom(bits, this.#placeIn(c) + 1, size);
        const found = [...passages.byNodesIn(c, nodes).values()];
        return { nodes, rows: found.filter((row) => holds(condition, row)) };
      });
      if (rows.length > 0) return this.#moveOn(rows);
      if (nodes.length === 0) return [];
      this.#place = { node: nodes.at(-1)!, numbering: this.#matching.numbering };
      await nextTurn();
    }
  }

  #moveOn(rows: PassageRow[]): PassageRow[] {
    if (rows.length > 0) this.#place = { node: rows.at(-1)!.node, numbering: this.#place!.numbering };
    return rows;
  }

  /** The node to go on behind. */
  #placeIn(c: Connection): number {
    const numbering = readNumbering(c);
    if (this.#place?.numbering !== numbering) this.#place = { node: this.#find(c), numbering };
    return this.#place.node;
  }

  /** Where the last passage is that was given and is still there. */
  #find(c: Connection): number {
    if (this.#ids.length === 0) return -1;
    for (const id of [...this.#ids].reverse()) {
      const [node] = this.#parts.passages.nodesOf([id], c);
      if (node !== undefined) return node;
    }
    // All passages were deleted: what has been given was all there was.
    if (this.#place !== undefined && this.#parts.passages.count(c) === 0) return -1;
    const last = JSON.stringify(this.#ids.at(-1));
    throw new EmbedlessError("NOT_FOUND", `There is no passage ${last} to go on after.`);
  }
}
