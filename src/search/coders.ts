import { shippedCodebook } from "../embed/minilm/codebook.js";
import { EmbedlessError } from "../errors.js";
import type { NativeAddon, NativeCoder } from "../native.js";
import { getCodebook } from "../storage/codebooks.js";
import type { Connection } from "../storage/connection.js";
import type { CodebookReference } from "../storage/meta.js";
import type { Metric } from "../types.js";

/** Finds the coders of codebooks that a store refers to; each is loaded once. */
export class Coders {
  readonly #addon: NativeAddon;
  readonly #loaded = new Map<string, NativeCoder>();

  constructor(addon: NativeAddon) {
    this.#addon = addon;
  }

  /**
   * The coder of a codebook, from the package or from the store itself; the int8 coder while there is none.
   *
   * @throws EmbedlessError `NOT_FOUND` for a shipped codebook that this package lacks, `CORRUPT` for a damaged one
   */
  async find(
    c: Connection,
    reference: CodebookReference | undefined,
    shape: { dims: number; metric: Metric },
  ): Promise<NativeCoder> {
    const key = reference?.sha256 ?? `int8 ${shape.dims} ${shape.metric}`;
    let coder = this.#loaded.get(key);
    if (coder === undefined) {
      coder = reference
        ? await this.#load(c, reference)
        : this.#addon.createVectorCoder("int8", shape.dims, shape.metric);
      this.#loaded.set(key, coder);
    }
    if (coder.dims === shape.dims && coder.metric === shape.metric) return coder;
    throw new EmbedlessError("CORRUPT", `The codebook ${key} does not fit the store's ${shape.dims} dims and metric.`);
  }

  async #load(c: Connection, { sha256, kind }: CodebookReference): Promise<NativeCoder> {
    const bytes = kind === "own" ? getCodebook(c, sha256) : await shippedCodebook(sha256)?.load();
    if (bytes === undefined) {
      const where = kind === "own" ? "the store itself lacks it" : "this version of the package does not have it";
      throw new EmbedlessError("NOT_FOUND", `The store's codes refer to the codebook ${sha256}, but ${where}.`);
    }
    return this.#addon.loadCodebook(bytes);
  }
}
