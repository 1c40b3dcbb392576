import type { NativeAddon, NativeIndex } from "../../src/native/surface.js";
import { DATA_DIMS, rowOf } from "../support/data.js";

/** Candidates looked at exactly; the rest is ruled out by the error that int8 can make. */
const CANDIDATES = 1500;
/** Slack for float arithmetic inside the estimates. */
const ROUNDING = 1e-4;

/**
 * The exact nearest passages of any query by cosine. Int8 vectors propose candidates; since their largest error over all
 * passages is measured here, an answer is proved complete, and where it cannot be, every passage is looked at.
 */
export class Truth {
  readonly #passages: Float64Array;
  readonly #index: NativeIndex;
  readonly #largestError: number;

  private constructor(passages: Float64Array, index: NativeIndex, largestError: number) {
    this.#passages = passages;
    this.#index = index;
    this.#largestError = largestError;
  }

  static async of(addon: NativeAddon, vectors: Float32Array): Promise<Truth> {
    const coder = addon.createVectorCoder("int8", DATA_DIMS, "cosine");
    const encoded = await coder.encode(vectors);
    const index = addon.createIndex(coder);
    index.publish({ rows: encoded });
    const passages = unitRows(vectors);
    const decoded = coder.decode(encoded.rows, encoded.exceptions);
    return new Truth(passages, index, largestDistance(passages, decoded));
  }

  /** The best `depth` nodes by (score falling, node rising); with `among`, a bitmap, the best of those in it. */
  async nearest(query: Float32Array, depth: number, among?: Uint8Array): Promise<number[]> {
    const unit = unitRows(query);
    const options = { k: CANDIDATES, cap: 0, pool: CANDIDATES, ...(among && { filter: among }) };
    const { nodes, estimates } = (await this.#index.search(query, options)).result();
    const best = this.#rank(unit, [...nodes]).slice(0, depth);
    const lowest = estimates.reduce((a, b) => Math.min(a, b), Infinity);
    const complete = nodes.length < CANDIDATES || this.#score(unit, best.at(-1)!) > lowest + this.#largestError;
    if (complete) return best;
    const every = Array.from({ length: this.#index.count }, (_, node) => node);
    const asked = among ? every.filter((node) => (among[node >> 3]! >> (node & 7)) & 1) : every;
    return this.#rank(unit, asked).slice(0, depth);
  }

  /** Exact scores of `nodes`. */
  scores(query: Float32Array, nodes: Iterable<number>): Float64Array {
    const unit = unitRows(query);
    return Float64Array.from(nodes, (node) => this.#score(unit, node));
  }

  #rank(unit: Float64Array, nodes: number[]): number[] {
    const scored = nodes.map((node) => ({ node, score: this.#score(unit, node) }));
    scored.sort((a, b) => b.score - a.score || a.node - b.node);
    return scored.map(({ node }) => node);
  }

  #score(unit: Float64Array, node: number): number {
    const passages = this.#passages;
    const start = node * DATA_DIMS;
    let sum = 0;
    for (let i = 0; i < DATA_DIMS; i++) sum += unit[i]! * passages[start + i]!;
    return sum;
  }
}

/** Rows scaled to length 1, in double precision. */
function unitRows(vectors: Float32Array): Float64Array {
  const units = new Float64Array(vectors.length);
  for (let row = 0; row * DATA_DIMS < vectors.length; row++) {
    const vector = rowOf(vectors, row);
    const norm = Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0));
    for (let i = 0; i < DATA_DIMS; i++) units[row * DATA_DIMS + i] = vector[i]! / norm;
  }
  return units;
}

/** The most that the inner product with any unit vector can differ between a row and its approximation. */
function largestDistance(rows: Float64Array, approximations: Float32Array): number {
  let largest = 0;
  for (let start = 0; start < rows.length; start += DATA_DIMS) {
    let sum = 0;
    for (let i = start; i < start + DATA_DIMS; i++) sum += (rows[i]! - approximations[i]!) ** 2;
    largest = Math.max(largest, sum);
  }
  return Math.sqrt(largest) + ROUNDING;
}
