import { throwIfAborted } from "../errors.js";
import type { GraphOptions, NativeAddon, NativeGraph, NativeIndex, Progress } from "../native.js";
import { nodesFrom } from "../storage/bitmap.js";
import type { Connection } from "../storage/connection.js";
import type { Database } from "../storage/database.js";
import { clearGraph, graphBytes, putGraph } from "../storage/graph.js";
import { type Meta, raiseVersion, readMeta, writeMeta } from "../storage/meta.js";
import { clearPending } from "../storage/pending.js";
import type { Traits } from "../storage/traits.js";
import type { CompactProgress, CompactResult, HnswSettings, IndexChoice, VamanaSettings } from "../types.js";

/** From so many passages on `auto` builds a graph: with vectors in memory, and on codes. */
const AUTO_KEPT = 50_000;
const AUTO_CODES = 2_000_000;
/** A graph that would grow by more than this share of its nodes is built anew: as fast, and better. */
const MOST_GROWTH = 0.5;
/** Bytes a passage of a graph that stands alone, unless others are asked for: where LEANN ends up. */
const BYTES_ALONE = 24;
const TELL_MS = 200;

/** What linking needs of the store. */
export interface LinkParts {
  addon: NativeAddon;
  database: Database;
  /** Rows that distances come from: kept vectors, codes, or vectors embedded for it; `undefined` without passages. */
  rows: (run: LinkRun) => Promise<NativeIndex | undefined>;
  /** Whether walks will run on vectors in memory. */
  inMemory: boolean;
  /** The graph that may grow, of the first nodes of the index; `undefined` to build anew. */
  graph: NativeGraph | undefined;
  /** `meta.numbering` that the nodes of both are of. */
  numbering: number;
}

/** How linking is stopped and watched. */
export interface LinkRun {
  signal: AbortSignal;
  onProgress: ((progress: CompactProgress) => void) | undefined;
}

type GraphKind = { vamana: VamanaSettings } | { hnsw: HnswSettings };

/** Which graph an index choice means for a store of so many passages. */
export function graphKind(choice: IndexChoice, passages: number, inMemory: boolean): GraphKind | undefined {
  if (typeof choice === "object") return choice;
  if (choice === "vamana") return { vamana: {} };
  if (choice === "hnsw") return { hnsw: {} };
  return choice === "auto" && passages >= (inMemory ? AUTO_KEPT : AUTO_CODES) ? { vamana: {} } : undefined;
}

/**
 * Builds the store's graph, or brings it up to date: nodes added since are linked, those of deleted passages are taken out.
 * Off the main thread; others read and write meanwhile, and what they add is linked the next time. Does nothing where
 * nothing changed since the last time, and leaves a graph that another process made meanwhile as it is.
 *
 * @throws `ABORTED`, `LOCKED`, `READONLY`, `NO_SPACE`, `IO`; what embedding throws
 */
export async function linkNodes(
  parts: LinkParts,
  { index: choice, codes }: Pick<Traits, "index" | "codes">,
  run: LinkRun,
): Promise<void> {
  const { database } = parts;
  const before = readMeta(database.reader);
  if (isUpToDate(before)) return;
  const kind = graphKind(choice, before.passages, parts.inMemory);
  const index = kind && before.passages > 0 ? await parts.rows(run) : undefined;
  if (kind === undefined || index === undefined || index.live === 0) {
    // Without codes nothing else tells which nodes there are.
    if (before.graph !== undefined && codes !== "none") await database.write((tx) => removeGraph(tx), run);
    return;
  }
  const passages = index.live;
  const graph = await watched(parts.addon, run, (native) => renew(parts, index, withBytes(kind, codes), native));
  const saved = await graph.save();
  throwIfAborted(run.signal);
  await database.write((tx) => {
    const now = readMeta(tx);
    if (now.graph?.version !== before.graph?.version || now.numbering !== parts.numbering) return;
    const version = raiseVersion(tx);
    writeMeta(tx, { graph: putGraph(tx, saved, { nodes: graph.count, passages, version }) });
    if (codes === "none") clearPending(tx, graph.count);
  }, run);
}

/** A graph without the nodes that are dead in the index; `undefined` if none of its nodes lives. */
export async function repairGraph(
  addon: NativeAddon,
  graph: NativeGraph,
  index: NativeIndex,
  run: LinkRun,
): Promise<NativeGraph | undefined> {
  const [firstAlive = Number.POSITIVE_INFINITY] = nodesFrom(index.liveBits(), 0, 1);
  if (firstAlive >= graph.count) return undefined;
  return await watched(addon, run, (native) => graph.repair(index, native));
}

/** Whether the graph links all that is stored and nothing else: no node is used twice. */
function isUpToDate({ graph, nextNode, passages }: Meta): boolean {
  return graph !== undefined && graph.nodes === nextNode && graph.passages === passages;
}

/** What there is of a graph. */
export function graphOf(c: Connection): Pick<CompactResult, "linked" | "graphBytes"> {
  return { linked: readMeta(c).graph?.nodes ?? 0, graphBytes: graphBytes(c) };
}

function withBytes(kind: GraphKind, codes: Traits["codes"]): GraphKind {
  if (codes !== "none") return kind;
  return "vamana" in kind
    ? { vamana: { bytes: BYTES_ALONE, ...kind.vamana } }
    : { hnsw: { bytes: BYTES_ALONE, ...kind.hnsw } };
}

/** Native work that stops with the signal and tells how far it is. */
interface NativeRun {
  stop: InstanceType<NativeAddon["StopFlag"]>;
  progress: Progress;
}

async function watched<T>(
  addon: NativeAddon,
  { signal, onProgress }: LinkRun,
  work: (run: NativeRun) => Promise<T>,
): Promise<T> {
  const stop = new addon.StopFlag();
  const progress = new addon.Progress();
  const abort = () => stop.stop();
  signal.addEventListener("abort", abort, { once: true });
  const tell = () => onProgress?.({ phase: "link", done: progress.done, total: progress.total });
  const teller = onProgress && setInterval(tell, TELL_MS);
  try {
    throwIfAborted(signal);
    return await work({ stop, progress });
  } catch (error) {
    throwIfAborted(signal);
    throw error;
  } finally {
    clearInterval(teller);
    signal.removeEventListener("abort", abort);
  }
}

async function renew(
  { addon, graph: old }: LinkParts,
  index: NativeIndex,
  kind: GraphKind,
  run: NativeRun,
): Promise<NativeGraph> {
  const [name, settings] = "vamana" in kind ? (["vamana", kind.vamana] as const) : (["hnsw", kind.hnsw] as const);
  const { bytes, thinning, ...recipe } = settings;
  const added = index.count - (old?.count ?? 0);
  const grows = old !== undefined && old.kind === name && added >= 0 && added <= MOST_GROWTH * old.count;
  let graph = grows ? old : await addon.buildGraph(index, { kind: name, ...recipe, ...run } as GraphOptions);
  // The dead go first: what is linked later must not meet them.
  if (grows && index.live < index.count) graph = await graph.repair(index, run);
  if (grows && added > 0) graph = await graph.extend(index, run);
  if (bytes === undefined) return graph;
  return await graph.thin(index, { bytes, method: thinning ?? "prune", ...run });
}

function removeGraph(tx: Connection): void {
  raiseVersion(tx);
  clearGraph(tx);
}
