import type { SavedGraph } from "../native/surface.js";
import type { Connection } from "./connection.js";
import { checkRow, checksum, damagedRow } from "./integrity.js";
import type { GraphReference } from "./meta.js";

interface GraphRow {
  n: number;
  bytes: Uint8Array;
  crc: number;
}

/**
 * Replaces the stored graph. Blocks that did not change are not written.
 *
 * @returns the new value of `meta.graph`
 */
export function putGraph(
  tx: Connection,
  graph: SavedGraph,
  { nodes, passages, version }: Omit<GraphReference, "blocks">,
): GraphReference {
  const rows = [graph.header, ...graph.blocks];
  for (const [n, bytes] of rows.entries()) {
    const crc = checksum(tx, "graph_blocks", n, bytes);
    const same = tx.get<{ crc: number }>(
      "SELECT crc FROM graph_blocks WHERE n = ? AND crc = ? AND bytes = ?",
      n,
      crc,
      bytes,
    );
    if (same) continue;
    tx.run("INSERT OR REPLACE INTO graph_blocks (n, bytes, crc) VALUES (?, ?, ?)", n, bytes, crc);
  }
  tx.run("DELETE FROM graph_blocks WHERE n >= ?", rows.length);
  return { version, nodes, passages, blocks: rows.length };
}

/** Removes the graph and its entry in `meta`. */
export function clearGraph(tx: Connection): void {
  tx.run("DELETE FROM graph_blocks");
  tx.run("DELETE FROM meta WHERE key = 'graph'");
}

/**
 * The pieces of the store's graph from piece `from` on; piece 0 is the header. There are as many as the reference says.
 *
 * @throws EmbedlessError `CORRUPT` when a block is damaged or missing
 */
export function* readGraph(c: Connection, { blocks }: GraphReference, from = 0): Generator<Uint8Array> {
  for (let n = from; n < blocks; n++) {
    const row = c.get<GraphRow>("SELECT n, bytes, crc FROM graph_blocks WHERE n = ?", n);
    if (row === undefined) throw damagedRow("graph_blocks", n, "is missing");
    checkRow(c, "graph_blocks", n, row.crc, n, row.bytes);
    yield row.bytes;
  }
}

/** Bytes of the graph on disk. */
export function graphBytes(c: Connection): number {
  return c.get<{ bytes: number | null }>("SELECT sum(length(bytes)) AS bytes FROM graph_blocks")?.bytes ?? 0;
}

/** Whether there are rows after the last block, or without a graph. */
export function hasStrayBlocks(c: Connection, graph: GraphReference | undefined): boolean {
  return c.get("SELECT n FROM graph_blocks WHERE n >= ? LIMIT 1", graph?.blocks ?? 0) !== undefined;
}
