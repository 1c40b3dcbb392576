import type { NativeCoder } from "../native.js";
import type { Database } from "../storage/database.js";
import { readMeta } from "../storage/meta.js";
import { getPending } from "../storage/pending.js";
import { traitsOf } from "../storage/traits.js";
import type { Coders } from "./coders.js";
import type { ExactVectors, Recomputed } from "./recompute.js";

const NO_EXCEPTIONS = new Uint8Array();

/**
 * Nodes to vectors in a store without codes: passages that no graph links yet still have theirs in the file, and all of
 * them are looked at by every search. The others are embedded.
 */
export class WaitingVectors implements ExactVectors {
  readonly #database: Database;
  readonly #coders: Pick<Coders, "waiting">;
  readonly #others: ExactVectors;
  #coder: NativeCoder | undefined;

  /** @param others Where the vectors of nodes come from that do not wait. */
  constructor(database: Database, coders: Pick<Coders, "waiting">, others: ExactVectors) {
    this.#database = database;
    this.#coders = coders;
    this.#others = others;
  }

  async lanes(): Promise<number> {
    return (await this.#others.lanes?.()) ?? 1;
  }

  /** The vectors of `nodes`; see `Recomputed`. Throws `ABORTED`, `CORRUPT`, or the embedder's failure. */
  async vectorsOf(nodes: readonly number[], signal?: AbortSignal): Promise<Recomputed> {
    const before = performance.now();
    this.#coder ??= this.#waitingCoder();
    const coder = this.#coder;
    const rows = this.#database.readTransaction((c) => getPending(c, nodes, coder.rowBytes));
    const flat = coder.decode(Buffer.concat(rows.filter((row) => row !== undefined)), NO_EXCEPTIONS);
    const readMs = performance.now() - before;
    const rest = await this.#others.vectorsOf(
      nodes.filter((_, i) => rows[i] === undefined),
      signal,
    );
    const answer: Recomputed = { vectors: [], sources: [], embedded: rest.embedded, readMs: readMs + rest.readMs };
    let [waiting, other] = [0, 0];
    for (const row of rows) {
      if (row) answer.vectors.push(flat.subarray(waiting * coder.dims, ++waiting * coder.dims));
      else answer.vectors.push(rest.vectors[other]);
      answer.sources.push(row ? "kept" : rest.sources[other++]);
    }
    return answer;
  }

  #waitingCoder(): NativeCoder {
    const meta = readMeta(this.#database.reader);
    return this.#coders.waiting(traitsOf(meta).codes, { dims: meta.dims!, ...traitsOf(meta) });
  }
}
