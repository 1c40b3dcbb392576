import { normal, seeded } from "../support/seeded.js";

/**
 * Vectors whose variance falls from one direction to the next as that of sentence embeddings does: by about a power law,
 * the last directions hardly used. The directions are the axes, which no code knows.
 */
export function decayingVectors(count: number, dims: number, seed: number): Float32Array {
  const random = seeded(seed);
  const deviations = Float64Array.from({ length: dims }, (_, i) => (1 + i / 8) ** -0.6);
  const vectors = new Float32Array(count * dims);
  for (let i = 0; i < vectors.length; i++) vectors[i] = deviations[i % dims]! * normal(random);
  return vectors;
}
