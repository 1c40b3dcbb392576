import { type LinkRun, linkNodes } from "./ingest/link.js";
import { renumber } from "./ingest/renumber.js";
import { native } from "./native.js";
import { giveBackFreePages } from "./storage/free_pages.js";
import { readMeta } from "./storage/meta.js";
import { traitsOf } from "./storage/traits.js";
import type { StoreParts } from "./store_parts.js";
import type { CompactResult } from "./types.js";

/** Drops codes of deleted passages, brings a store's graph up to date and gives back the space of what was deleted; see `VectorStore.compact`. */
export async function compactStore(parts: StoreParts, run: LinkRun): Promise<CompactResult> {
  const { database, graph, index, kept, passages } = parts;
  const codeRowBytes = async () => {
    await index.refresh();
    return index.current?.coder.rowBytes ?? 0;
  };
  const dropped = await renumber({ database, passages, codeRowBytes }, run);
  await graph.refresh();
  await index.refresh();
  const traits = traitsOf(readMeta(database.reader), parts.settings);
  const isAlone = traits.codes === "none" && kept.coder === undefined;
  // Graphs of vectors are better than graphs of codes, whatever is walked on.
  const codes = async (own: LinkRun) => (isAlone ? await parts.vectorsToLink(own) : index.current);
  const rows = async (own: LinkRun) => (await kept.all()) ?? (await codes(own));
  const inMemory = kept.inMemory !== undefined;
  const old = isAlone ? undefined : graph.current;
  const linked = await linkNodes({ addon: native(), database, rows, inMemory, graph: old }, traits, run);
  return { ...linked, dropped, freedBytes: await giveBackFreePages(database, run.signal) };
}
