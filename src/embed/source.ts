import { EmbedlessError, show } from "../errors.js";
import type { Embedder, EmbedderSource } from "./embedder.js";
import { httpEmbedder } from "./http.js";
import { minilm } from "./minilm/minilm.js";
import { onnxEmbedder } from "./onnx.js";
import { transformersEmbedder } from "./transformers.js";

/**
 * Makes the embedder that a store names. Secrets are never stored: a key for a server is taken from the environment
 * variable `EMBEDLESS_API_KEY`.
 *
 * @throws EmbedlessError `NOT_FOUND` if the model's folder is gone, `FORMAT_VERSION` for a kind that this version does not know
 */
export async function embedderFromSource(source: EmbedderSource): Promise<Embedder> {
  const { kind, ...options } = source;
  // Spread types lose which options belong to which kind, hence the second look at `source`.
  if (source.kind === "minilm") return minilm();
  if (source.kind === "onnx") return onnxEmbedder({ ...options, folder: source.folder });
  if (source.kind === "transformers") return transformersEmbedder({ ...options, model: source.model });
  if (source.kind === "http") return httpEmbedder({ ...options, url: source.url, model: source.model });
  throw new EmbedlessError("FORMAT_VERSION", `The store names an embedder of the unknown kind ${show(kind)}.`);
}
