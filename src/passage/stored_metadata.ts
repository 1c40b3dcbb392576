import { damagedRow } from "../storage/checksum.js";
import type { Connection } from "../storage/connection.js";
import { requireOrder } from "../storage/order.js";
import type { Metadata } from "../types.js";
import { isPlainObject, MAX_METADATA_BYTES, metadataFromJson } from "./metadata.js";

/** Most passages read at once, and most bytes of their metadata unless one alone has more: about a millisecond. */
const MOST_ROWS = 1_024;
const MOST_BYTES = 256 * 1024;

/** The metadata of passages, without their texts: node `nodes[i]` has `all[i]`. */
export interface MetadataSlice {
  readonly nodes: readonly number[];
  readonly all: readonly Metadata[];
}

/** Which passages to read: those of nodes in a list, or the next `count` from node `from` on. */
type Window = { readonly nodes: readonly number[] } | { readonly from: number; readonly count: number };

/**
 * Reads the metadata of passages in slices that take about a millisecond each, however long the metadata are. An object
 * serves one pass over the store, on one snapshot.
 */
export class MetadataReader {
  readonly #c: Connection;
  #rows = MOST_ROWS;

  constructor(c: Connection) {
    this.#c = c;
  }

  /** How many passages to ask for next. */
  get rows(): number {
    return this.#rows;
  }

  /**
   * The first passages of nodes, which must be in order. `nodes` of the answer ends where the slice does; those without a
   * passage are left out.
   *
   * @returns the slice, and of how many of the given nodes it is
   * @throws EmbedlessError `CORRUPT` for metadata that no passage has
   */
  of(nodes: readonly number[]): MetadataSlice & { readonly read: number } {
    for (;;) {
      const asked = nodes.slice(0, this.#rows);
      const slice = this.#read({ nodes: asked });
      if (slice) return { ...slice, read: asked.length };
    }
  }

  /** The next passages from a node on; none at the end. Throws `CORRUPT` like `of`. */
  from(node: number): MetadataSlice {
    for (;;) {
      const slice = this.#read({ from: node, count: this.#rows });
      if (slice === undefined) continue;
      requireOrder("passages", slice.nodes, node);
      return slice;
    }
  }

  /** `undefined` if these are too many at once: the next try is for half of them. */
  #read(window: Window): MetadataSlice | undefined {
    const { source, params } = sourceOf(window);
    const sizes = `SELECT total(octet_length(metadata)) AS bytes, max(octet_length(metadata)) AS longest FROM ${source}`;
    const { bytes, longest } = this.#c.get<{ bytes: number; longest: number | null }>(sizes, ...params)!;
    if (bytes > MOST_BYTES && this.#rows > 1) {
      this.#rows >>= 1;
      return undefined;
    }
    if ((longest ?? 0) > MAX_METADATA_BYTES) throw this.#tooLong(source, params);
    if (bytes < MOST_BYTES / 2) this.#rows = Math.min(MOST_ROWS, this.#rows * 2);
    // Two strings for all rows: a row each would take several times as long to hand over.
    const sql = `SELECT group_concat(node) AS nodes, group_concat(coalesce(metadata, '{}')) AS metadata FROM ${source}`;
    const row = this.#c.get<{ nodes: string | null; metadata: string | null }>(sql, ...params)!;
    const nodes = JSON.parse(`[${row.nodes ?? ""}]`) as number[];
    const all = parsedList(row.metadata ?? "");
    return all?.length === nodes.length && all.every(isPlainObject) ? { nodes, all } : this.#oneByOne(source, params);
  }

  /** Finds the row whose metadata are damaged. */
  #oneByOne(source: string, params: readonly (string | number)[]): MetadataSlice {
    const rows = this.#c.all<{ node: number; metadata: string | null }>(
      `SELECT node, metadata FROM ${source}`,
      ...params,
    );
    return { nodes: rows.map(({ node }) => node), all: rows.map(({ node, metadata }) => parsed(node, metadata)) };
  }

  #tooLong(source: string, params: readonly (string | number)[]): Error {
    const sql = `SELECT node FROM ${source} WHERE octet_length(metadata) > ${MAX_METADATA_BYTES} LIMIT 1`;
    const { node } = this.#c.get<{ node: number }>(sql, ...params)!;
    return damagedRow("passages", node, `has metadata of more than ${MAX_METADATA_BYTES} bytes`);
  }
}

function sourceOf(window: Window): { source: string; params: (string | number)[] } {
  if ("nodes" in window) {
    const source = "(SELECT node, metadata FROM json_each(?) AS listed CROSS JOIN passages ON node = listed.value)";
    return { source, params: [JSON.stringify(window.nodes)] };
  }
  const source = "(SELECT node, metadata FROM passages NOT INDEXED WHERE node >= ? ORDER BY node LIMIT ?)";
  return { source, params: [window.from, window.count] };
}

function parsedList(json: string): unknown[] | undefined {
  try {
    return JSON.parse(`[${json}]`) as unknown[];
  } catch {
    return undefined;
  }
}

function parsed(node: number, json: string | null): Metadata {
  try {
    return metadataFromJson(json);
  } catch {
    throw damagedRow("passages", node, "has metadata that are no JSON object");
  }
}
