import type { Coders } from "../codes/coders.js";
import type { NativeAddon, NativeCoder } from "../native/native.js";
import { readCodes } from "../storage/codes.js";
import type { Connection } from "../storage/connection.js";
import type { Database } from "../storage/database.js";
import type { Meta } from "../storage/meta.js";
import { readPending } from "../storage/pending.js";
import { traitsOf } from "../storage/traits.js";
import { wantsGraph } from "./graph.js";
import { IndexMirror, type RowsOfNodes } from "./mirror.js";

const NO_EXCEPTIONS = new Uint8Array();
/** Nodes counted in at once where they have no rows. */
const NODES_AT_ONCE = 65_536;

/**
 * What a store can search by in memory, in step with the file: its codes; while it has no codebook the pending rows; and
 * without codes, once there is a graph, only which nodes there are.
 */
export class CodeIndex extends IndexMirror {
  /** @param isWalked Whether graphs are walked over on codes, there being no vectors in memory. */
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
