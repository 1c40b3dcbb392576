import type { EncodedRows, NativeAddon, NativeCoder } from "../native.js";
import { readCodes } from "../storage/codes.js";
import type { Connection } from "../storage/connection.js";
import type { Database } from "../storage/database.js";
import type { Meta } from "../storage/meta.js";
import { readPending } from "../storage/pending.js";
import { traitsOf } from "../storage/traits.js";
import type { Coders } from "./coders.js";
import { IndexMirror } from "./index_mirror.js";
import { wantsGraph } from "./store_graph.js";

const NO_EXCEPTIONS = new Uint8Array();

/** The codes of a store in memory, or while it has no codebook the waiting rows, in step with the file. */
export class CodeIndex extends IndexMirror {
  /** @param isWalked Whether graphs are walked over on codes, there being no vectors in memory. */
  constructor(addon: NativeAddon, database: Database, coders: Pick<Coders, "find">, isWalked = false) {
    super(addon, database, {
      formOf: ({ dims, codebook }) => (dims === undefined ? undefined : (codebook?.sha256 ?? "waiting")),
      coderOf: (meta) => coders.find(database.reader, meta.codebook, { dims: meta.dims!, ...traitsOf(meta) }),
      orderOf: (meta) => (isWalked && wantsGraph(meta) ? "walk" : "scan"),
      read: (c, from, coder, meta) => storedRows(c, from, coder, meta),
    });
  }
}

function* storedRows(
  c: Connection,
  from: number,
  { rowBytes }: NativeCoder,
  { codebook }: Meta,
): Generator<EncodedRows> {
  if (codebook) {
    yield* readCodes(c, from, rowBytes);
    return;
  }
  for (const { rows } of readPending(c, from, rowBytes)) yield { rows, exceptions: NO_EXCEPTIONS };
}
