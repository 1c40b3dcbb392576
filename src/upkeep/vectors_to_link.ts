import { requireVector } from "../api/input.js";
import { nodesWithout } from "../base/bitmap.js";
import { throwIfAborted } from "../base/errors.js";
import { Turns } from "../base/turns.js";
import { encodeVectors, rowOf } from "../codes/coding.js";
import type { OpenStore } from "../memory/open_store.js";
import type { NativeIndex } from "../native/surface.js";
import type { Database } from "../storage/database.js";
import { readMeta } from "../storage/meta.js";
import { traitsOf } from "../storage/traits.js";
import { readPending } from "../storage/vectors.js";
import type { LinkRun } from "./link.js";

/** Fewest passages embedded before the signal is checked; more if the embedder can have more in work. */
const EMBED_SLICE = 256;
const NO_EXCEPTIONS = new Uint8Array();

/**
 * The vectors of all nodes of a store that keeps neither codes nor vectors. They are in memory while its graph is
 * built. Waiting vectors are read, and the others are embedded from their texts again. Takes 2 * dims + 4 bytes per
 * node. `undefined` if there are none, or if another process linked them in the meantime.
 *
 * @throws `ABORTED`, `CORRUPT`, `EMBEDDER_*`, `MODEL_MISMATCH`
 */
export async function vectorsToLink(store: OpenStore, run: LinkRun): Promise<NativeIndex | undefined> {
  const { addon, database, coders, codes } = store;
  const meta = readMeta(database.reader);
  if (meta.dims === undefined) return undefined;
  const shape = { dims: meta.dims, ...traitsOf(meta) };
  const index = addon.createIndex(coders.pending(shape.codes, shape), { order: "walk" });
  await embedLinked(store, index, meta.graph?.nodes ?? 0, run);
  if (!(await takePending(database, index, meta.graph?.version, run.signal))) return undefined;
  await codes.refresh();
  const nodes = codes.current;
  if (nodes !== undefined) index.publish({ dead: Uint32Array.from(nodesWithout(nodes.liveBits(), index.count)) });
  return index;
}

/** Nodes without a passage get zeros. These are never read, because the live bits say that the nodes are dead. */
async function embedLinked(
  { passages, model: ofStore }: OpenStore,
  index: NativeIndex,
  linked: number,
  { signal, onProgress }: LinkRun,
): Promise<void> {
  const { coder } = index;
  if (linked === 0) return;
  const model = await ofStore.proven();
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
    // Nodes without a passage after the last one that was read belong to the next page.
    const end = Math.min(linked, (read.at(-1)?.node ?? linked) + 1);
    const coded = await encodeVectors(coder, vectors);
    const rows = new Uint8Array((end - first) * coder.rowBytes);
    for (const [i, { node }] of page.entries()) rows.set(rowOf(coded[i]!), (node - first) * coder.rowBytes);
    publish(index, rows);
  }
}

/** Answers `false` if the graph is no longer that of `version`. Then rows are gone that the old graph did not link. */
async function takePending(
  database: Database,
  index: NativeIndex,
  version: number | undefined,
  signal: AbortSignal,
): Promise<boolean> {
  const turns = new Turns({ signal });
  for (;;) {
    await turns.give();
    const piece = database.readTransaction((c) => {
      if (readMeta(c).graph?.version !== version) return "other graph";
      const { value } = readPending(c, index.count, index.coder.rowBytes).next();
      return value?.rows;
    });
    if (piece === "other graph") return false;
    if (piece === undefined) return true;
    publish(index, piece);
  }
}

/** Appends rows in slices, because gaps may be long. */
function publish(index: NativeIndex, rows: Uint8Array): void {
  const most = 4096 * index.coder.rowBytes;
  for (let at = 0; at < rows.length; at += most) {
    index.publish({ rows: { rows: rows.subarray(at, at + most), exceptions: NO_EXCEPTIONS } });
  }
}
