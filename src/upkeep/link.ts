import type { HnswSettings, IndexChoice, VamanaSettings } from "../api/graph.js";
import type { CompactProgress, CompactResult } from "../api/upkeep.js";
import { nodesFrom } from "../base/bitmap.js";
import { throwIfAborted } from "../base/errors.js";
import type { OpenStore } from "../memory/open_store.js";
import type { Linked } from "../memory/view.js";
import { stoppedBy } from "../native/native.js";
import type { GraphOptions, NativeAddon, NativeGraph, NativeIndex, Progress } from "../native/surface.js";
import type { Connection } from "../storage/connection.js";
import { clearGraph, graphBytes, putGraph } from "../storage/graph.js";
import { type Meta, raiseVersion, readMeta, writeMeta } from "../storage/meta.js";
import type { Traits } from "../storage/traits.js";
import { clearPending } from "../storage/vectors.js";

/** Numbers of passages from which `auto` builds a graph: with vectors in memory, and on codes. */
const AUTO_KEPT = 50_000;
const AUTO_CODES = 2_000_000;
/**
 * A graph that would grow by more than this share of its nodes is built from scratch, which is as fast and gives a
 * better graph.
 */
const MOST_GROWTH = 0.5;
/** Default bytes per passage of a graph without codes, as in LEANN. */
const BYTES_ALONE = 24;
const TELL_MS = 200;

/** The nodes to link and their graph. */
export interface LinkTask {
  /** Whether walks will use vectors in memory. */
  inMemory: boolean;
  /**
   * The rows that distances come from (kept vectors, codes, or newly embedded vectors; `undefined` without passages),
   * and the graph of their first nodes, if it may grow. Without one, the graph is built.
   */
  linked: (run: LinkRun) => Promise<Linked>;
}

/** A signal and a progress function for linking. */
export interface LinkRun {
  signal: AbortSignal;
  onProgress: ((progress: CompactProgress) => void) | undefined;
}

type GraphKind = { vamana: VamanaSettings } | { hnsw: HnswSettings };

/** The graph that an index choice means for a store of this size. */
export function graphKind(choice: IndexChoice, passages: number, inMemory: boolean): GraphKind | undefined {
  if (typeof choice === "object") return choice;
  if (choice === "vamana") return { vamana: {} };
  if (choice === "hnsw") return { hnsw: {} };
  return choice === "auto" && passages >= (inMemory ? AUTO_KEPT : AUTO_CODES) ? { vamana: {} } : undefined;
}

/**
 * Builds or updates the store's graph: new nodes are linked, and nodes of deleted passages are removed. It runs off the
 * main thread. Others read and write at the same time, and the next run links what they add. It does nothing if nothing
 * changed since the last run. A graph that another process built in the meantime stays as it is.
 *
 * @throws `ABORTED`, `LOCKED`, `READONLY`, `NO_SPACE`, `IO`; what embedding throws
 */
export async function linkNodes(
  { addon, database }: OpenStore,
  { index: choice, codes }: Pick<Traits, "index" | "codes">,
  { inMemory, linked }: LinkTask,
  run: LinkRun,
): Promise<void> {
  const before = readMeta(database.reader);
  if (isUpToDate(before)) return;
  const kind = graphKind(choice, before.passages, inMemory);
  const view = kind && before.passages > 0 ? await linked(run) : undefined;
  if (kind === undefined || view?.rows === undefined || view.rows.live === 0) {
    // Without codes only the graph says which nodes there are.
    if (before.graph !== undefined && codes !== "none") await database.write((tx) => removeGraph(tx), run);
    return;
  }
  const { rows, graph: old, graphVersion, numbering } = view;
  const { live, count } = rows;
  const graph = await watched(addon, run, (native) => renew(addon, rows, old, withBytes(kind, codes), native));
  const saved = await graph.save();
  throwIfAborted(run.signal);
  await database.write((tx) => {
    const now = readMeta(tx);
    if (now.graph?.version !== graphVersion || now.numbering !== numbering) return;
    const version = raiseVersion(tx);
    // Nodes added in the meantime are linked later. Nodes deleted in the meantime are linked too, so the numbers
    // differ.
    const passages = live + graph.count - count;
    writeMeta(tx, { graph: putGraph(tx, saved, { nodes: graph.count, passages, version }) });
    if (codes === "none") clearPending(tx, graph.count);
  }, run);
}

/** The graph without dead nodes; `undefined` without a graph, or if all of its nodes are dead. */
export async function repairGraph(
  addon: NativeAddon,
  { graph, rows }: Pick<Linked, "graph" | "rows">,
  run: LinkRun,
): Promise<NativeGraph | undefined> {
  if (graph === undefined || rows === undefined || !isAlive(graph, rows)) return undefined;
  return await watched(addon, run, (native) => graph.repair(rows, native));
}

/** Whether at least one node of the graph has a passage. */
function isAlive(graph: NativeGraph, rows: NativeIndex): boolean {
  const [firstAlive = Number.POSITIVE_INFINITY] = nodesFrom(rows.liveBits(), 0, 1);
  return firstAlive < graph.count;
}

/** Whether the graph links exactly what is stored. Nodes are never used twice, so counting is enough. */
function isUpToDate({ graph, nextNode, passages }: Meta): boolean {
  return graph !== undefined && graph.nodes === nextNode && graph.passages === passages;
}

/** Size of the graph, if there is one. */
export function graphOf(c: Connection): Pick<CompactResult, "linked" | "graphBytes"> {
  return { linked: readMeta(c).graph?.nodes ?? 0, graphBytes: graphBytes(c) };
}

function withBytes(kind: GraphKind, codes: Traits["codes"]): GraphKind {
  if (codes !== "none") return kind;
  return "vamana" in kind
    ? { vamana: { bytes: BYTES_ALONE, ...kind.vamana } }
    : { hnsw: { bytes: BYTES_ALONE, ...kind.hnsw } };
}

/** Native work that stops with the signal and reports its progress. */
interface NativeRun {
  stop: InstanceType<NativeAddon["StopFlag"]>;
  progress: Progress;
}

async function watched<T>(
  addon: NativeAddon,
  { signal, onProgress }: LinkRun,
  work: (run: NativeRun) => Promise<T>,
): Promise<T> {
  const progress = new addon.Progress();
  const tell = () => onProgress?.({ phase: "link", done: progress.done, total: progress.total });
  const teller = onProgress && setInterval(tell, TELL_MS);
  try {
    return await stoppedBy(signal, addon, (stop) => work({ stop, progress }));
  } finally {
    clearInterval(teller);
  }
}

async function renew(
  addon: NativeAddon,
  rows: NativeIndex,
  old: NativeGraph | undefined,
  kind: GraphKind,
  run: NativeRun,
): Promise<NativeGraph> {
  const [name, settings] = "vamana" in kind ? (["vamana", kind.vamana] as const) : (["hnsw", kind.hnsw] as const);
  const { bytes, thinning, ...recipe } = settings;
  const graph =
    old !== undefined && old.kind === name && canGrow(old, rows)
      ? await grow(old, rows, run)
      : await addon.buildGraph(rows, { kind: name, ...recipe, ...run } as GraphOptions);
  if (bytes === undefined) return graph;
  return await graph.thin(rows, { bytes, method: thinning ?? "prune", ...run });
}

function canGrow(graph: NativeGraph, rows: NativeIndex): boolean {
  return rows.count - graph.count <= MOST_GROWTH * graph.count && isAlive(graph, rows);
}

/** Dead nodes are removed first, so that new nodes are not linked to them. */
async function grow(old: NativeGraph, rows: NativeIndex, run: NativeRun): Promise<NativeGraph> {
  const repaired = rows.live < rows.count ? await old.repair(rows, run) : old;
  return rows.count > repaired.count ? await repaired.extend(rows, run) : repaired;
}

function removeGraph(tx: Connection): void {
  raiseVersion(tx);
  clearGraph(tx);
}
