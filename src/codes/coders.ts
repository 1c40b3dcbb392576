import type { Codes, Metric, VectorKeeping } from "../api/codes.js";
import { EmbedlessError } from "../base/errors.js";
import { shippedCodebook } from "../embed/minilm/minilm.js";
import type { NativeAddon, NativeCoder, VectorForm } from "../native/surface.js";
import type { Connection } from "../storage/connection.js";
import type { CodebookReference } from "../storage/meta.js";
import { getCodebook } from "../storage/model_rows.js";

/** Passages that train a codebook while more are still coming. More passages do not raise the recall. */
export const TRAINING_PASSAGES = 4096;
/** Fewest passages that train a codebook; see `leastTraining`. */
const LEAST_TRAINING_PASSAGES = 1024;

/**
 * Fewest passages that train a codebook of these codes if no more are coming.
 *
 * With 1,024 a question recomputes about four passages more than with 4,096. With 512 nearly every later passage would
 * need exceptions of 8 bytes with its code, because it lies outside the ranges that the training saw, and the codes'
 * errors would be nearly twice as large as they claim. LeanVec waits for 4,096: with 1,024 the directions of its
 * projection lose 0.06 of the recall without recomputing.
 */
export function leastTraining(codes: Codes): number {
  return typeof codes === "object" && "leanvec" in codes ? TRAINING_PASSAGES : LEAST_TRAINING_PASSAGES;
}

/** The shape of a store's vectors. */
export interface VectorShape {
  readonly dims: number;
  readonly metric: Metric;
}

/** Finds the coders of a store's rows. Each is loaded once. */
export class Coders {
  readonly #addon: NativeAddon;
  readonly #loaded = new Map<string, NativeCoder>();

  constructor(addon: NativeAddon) {
    this.#addon = addon;
  }

  /**
   * The coder of a codebook, from the package or from the store itself. Without a codebook it is the coder of pending
   * rows.
   *
   * @throws EmbedlessError `NOT_FOUND` for a shipped codebook that this package lacks, `CORRUPT` for a damaged one, for
   *   one of another kind than the store's codes, and if the store's own is missing
   */
  async find(
    c: Connection,
    reference: CodebookReference | undefined,
    store: VectorShape & { readonly codes: Codes },
  ): Promise<NativeCoder> {
    if (reference === undefined) return this.pending(store.codes, store);
    let coder = this.#loaded.get(reference.sha256);
    if (coder === undefined) {
      coder = await this.#load(c, reference);
      this.#loaded.set(reference.sha256, coder);
    }
    if (coder.dims === store.dims && coder.metric === store.metric && coder.kind === kindOf(store.codes)) return coder;
    throw new EmbedlessError(
      "CORRUPT",
      `The codebook ${reference.sha256} does not fit the store's codes, ${store.dims} dims and metric ${store.metric}.`,
    );
  }

  /** The coder of kept vectors; `undefined` for a store that keeps none. */
  kept(vectors: VectorKeeping, shape: VectorShape): NativeCoder | undefined {
    return vectors === "recompute" ? undefined : this.#plain(vectors, shape);
  }

  /** The coder of rows that wait for a codebook, or for the graph with codes `"none"`. */
  pending(codes: Codes, shape: VectorShape): NativeCoder {
    return this.#plain(pendingForm(codes), shape);
  }

  /** The coder of a store without codes that has a graph and needs nothing else. */
  empty({ dims, metric }: VectorShape): NativeCoder {
    return this.#addon.createEmptyCoder(dims, metric);
  }

  #plain(form: VectorForm, { dims, metric }: VectorShape): NativeCoder {
    const key = `${form} ${dims} ${metric}`;
    let coder = this.#loaded.get(key);
    if (coder === undefined) {
      coder = this.#addon.createVectorCoder(form, dims, metric);
      this.#loaded.set(key, coder);
    }
    return coder;
  }

  async #load(c: Connection, { sha256, kind }: CodebookReference): Promise<NativeCoder> {
    const bytes = kind === "own" ? getCodebook(c, sha256) : await shippedCodebook(sha256)?.load();
    if (bytes === undefined) {
      const [code, where] =
        kind === "own"
          ? (["CORRUPT", "the store itself lacks it"] as const)
          : (["NOT_FOUND", "this version of the package does not have it"] as const);
      throw new EmbedlessError(code, `The store's codes refer to the codebook ${sha256}, but ${where}.`);
    }
    return this.#addon.loadCodebook(bytes);
  }
}

/**
 * The form in which passages wait for their codes. It is finer than the codes, because otherwise the codes' own errors
 * would be wrong.
 */
export function pendingForm(codes: Codes): "int8" | "float16" {
  return typeof codes === "object" && "bytes" in codes ? "int8" : codes === "lvq4" ? "int8" : "float16";
}

function kindOf(codes: Codes): NativeCoder["kind"] {
  if (typeof codes === "string") return "lvq";
  return "bytes" in codes ? "pq" : "leanvec";
}
