import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { codebookFolder, newestCodebook } from "../../src/embed/minilm/minilm.js";
import { sha256 } from "../../src/embed/model_folder.js";
import { native } from "../../src/native/native.js";
import type { NativeAddon, NativeCoder, NativeCodes } from "../../src/native/surface.js";
import { DATA_DIMS, type DataPassage, isAskedAbout, readPassages, readVectors, rowOf } from "../support/data.js";
import type { Bench, BenchContext } from "./bench.js";

/** Bytes of code a vector, factors not counted. */
export const CODE_BYTES = 48;

/** A codebook from all of `vectors`, the way the store trains one. Default code: that of `CODE_BYTES`. */
export function trainOn(
  addon: NativeAddon,
  vectors: Float32Array,
  options: { threads: number; code?: NativeCodes; queries?: Float32Array },
): Promise<NativeCoder> {
  return addon.trainCodebook(vectors, {
    dims: DATA_DIMS,
    metric: "cosine",
    code: { bytes: CODE_BYTES },
    ...options,
  });
}

/** The vectors that the bundled codebook is trained on: passages on topics that no question asks about. */
export function transferVectors(vectors: Float32Array, passages: readonly DataPassage[]): Float32Array {
  const kept = passages.flatMap((passage, i) => (isAskedAbout(passage) ? [] : [i]));
  const sample = new Float32Array(kept.length * DATA_DIMS);
  kept.forEach((row, i) => {
    sample.set(rowOf(vectors, row), i * DATA_DIMS);
  });
  return sample;
}

/** Makes the codebook that ships with the default model. */
export const codebook: Bench = {
  name: "codebook",
  about: "trains the codebook of the bundled model and writes it to src/embed/minilm/codebooks",
  needsData: true,
  run: makeCodebook,
};

async function makeCodebook({ report, data }: BenchContext): Promise<void> {
  const addon = native();
  const sample = transferVectors(readVectors(data), readPassages(data));
  const bytes = (await trainOn(addon, sample, { threads: 2 })).save();
  const alone = (await trainOn(addon, sample, { threads: 1 })).save();
  const name = sha256(bytes);
  if (sha256(alone) !== name) throw new Error("The codebook depends on the number of threads; nothing was written.");

  const folder = codebookFolder();
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, `${name}.bin`), bytes);
  report.figures("codebook", [
    {
      record: {
        sha256: name,
        bytes: bytes.length,
        trainedOn: sample.length / DATA_DIMS,
        files: readdirSync(folder).length,
      },
    },
  ]);
  const listed = newestCodebook()?.sha256 === name;
  report.note(
    listed ? "It is the newest of SHIPPED in codebook.ts." : `Add to SHIPPED in codebook.ts, last: "${name}",`,
  );
}
