import { readFile } from "node:fs/promises";
import path from "node:path";
import type { ShippedCodebook } from "../../api/embedder.js";
import { EmbedlessError } from "../../base/errors.js";
import { packagePath } from "../../base/packages.js";
import { sha256 } from "../model_folder.js";

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
