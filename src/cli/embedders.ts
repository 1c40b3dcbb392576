/** From `--model` and `--url` to an embedder. */

import { statSync } from "node:fs";
import { resolve } from "node:path";
import type { Embedder } from "../embed/embedder.js";
import { EmbedlessError } from "../errors.js";
import { httpEmbedder, minilm, onnxEmbedder, transformersEmbedder } from "../index.js";

/**
 * The embedder that the options name; `undefined` if they name none, so that the store finds its own.
 *
 * `model` is `minilm`, a folder with an ONNX model, or a name on the Hugging Face hub; with `url` it is the name that the
 * server there knows.
 */
export async function embedderFor(model: string | undefined, url: string | undefined): Promise<Embedder | undefined> {
  if (model === undefined) return undefined;
  if (url !== undefined) return httpEmbedder({ url, model });
  if (model === "minilm") return minilm();
  if (isFolder(model)) return onnxEmbedder({ folder: resolve(model) });
  if (/^(\.{0,2}[/\\]|[A-Za-z]:\\)/.test(model)) {
    throw new EmbedlessError("NOT_FOUND", `There is no model folder ${JSON.stringify(model)}.`);
  }
  return transformersEmbedder({ model });
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
