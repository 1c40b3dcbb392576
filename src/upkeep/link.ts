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

/** From so many passages on `auto` builds a graph: with vectors in memory, and on codes. */
const AUTO_KEPT = 50_000;
const AUTO_CODES = 2_000_000;
/** A graph that would grow by more than this share of its nodes is built anew: as fast, and better. */
const MOST_GROWTH = 0.5;
/** Bytes a passage of a graph that stands alone, unless others are asked for: where LEANN ends up. */
const BYTES_ALONE = 24;
const TELL_MS = 200;

/** What linking works on. */
export interface LinkTask {
  /** Whether walks will run on vectors in memory. */
  inMemory: boolean;
  /**
   * Rows that distances come from (kept vectors, codes, or vectors embedded for it; `undefined` without passages), and the
   * graph of their first nodes that may grow; without one it is built.
   */
  linked: (run: LinkRun) => Promise<Linked>;
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
    // Without codes nothing else tells which nodes there are.
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
    // Nodes that came meanwhile are linked; those that died meanwhile are too, and make the numbers differ.
    const passages = live + graph.count - count;
    writeMeta(tx, { graph: putGraph(tx, saved, { nodes: graph.count, passages, version }) });
    if (codes === "none") clearPending(tx, graph.count);
  }, run);
}

/** The graph without the nodes that are dead; `undefined` without a graph, or if all of its nodes are dead. */
export async function repairGraph(
  addon: NativeAddon,
  { graph, rows }: Pick<Linked, "graph" | "rows">,
  run: LinkRun,
): Promise<NativeGraph | undefined> {
  if (graph === undefined || rows === undefined || !isAlive(graph, rows)) return undefined;
  return await watched(addon, run, (native) => graph.repair(rows, native));
}

/** Whether any node that the graph links has a passage. */
function isAlive(graph: NativeGraph, rows: NativeIndex): boolean {
  const [firstAlive = Number.POSITIVE_INFINITY] = nodesFrom(rows.liveBits(), 0, 1);
  return firstAlive < graph.count;
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

/** The dead go first: what is linked later must not meet them. */
async function grow(old: NativeGraph, rows: NativeIndex, run: NativeRun): Promise<NativeGraph> {
  const repaired = rows.live < rows.count ? await old.repair(rows, run) : old;
  return rows.count > repaired.count ? await repaired.extend(rows, run) : repaired;
}

function removeGraph(tx: Connection): void {
  raiseVersion(tx);
  clearGraph(tx);
}
