import type { Embedder } from "../../src/index.js";

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
