import { newestCodebook } from "../../src/embed/minilm/codebook.js";
import type { NativeAddon, NativeCoder, NativeIndex } from "../../src/native.js";
import { Flights } from "../../src/search/flights.js";
import { Recompute } from "../../src/search/recompute.js";
import { DATA_DIMS, rowOf } from "../support/data.js";
import { trainOn } from "./codebook.js";
import type { CodebookName } from "./reference.js";

/** The data's passages as codes. */
export interface CodedData {
  readonly codebook: CodebookName;
  readonly index: NativeIndex;
  /** Bytes stored for a vector: its row, its share of the exceptions, its live bit. */
  readonly bytesPerVector: number;
}

export const CODEBOOK_NAMES: readonly CodebookName[] = ["trained", "bundled"];

/** Codes of `vectors` by the codebook named. */
export async function codeData(addon: NativeAddon, vectors: Float32Array, codebook: CodebookName): Promise<CodedData> {
  const coder = codebook === "trained" ? await trainOn(addon, vectors, 2) : await bundledCoder(addon);
  const index = addon.createIndex(coder);
  const rows = await coder.encode(vectors);
  index.publish({ rows });
  const bytesPerVector = (rows.rows.length + rows.exceptions.length) / index.count + 1 / 8;
  return { codebook, index, bytesPerVector };
}

async function bundledCoder(addon: NativeAddon): Promise<NativeCoder> {
  const shipped = newestCodebook();
  if (shipped === undefined) throw new Error("The package has no codebook yet; run the benchmark codebook first.");
  return addon.loadCodebook(await shipped.load());
}

/** The store's way from nodes to vectors, except that the "model" hands out the data's vectors. Nothing is cached. */
export function handOut(vectors: Float32Array): Recompute {
  const flights = new Flights(async (texts) => texts.map((text) => rowOf(vectors, Number(text), DATA_DIMS)));
  return new Recompute(flights, (nodes) => new Map(nodes.map((node) => [node, String(node)])), 0);
}
