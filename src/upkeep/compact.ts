import type { CompactResult } from "../api/upkeep.js";
import { trainIfEnough } from "../codes/coding.js";
import type { OpenStore } from "../memory/open_store.js";
import { type Linked, Views } from "../memory/view.js";
import { giveBackFreePages, mergeKeywords } from "../storage/compaction.js";
import { readMeta } from "../storage/meta.js";
import { traitsOf } from "../storage/traits.js";
import { graphOf, type LinkRun, linkNodes, repairGraph } from "./link.js";
import { renumber } from "./renumber.js";
import { vectorsToLink } from "./vectors_to_link.js";

/** See `VectorStore.compact`. */
export async function compactStore(store: OpenStore, run: LinkRun): Promise<CompactResult> {
  const { database, codes, graph, kept, vectors, filters } = store;
  // First, so that the graph is built on codes.
  const trained = await trainIfEnough(store, run.signal, (total) =>
    run.onProgress?.({ phase: "train", done: 0, total }),
  );
  const traits = traitsOf(readMeta(database.reader), store.settings);
  const isAlone = traits.codes === "none" && kept === undefined;
  // A graph built on vectors is better than one built on codes, also for walks on codes.
  const rows = vectors.all() ?? codes;
  const views = new Views(graph, () => rows, filters);
  const linked = (own: LinkRun) => (isAlone ? embeddedRows(store, own) : views.linked());
  await linkNodes(store, traits, { inMemory: kept?.memory !== undefined, linked }, run);
  const dropped = await renumber(store, async () => repairGraph(store.addon, await views.linked(), run), run);
  const tell = (done: number, total: number) => run.onProgress?.({ phase: "merge", done, total });
  const words = await mergeKeywords(database, run.signal, tell);
  const freedBytes = await giveBackFreePages(database, run.signal);
  return {
    ...graphOf(database.reader),
    trained,
    dropped,
    keywordBytes: words.after,
    keywordBytesBefore: words.before,
    freedBytes,
  };
}

/** The vectors of a store that keeps neither codes nor vectors, and no graph: its graph is always built from scratch. */
async function embeddedRows(store: OpenStore, run: LinkRun): Promise<Linked> {
  const { graph, numbering, version } = readMeta(store.database.reader);
  return { rows: await vectorsToLink(store, run), graph: undefined, graphVersion: graph?.version, numbering, version };
}
