import type { Condition } from "../filter/match.js";
import type { FilterBitmaps, Matching } from "../filter/matching.js";
import type { NativeGraph, NativeIndex } from "../native/surface.js";
import { Renumbered } from "../storage/meta.js";
import type { StoreGraph } from "./graph.js";
import type { IndexMirror } from "./mirror.js";

/** Rows in memory and the graph over them. Their nodes are the same passages, and every node of the graph has a row. */
export interface Linked {
  /** `undefined` if there are none. */
  readonly rows: NativeIndex | undefined;
  readonly graph: NativeGraph | undefined;
  /** `meta.version` of the write that stored the graph. */
  readonly graphVersion: number | undefined;
  /** `meta.numbering` of the nodes of both. */
  readonly numbering: number;
  /** `meta.version` of the rows' live bits. */
  readonly version: number;
}

/** The state that one search works on. */
export interface View extends Linked {
  /** The nodes that pass the filter; `undefined` without a filter. */
  readonly matching: Matching | undefined;
  /**
   * Whether filter and rows have the same version. If not, a passage that was replaced in between has a different node
   * in each.
   */
  readonly isOneVersion: boolean;
}

/**
 * The one place where rows, graph and filter are combined. Rows and graph follow the file independently, so either may
 * be ahead of the other.
 */
export class Views {
  readonly #graph: StoreGraph;
  readonly #rows: () => IndexMirror;
  readonly #filters: FilterBitmaps;

  /** @param rows Chooses the rows for the graph. Called once the graph is up to date. */
  constructor(graph: StoreGraph, rows: () => IndexMirror, filters: FilterBitmaps) {
    this.#graph = graph;
    this.#rows = rows;
    this.#filters = filters;
  }

  /**
   * The state of now or later. Takes microseconds if nothing was written and the filter is known.
   *
   * @throws EmbedlessError `CORRUPT` if a row is damaged, `ABORTED`, `INVALID_FILTER`
   * @throws Renumbered if the matching nodes belong to other passages by now
   */
  async newest(filter: Condition | undefined, signal: AbortSignal | undefined): Promise<View> {
    const matching = filter && (await this.#filters.matching(filter, signal));
    const linked = await this.linked();
    if (matching !== undefined && matching.numbering !== linked.numbering) throw new Renumbered();
    return { ...linked, matching, isOneVersion: matching === undefined || matching.version === linked.version };
  }

  /** The same without a filter. */
  async linked(): Promise<Linked> {
    for (;;) {
      // The graph comes first: rows read after it have all of its nodes, unless another caller loads a newer graph in
      // the meantime.
      await this.#graph.refresh();
      await this.#rows().refresh();
      const linked = this.current;
      if (linked !== undefined) return linked;
    }
  }

  /** The state in memory as it is; `undefined` while rows and graph do not fit. */
  get current(): Linked | undefined {
    const { current: graph, version: graphVersion } = this.#graph;
    const { current: rows, numbering, version } = this.#rows();
    const fits =
      graph === undefined
        ? rows?.coder.kind !== "none" // without codes there are no rows: a graph is coming
        : this.#graph.numbering === numbering && graph.count <= (rows?.count ?? 0);
    return fits ? { rows, graph, graphVersion, numbering, version } : undefined;
  }
}
