import { graphOf, type LinkParts, type LinkRun, linkNodes, repairGraph } from "./ingest/link.js";
import { renumber } from "./ingest/renumber.js";
import { type NativeGraph, native } from "./native.js";
import { giveBackFreePages } from "./storage/free_pages.js";
import { readMeta } from "./storage/meta.js";
import { traitsOf } from "./storage/traits.js";
import type { StoreParts } from "./store_parts.js";
import type { CompactResult } from "./types.js";

/**
 * Brings a store's graph up to date, drops the codes of deleted passages and gives back the space of what was deleted; see
 * `VectorStore.compact`.
 */
export async function compactStore(parts: StoreParts, run: LinkRun): Promise<CompactResult> {
  const { database, passages, index } = parts;
  const traits = traitsOf(readMeta(database.reader), parts.settings);
  await linkNodes(await linkParts(parts, traits.codes === "none"), traits, run);
  const codeRowBytes = async () => {
    await index.refresh();
    return index.current?.coder.rowBytes ?? 0;
  };
  const graph = () => graphOfTheLiving(parts, run);
  const dropped = await renumber({ database, passages, codeRowBytes, graph }, run);
  const freedBytes = await giveBackFreePages(database, run.signal);
  return { ...graphOf(database.reader), dropped, freedBytes };
}

async function linkParts(parts: StoreParts, withoutCodes: boolean): Promise<LinkParts> {
  const { database, graph, index, kept } = parts;
  await graph.refresh();
  await index.refresh();
  const isAlone = withoutCodes && kept.coder === undefined;
  // Graphs of vectors are better than graphs of codes, whatever is walked on.
  const codes = async (own: LinkRun) => (isAlone ? await parts.vectorsToLink(own) : index.current);
  return {
    addon: native(),
    database,
    rows: async (own) => (await kept.all()) ?? (await codes(own)),
    inMemory: kept.inMemory !== undefined,
    graph: isAlone || graph.numbering !== index.numbering ? undefined : graph.current,
    numbering: index.numbering,
  };
}

/** The store's graph as of now without its dead nodes; `undefined` if there is none or nothing lives. */
async function graphOfTheLiving({ graph, index, kept }: StoreParts, run: LinkRun): Promise<NativeGraph | undefined> {
  await graph.refresh();
  await index.refresh();
  const rows = (await kept.all()) ?? index.current;
  if (graph.current === undefined || rows === undefined) return undefined;
  return await repairGraph(native(), graph.current, rows, run);
}
