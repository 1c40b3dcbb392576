import { EmbedlessError } from "../errors.js";
import type { Pooling } from "./embedder.js";

/** What a model answered for one text: one vector a token, or one for the whole text. */
export interface ModelOutput {
  readonly data: Float32Array;
  /** `[1, tokens, dims]` or `[1, dims]`. */
  readonly shape: readonly number[];
}

/** The vector of a text from a model's answer for it. A model that pools by itself is left alone. */
export function sentenceVector(output: ModelOutput, pooling: Pooling, normalize: boolean): Float32Array {
  const [texts, tokens, dims] = output.shape.length === 2 ? [output.shape[0]!, 1, output.shape[1]!] : output.shape;
  if (texts !== 1 || !tokens || !dims || output.data.length !== tokens * dims)
    throw new EmbedlessError(
      "EMBEDDER_OUTPUT",
      `Expected one text's vectors from the model, but it answered the shape [${output.shape}].`,
    );
  const vector = new Float64Array(dims);
  const [first, end] = pooling === "mean" ? [0, tokens] : pooling === "cls" ? [0, 1] : [tokens - 1, tokens];
  for (let token = first; token < end; token++) {
    for (let i = 0; i < dims; i++) vector[i]! += output.data[token * dims + i]!;
  }
  const divisor = normalize ? Math.hypot(...vector) || 1 : end - first;
  return Float32Array.from(vector, (x) => x / divisor);
}
