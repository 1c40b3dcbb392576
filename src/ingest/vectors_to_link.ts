import { throwIfAborted } from "../errors.js";
import type { NativeAddon, NativeIndex } from "../native.js";
import type { Passages } from "../passage/passages.js";
import type { Coders } from "../search/coders.js";
import type { Model } from "../search/model.js";
import { requireVector } from "../search/vectors.js";
import { nodesWithout } from "../storage/bitmap.js";
import type { Database } from "../storage/database.js";
import { readMeta } from "../storage/meta.js";
import { readPending } from "../storage/pending.js";
import { traitsOf } from "../storage/traits.js";
import { nextTurn } from "../turns.js";
import { encodeVectors } from "./coding.js";
import type { LinkRun } from "./link.js";

/** Passages embedded between two looks at the signal, at least; as many as the embedder can have under way. */
const EMBED_SLICE = 256;
const NO_EXCEPTIONS = new Uint8Array();

/** Where the vectors of a store without codes come from. */
export interface VectorsToLink {
  addon: NativeAddon;
  database: Database;
  passages: Passages;
  coders: Coders;
  model: () => Promise<Model>;
  /** Which nodes live by now. */
  nodes: () => Promise<NativeIndex | undefined>;
}

/**
 * The vectors of all nodes of a store that keeps neither codes nor vectors, in memory for as long as its graph is built:
 * those that wait since they were added, and the others, which are embedded again from their texts. Takes 2 * dims + 4
 * bytes a node. `undefined` if there are none, or if another process linked them meanwhile.
 *
 * @throws `ABORTED`, `CORRUPT`, `EMBEDDER_*`, `MODEL_MISMATCH`
 */
export async function vectorsToLink(parts: VectorsToLink, run: LinkRun): Promise<NativeIndex | undefined> {
  const { addon, database, coders } = parts;
  const meta = readMeta(database.reader);
  if (meta.dims === undefined) return undefined;
  const shape = { dims: meta.dims, ...traitsOf(meta) };
  const index = addon.createIndex(coders.waiting(shape.codes, shape), { order: "walk" });
  await embedLinked(parts, index, meta.graph?.nodes ?? 0, run);
  if (!(await takeWaiting(database, index, meta.graph?.version, run.signal))) return undefined;
  const nodes = await parts.nodes();
  if (nodes !== undefined) index.publish({ dead: Uint32Array.from(nodesWithout(nodes.liveBits(), index.count)) });
  return index;
}

/** Nodes whose passage is gone get zeros, which are not looked at: the live bits say that they are dead. */
async function embedLinked(
  { passages, model: find }: VectorsToLink,
  index: NativeIndex,
  linked: number,
  { signal, onProgress }: LinkRun,
): Promise<void> {
  const { coder } = index;
  if (linked === 0) return;
  const model = await find();
  const slice = Math.max(EMBED_SLICE, model.limits.concurrency);
  while (index.count < linked) {
    throwIfAborted(signal);
    onProgress?.({ phase: "embed", done: index.count, total: linked });
    const read = passages.page(index.count - 1, slice);
    const page = read.filter(({ node }) => node < linked);
    const texts = page.map(({ text }) => text);
    const vectors = texts.length > 0 ? await model.embedPassages(texts, { signal }) : [];
    for (const vector of vectors) requireVector(vector, coder, "a passage's vector");
    const first = index.count;
    // Nodes without a passage behind the last one that was read belong to the next page.
    const end = Math.min(linked, (read.at(-1)?.node ?? linked) + 1);
    const coded = await encodeVectors(coder, vectors);
    const rows = new Uint8Array((end - first) * coder.rowBytes);
    for (const [i, { node }] of page.entries()) rows.set(coded[i]!.row, (node - first) * coder.rowBytes);
    publish(index, rows);
  }
}

/** Answers `false` if the graph is no longer that of `version`: then rows are gone that the old one did not link. */
async function takeWaiting(
  database: Database,
  index: NativeIndex,
  version: number | undefined,
  signal: AbortSignal,
): Promise<boolean> {
  for (;;) {
    throwIfAborted(signal);
    const piece = database.readTransaction((c) => {
      if (readMeta(c).graph?.version !== version) return "other graph";
      const { value } = readPending(c, index.count, index.coder.rowBytes).next();
      return value?.rows;
    });
    if (piece === "other graph") return false;
    if (piece === undefined) return true;
    publish(index, piece);
    await nextTurn();
  }
}

/** Appends rows, however many: gaps may be long. */
function publish(index: NativeIndex, rows: Uint8Array): void {
  const most = 4096 * index.coder.rowBytes;
  for (let at = 0; at < rows.length; at += most) {
    index.publish({ rows: { rows: rows.subarray(at, at + most), exceptions: NO_EXCEPTIONS } });
  }
}
