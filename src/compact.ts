import { graphOf, type LinkRun, linkNodes, repairGraph } from "./ingest/link.js";
import { renumber } from "./ingest/renumber.js";
import { native } from "./native.js";
import { type View, Views } from "./search/view.js";
import { giveBackFreePages } from "./storage/free_pages.js";
import { mergeKeywords } from "./storage/merge_keywords.js";
import { readMeta } from "./storage/meta.js";
import { traitsOf } from "./storage/traits.js";
import type { StoreParts } from "./store_parts.js";
import type { CompactResult } from "./types.js";

/**
 * Trains the codebook that passages wait for, brings a store's graph up to date, drops the codes of deleted passages and
 * merges the table of words and gives back the space of what was deleted; see `VectorStore.compact`.
 */
export async function compactStore(parts: StoreParts, run: LinkRun): Promise<CompactResult> {
  const { database, passages, index, graph, kept, ingest } = parts;
  // First, so that the graph is built on codes.
  const trained = await ingest.train(run.signal, (total) => run.onProgress?.({ phase: "train", done: 0, total }));
  const traits = traitsOf(readMeta(database.reader), parts.settings);
  const isAlone = traits.codes === "none" && kept.coder === undefined;
  // A graph built on vectors is better than one built on codes, also for walks on codes.
  const rows = kept.all() ?? index;
  const views = new Views(graph, () => rows);
  const view = (own: LinkRun) => (isAlone ? embeddedView(parts, own) : views.newest());
  await linkNodes(
    { addon: native(), database, inMemory: kept.coder !== undefined && kept.memory !== undefined, view },
    traits,
    run,
  );
  const codeRowBytes = async () => {
    await index.refresh();
    return index.current?.coder.rowBytes ?? 0;
  };
  const living = async () => repairGraph(native(), await views.newest(), run);
  const dropped = await renumber({ database, passages, codeRowBytes, graph: living }, run);
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
async function embeddedView({ database, vectorsToLink }: StoreParts, run: LinkRun): Promise<View> {
  const { graph, numbering, version } = readMeta(database.reader);
  return { rows: await vectorsToLink(run), graph: undefined, graphVersion: graph?.version, numbering, version };
}
