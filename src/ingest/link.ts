import { throwIfAborted } from "../errors.js";
import type { GraphOptions, NativeAddon, NativeGraph, NativeIndex, Progress } from "../native.js";
import type { Database } from "../storage/database.js";
import { clearGraph, putGraph } from "../storage/graph.js";
import { raiseVersion, readMeta, writeMeta } from "../storage/meta.js";
import type { CompactProgress, CompactResult, HnswSettings, IndexChoice, VamanaSettings } from "../types.js";

/** From so many passages on `auto` builds a graph: with vectors in memory, and on codes. */
const AUTO_KEPT = 50_000;
const AUTO_CODES = 2_000_000;
/** A graph that would grow by more than this share of its nodes is built anew: as fast, and better. */
const MOST_GROWTH = 0.5;
const TELL_MS = 200;

/** What linking needs of the store. */
export interface LinkParts {
  addon: NativeAddon;
  database: Database;
  /** Rows that distances come from: kept vectors or codes; `undefined` for a store without passages. */
  rows: () => Promise<NativeIndex | undefined>;
  /** Whether walks will run on vectors in memory. */
  inMemory: boolean;
  /** The graph there is, of the first nodes of the index. */
  graph: NativeGraph | undefined;
}

/** Which graph an index choice means for a store of so many passages. */
export function graphKind(
  choice: IndexChoice,
  passages: number,
  inMemory: boolean,
): { vamana: VamanaSettings } | { hnsw: HnswSettings } | undefined {
  if (typeof choice === "object") return choice;
  if (choice === "vamana") return { vamana: {} };
  if (choice === "hnsw") return { hnsw: {} };
  return choice === "auto" && passages >= (inMemory ? AUTO_KEPT : AUTO_CODES) ? { vamana: {} } : undefined;
}

/**
 * Builds the store's graph, or brings it up to date: nodes added since are linked, those of deleted passages are taken out.
 * Off the main thread; others read and write meanwhile, and what they add is linked the next time.
 *
 * @throws `ABORTED`, `LOCKED`, `READONLY`, `NO_SPACE`, `IO`
 */
export async function linkNodes(
  parts: LinkParts,
  choice: IndexChoice,
  { signal, onProgress }: { signal: AbortSignal; onProgress?: ((progress: CompactProgress) => void) | undefined },
): Promise<CompactResult> {
  const { addon, database, inMemory } = parts;
  const { passages, graph: stored } = readMeta(database.reader);
  const kind = graphKind(choice, passages, inMemory);
  const index = kind && (await parts.rows());
  if (kind === undefined || index === undefined || index.live === 0) {
    if (stored !== undefined) await database.write((tx) => removeGraph(tx), { signal });
    return { linked: 0, graphBytes: 0 };
  }
  const stop = new addon.StopFlag();
  const progress = new addon.Progress();
  const abort = () => stop.stop();
  signal.addEventListener("abort", abort, { once: true });
  const teller = onProgress && setInterval(() => onProgress(progressOf(progress)), TELL_MS);
  try {
    throwIfAborted(signal);
    const graph = await renew(parts, index, kind, { stop, progress });
    const saved = await graph.save();
    throwIfAborted(signal);
    await database.write(
      (tx) => {
        const version = raiseVersion(tx);
        writeMeta(tx, { graph: putGraph(tx, saved, graph.count, version) });
      },
      { signal },
    );
    const bytes = saved.blocks.reduce((sum, block) => sum + block.length, saved.header.length);
    return { linked: graph.count, graphBytes: bytes };
  } catch (error) {
    throwIfAborted(signal);
    throw error;
  } finally {
    clearInterval(teller);
    signal.removeEventListener("abort", abort);
  }
}

function progressOf({ done, total }: Progress): CompactProgress {
  return { linked: done, total };
}

async function renew(
  { addon, graph: old }: LinkParts,
  index: NativeIndex,
  kind: NonNullable<ReturnType<typeof graphKind>>,
  run: { stop: InstanceType<NativeAddon["StopFlag"]>; progress: Progress },
): Promise<NativeGraph> {
  const [name, settings] = "vamana" in kind ? (["vamana", kind.vamana] as const) : (["hnsw", kind.hnsw] as const);
  const { bytes, thinning, ...recipe } = settings;
  const added = index.count - (old?.count ?? 0);
  const grows = old !== undefined && old.kind === name && added >= 0 && added <= MOST_GROWTH * old.count;
  let graph = grows ? old : await addon.buildGraph(index, { kind: name, ...recipe, ...run } as GraphOptions);
  if (grows && added > 0) graph = await graph.extend(index, run);
  if (index.live < index.count) graph = await graph.repair(index, run);
  if (bytes === undefined) return graph;
  return await graph.thin(index, { bytes, method: thinning ?? "prune", ...run });
}

function removeGraph(tx: Parameters<typeof clearGraph>[0]): void {
  raiseVersion(tx);
  clearGraph(tx);
  tx.run("DELETE FROM meta WHERE key = 'graph'");
}
