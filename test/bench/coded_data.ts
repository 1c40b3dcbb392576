import { codeOfName } from "../../src/cli/code_names.js";
import { newestCodebook } from "../../src/embed/minilm/minilm.js";
import type { ExactVectors } from "../../src/memory/vectors.js";
import type { NativeAddon, NativeCoder, NativeIndex } from "../../src/native/surface.js";
import { DATA_DIMS, readQueries, rowOf, SET_NAMES } from "../support/data.js";
import { trainOn } from "./codebook.js";
import type { CodebookName } from "./reference.js";

/** All codes that are measured, by size. */
export const CODE_NAMES: readonly string[] = [
  "24",
  "32",
  "48",
  "64",
  "leanvec160-lvq4-pca",
  "96",
  "128",
  "leanvec160-lvq8-pca",
  "leanvec160-lvq8-ood",
  "192",
  "lvq4",
  "lvq8",
  "lvq4x8",
];

/** The code of stores with the bundled model: the only one with a codebook that comes with the package. */
export const BUNDLED_CODE = "48";

/** The data's passages as codes. */
export interface CodedData {
  readonly code: string;
  readonly codebook: CodebookName;
  readonly index: NativeIndex;
  /** Bytes stored for a vector: its row, its share of the exceptions, its live bit. */
  readonly bytesPerVector: number;
}

/** Codebooks of a code: one trained on the data, and the bundled one where there is one. */
export function codebooksOf(code: string): readonly CodebookName[] {
  return code === BUNDLED_CODE ? ["trained", "bundled"] : ["trained"];
}

/** Codes of `vectors` by the code and codebook named. `data` is where sample queries come from, if the code needs some. */
export async function codeData(
  addon: NativeAddon,
  vectors: Float32Array,
  code: string,
  codebook: CodebookName,
  data: string,
): Promise<CodedData> {
  const coder = codebook === "trained" ? await trainedCoder(addon, vectors, code, data) : await bundledCoder(addon);
  const index = addon.createIndex(coder);
  const rows = await coder.encode(vectors);
  index.publish({ rows });
  const bytesPerVector = (rows.rows.length + rows.exceptions.length) / index.count + 1 / 8;
  return { code, codebook, index, bytesPerVector };
}

async function trainedCoder(
  addon: NativeAddon,
  vectors: Float32Array,
  code: string,
  data: string,
): Promise<NativeCoder> {
  const queries = code.endsWith("-ood") ? evenQueries(data) : undefined;
  return await trainOn(addon, vectors, { threads: 2, code: codeOfName(code), ...(queries && { queries }) });
}

/** Queries at even places of both sets: those at odd ones judge. */
function evenQueries(data: string): Float32Array {
  const rows = SET_NAMES.flatMap((name) => {
    const { vectors, count } = readQueries(data, name);
    return Array.from({ length: Math.ceil(count / 2) }, (_, i) => rowOf(vectors, 2 * i));
  });
  const flat = new Float32Array(rows.length * DATA_DIMS);
  rows.forEach((row, i) => {
    flat.set(row, i * DATA_DIMS);
  });
  return flat;
}

async function bundledCoder(addon: NativeAddon): Promise<NativeCoder> {
  const shipped = newestCodebook();
  if (shipped === undefined) throw new Error("The package has no codebook yet; run the benchmark codebook first.");
  return addon.loadCodebook(await shipped.load());
}

/** Hands out the data's vectors in the place of a model. */
export function handOut(vectors: Float32Array): ExactVectors {
  return {
    vectorsOf: async (nodes) => ({
      vectors: nodes.map((node) => rowOf(vectors, node)),
      sources: nodes.map(() => "recompute" as const),
      embedded: nodes.length,
      readMs: 0,
    }),
  };
}
