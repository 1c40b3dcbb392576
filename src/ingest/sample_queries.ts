import { inBatches } from "../embed/batches.js";
import { limitsOf } from "../embed/limits.js";
import { cleanText } from "../passage/text.js";
import type { Model } from "../search/model.js";
import { cleanVector, requireVector } from "../search/vectors.js";
import type { OpenOptions } from "../types.js";

/** Most sample queries that are used: as many as passages make a codebook. */
export const MAX_SAMPLE_QUERIES = 4096;

/** A question like those to come, checked; `label` says where it stood, for errors. */
export interface SampleQuery {
  readonly label: string;
  readonly query: string | Float32Array;
}

/**
 * Checks sample queries and copies those that will be used: of too many, evenly spread ones.
 *
 * @throws `INVALID_TEXT` or `INVALID_VECTOR`, naming the query
 */
export function prepareSampleQueries(raw: NonNullable<OpenOptions["sampleQueries"]>): SampleQuery[] {
  const used = Math.min(raw.length, MAX_SAMPLE_QUERIES);
  return Array.from({ length: used }, (_, i) => {
    const at = Math.floor((i * raw.length) / used);
    const label = `sampleQueries[${at}]`;
    const query = raw[at];
    return { label, query: typeof query === "string" ? cleanText(query, label) : cleanVector(query, label) };
  });
}

/**
 * The vectors of sample queries, in order; texts are embedded as questions, as many at once as the embedder takes.
 *
 * @throws `DIMENSION_MISMATCH`, `INVALID_VECTOR`, naming the query; `EMBEDDER_*`, `ABORTED`
 */
export async function embedSampleQueries(
  samples: readonly SampleQuery[],
  model: Model,
  shape: { dims: number; metric: string },
  signal: AbortSignal | undefined,
): Promise<Float32Array[]> {
  const given = samples.filter(({ query }) => typeof query !== "string");
  for (const { query, label } of given) requireVector(query as Float32Array, shape, label);
  const vectors = new Array<Float32Array>(samples.length);
  // One that does not say how many it can take is asked one question at a time.
  const lanes = model.embedder.concurrency === undefined ? 1 : limitsOf(model.embedder).concurrency;
  await inBatches(samples, { size: 1, lanes, signal }, async ({ start, items: [sample] }, stop) => {
    const { query, label } = sample!;
    vectors[start] = typeof query === "string" ? await model.embedQuestion(query, stop) : query;
    requireVector(vectors[start]!, shape, `the vector of ${label}`);
  });
  return vectors;
}
