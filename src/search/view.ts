import type { NativeGraph, NativeIndex } from "../native.js";
import type { IndexMirror } from "./index_mirror.js";
import type { StoreGraph } from "./store_graph.js";

/** Rows in memory and the graph over them: their nodes are the same passages, and the graph knows of none without a row. */
export interface View {
  /** `undefined` while there are none. */
  readonly rows: NativeIndex | undefined;
  readonly graph: NativeGraph | undefined;
  /** `meta.version` of the write that stored the graph. */
  readonly graphVersion: number | undefined;
  /** `meta.numbering` that the nodes of both are of. */
  readonly numbering: number;
  /** `meta.version` of the rows' live bits. */
  readonly version: number;
}

/**
 * The one place where rows and a graph come together. Each follows the file by itself, for anybody who asks, so that one of
 * them may be ahead of the other at any time.
 */
export class Views {
  readonly #graph: StoreGraph;
  readonly #rows: () => IndexMirror;

  /** @param rows Which rows go with the graph; asked once the graph is up to date. */
  constructor(graph: StoreGraph, rows: () => IndexMirror) {
    this.#graph = graph;
    this.#rows = rows;
  }

  /** What is in memory, as it is; `undefined` while rows and graph do not fit. */
  get current(): View | undefined {
    const { current: graph, version: graphVersion } = this.#graph;
    const { current: rows, numbering, version } = this.#rows();
    const fits =
      graph === undefined
        ? rows?.coder.kind !== "none" // without codes there are no rows: a graph is coming
        : this.#graph.numbering === numbering && graph.count <= (rows?.count ?? 0);
    return fits ? { rows, graph, graphVersion, numbering, version } : undefined;
  }

  /**
   * What there is as of now or later. Costs microseconds when nothing was written.
   *
   * @throws EmbedlessError `CORRUPT` when a row is damaged
   */
  async newest(): Promise<View> {
    for (;;) {
      // The graph first: rows read after it have all of its nodes, unless somebody else brings a newer graph meanwhile.
      await this.#graph.refresh();
      await this.#rows().refresh();
      const view = this.current;
      if (view !== undefined) return view;
    }
  }
}
