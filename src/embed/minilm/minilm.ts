import { readFile } from "node:fs/promises";
import path from "node:path";
import type { Embedder, ShippedCodebook } from "../../api/embedder.js";
import { checkKeys } from "../../base/checks.js";
import { EmbedlessError } from "../../base/errors.js";
import { packagePath } from "../../base/packages.js";
import { LocalEmbedder } from "../local_embedder.js";
import { readModelFolder, sha256 } from "../model_folder.js";
import { folderTokenizer } from "../onnx_engine.js";

/**
 * The sha256 of the model as it was exported. Stores recognise the model by it, because other weights would be another
 * model.
 */
const WEIGHTS = "5b55b06f94eb566300002e3c1c9ff1399c2d7fa5b1a5e8652ec36c840254d7b2";

/**
 * The sha256 of `onnx/model_quantized.onnx`: the same weights in a graph that `export/optimize.mjs` has optimised. Its
 * vectors are equal to the last bit, and it loads in a third of the time. Each child process checks the file against
 * this.
 */
const FILE = "d15a65ed0af88c45ade9e8045b22a7cd8da51af487a6e9ef6a977231736ff5ce";

/** The model's positions, less `[CLS]` and `[SEP]`. */
const MAX_TOKENS = 254;

/** The folder of the bundled model. */
export function minilmFolder(): string {
  return packagePath("src", "embed", "minilm");
}

/**
 * Creates an embedder for the bundled model: all-MiniLM-L6-v2 as int8 (23.5 MB, English, 384 dims, unit vectors, 254
 * tokens per passage), with its own codebook. It runs on this machine and needs no network. `onnxruntime-node` must be
 * installed.
 *
 * @param options.workers Most child processes, about 150 MB of memory each. Default: one per processor.
 */
export function minilm(options: { workers?: number } = {}): Embedder {
  checkKeys("minilm", options, { workers: 1 });
  const folder = () => readModelFolder(minilmFolder());
  return new LocalEmbedder({
    id: `all-MiniLM-L6-v2:sha256:${WEIGHTS}`,
    dims: 384,
    maxTokens: MAX_TOKENS,
    source: { kind: "minilm" },
    codebook: newestCodebook(),
    workers: options.workers,
    spec: async () => ({ kind: "onnx", model: await folder(), sha256: FILE }),
    tokenizer: async () => folderTokenizer(await folder()),
  });
}

/**
 * Every codebook that this package ever shipped for the bundled model, named by sha256, newest last. Stores remember
 * the name of theirs, so a name is never removed. The files are `codebooks/<sha256>.bin`.
 */
const SHIPPED: readonly string[] = ["930344fe6209a6aba3e6d1f92a4acbecd2d54d22484b88da03a311f4c6c0bb15"];

/** The codebook for new stores; `undefined` if the package ships none. */
export function newestCodebook(): ShippedCodebook | undefined {
  const name = SHIPPED.at(-1);
  return name === undefined ? undefined : codebookFile(codebookFolder(), name);
}

/** The shipped codebook of that name, or `undefined` if there is none. */
export function shippedCodebook(name: string): ShippedCodebook | undefined {
  return SHIPPED.includes(name) ? codebookFile(codebookFolder(), name) : undefined;
}

/** The folder of the codebook files. */
export function codebookFolder(): string {
  return packagePath("src", "embed", "minilm", "codebooks");
}

/** The codebook in `<folder>/<name>.bin`. Its name must be the sha256 of its bytes. */
export function codebookFile(folder: string, name: string): ShippedCodebook {
  const file = path.join(folder, `${name}.bin`);
  return {
    sha256: name,
    load: async () => {
      const bytes = await readFile(file).catch((cause: NodeJS.ErrnoException) => {
        const code = cause.code === "ENOENT" ? "NOT_FOUND" : "IO";
        throw new EmbedlessError(code, `Cannot read the codebook ${file}: ${cause.message}`, { cause });
      });
      if (sha256(bytes) !== name)
        throw new EmbedlessError("CORRUPT", `The codebook ${file} is damaged: its sha256 is not its name.`);
      return new Uint8Array(bytes);
    },
  };
}
