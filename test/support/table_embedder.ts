import type { Embedder } from "../../src/index.js";
import { seeded } from "./seeded.js";

/** An embedder whose vectors are looked up: `vectorOf` says them, the same for questions and passages. */
export function tableEmbedder(
  dims: number,
  vectorOf: (text: string) => Float32Array,
  id = `table-${dims}`,
): Embedder & { documents: number } {
  const embedder = {
    id,
    dims,
    documents: 0,
    embedDocuments: async (texts: string[]) => {
      embedder.documents += texts.length;
      return texts.map(vectorOf);
    },
    embedQuery: async (text: string) => vectorOf(text),
  };
  return embedder;
}

/** A seed that depends on nothing but the text (FNV-1a). */
export function seedOf(text: string): number {
  let hash = 2166136261;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 16777619);
  return hash >>> 0;
}

/** A function from texts to vectors of length 1 in random directions, the same for the same text. */
export function directions(dims: number): (text: string) => Float32Array {
  const known = new Map<string, Float32Array>();
  return (text) => {
    const found = known.get(text);
    if (found) return found;
    const random = seeded(seedOf(text));
    const drawn = Float32Array.from({ length: dims }, () => random() + random() + random() - 1.5);
    const length = Math.hypot(...drawn);
    const vector = drawn.map((value) => value / length);
    known.set(text, vector);
    return vector;
  };
}
