import { EmbedlessError, outOfRange } from "../errors.js";
import type { Coders } from "../search/coders.js";
import type { Model } from "../search/model.js";
import type { Database } from "../storage/database.js";
import { needsSampleQueries, type Traits } from "../storage/traits.js";
import type { Codes } from "../types.js";
import type { Coding } from "./coding.js";
import type { Circumstances } from "./commit.js";
import { embedSampleQueries, type SampleQuery } from "./sample_queries.js";

/** What a new store is made from. */
export interface BirthParts {
  database: Database;
  coders: Coders;
  model: () => Promise<Model>;
  sampleQueries: readonly SampleQuery[] | undefined;
}

/**
 * Learns all that a store has to be told with its first passages. Writes nothing.
 *
 * @throws `INVALID_ARGUMENT` if its codes do not suit the model's vectors or need sample queries that were not given;
 *   `DIMENSION_MISMATCH`, `INVALID_VECTOR` for a sample query; `EMBEDDER_*`, `ABORTED`
 */
export async function beginStore(
  { database, coders, model: find, sampleQueries }: BirthParts,
  traits: Traits,
  signal: AbortSignal | undefined,
): Promise<Circumstances> {
  const samples = needsSampleQueries(traits.codes) ? requireSamples(sampleQueries) : [];
  const model = await find();
  const { embedder } = model;
  const { dims, canaries } = await model.introduce(signal);
  requireFittingCodes(traits.codes, dims);
  const shape = { dims, metric: traits.metric };
  const queries = await embedSampleQueries(samples, model, shape, signal);
  const shipped = takesShipped(traits) ? embedder.codebook : undefined;
  const reference: Coding["reference"] = shipped && { sha256: shipped.sha256, kind: "shipped" };
  return {
    ...traits,
    dims,
    made: { coder: await coders.find(database.reader, reference, { dims, ...traits }), reference },
    kept: coders.kept(traits.vectors, shape),
    birth: { embedder: { id: embedder.id, source: embedder.source }, canaries, sampleQueries: queries },
  };
}

/** Codebooks are shipped for one kind of codes only. */
function takesShipped({ metric, codes }: Traits): boolean {
  return metric === "cosine" && typeof codes === "object" && "bytes" in codes && codes.bytes === 48;
}

function requireSamples(samples: readonly SampleQuery[] | undefined): readonly SampleQuery[] {
  if (samples !== undefined) return samples;
  throw new EmbedlessError(
    "INVALID_ARGUMENT",
    'Codes with training: "ood" are fitted to questions like those to come: give some to open() as the option ' +
      'sampleQueries, or take training: "pca".',
  );
}

function requireFittingCodes(codes: Codes, dims: number): void {
  if (typeof codes !== "object" || !("leanvec" in codes) || codes.leanvec.dims <= dims) return;
  throw outOfRange("codes.leanvec.dims", `at most ${dims}, the dims of the embedder's vectors,`, codes.leanvec.dims);
}
