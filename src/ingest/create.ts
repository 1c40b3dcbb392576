import type { Codes } from "../api/codes.js";
import { requireVector } from "../api/input.js";
import type { SampleQuery } from "../api/open.js";
import { inBatches } from "../base/concurrency.js";
import { EmbedlessError, outOfRange, warnOnce } from "../base/errors.js";
import type { Coding } from "../codes/coding.js";
import { limitsOf } from "../embed/guard.js";
import type { Introduction } from "../embed/introduction.js";
import type { Model } from "../embed/model.js";
import type { OpenStore } from "../memory/open_store.js";
import { needsSampleQueries, type Traits } from "../storage/traits.js";
import type { StoreForm } from "./commit.js";

/**
 * Determines everything that a store is created with. Writes nothing.
 *
 * @param passages The first texts of the store.
 * @throws `INVALID_ARGUMENT` if its codes do not suit the model's vectors or need sample queries that were not given;
 *   `DIMENSION_MISMATCH`, `INVALID_VECTOR` for a sample query; `EMBEDDER_OUTPUT` also for a model whose vectors are not
 *   reproducible; other `EMBEDDER_*`, `ABORTED`
 */
export async function formOfNewStore(
  { database, coders, model: ofStore, settings }: OpenStore,
  passages: readonly string[],
  traits: Traits,
  signal: AbortSignal | undefined,
): Promise<StoreForm> {
  const samples = needsSampleQueries(traits.codes) ? requireSamples(settings.sampleQueries) : [];
  const model = await ofStore.proven();
  const { embedder } = model;
  const introduction = await model.introduce(passages, traits.metric, signal);
  const { dims, canaries, batchCosine } = introduction;
  warnOf(embedder.id, introduction);
  requireFittingCodes(traits.codes, dims);
  const shape = { dims, metric: traits.metric };
  const queries = await embedSampleQueries(samples, model, shape, signal);
  const shipped = takesShipped(traits) ? embedder.codebook : undefined;
  const reference: Coding["reference"] = shipped && { sha256: shipped.sha256, kind: "shipped" };
  return {
    ...traits,
    dims,
    coding: { coder: await coders.find(database.reader, reference, { dims, ...traits }), reference },
    kept: coders.kept(traits.vectors, shape),
    creation: { embedder: { id: embedder.id, source: embedder.source, batchCosine }, canaries, sampleQueries: queries },
  };
}

/** Warns of what will be slower or less certain than the user may expect. */
function warnOf(id: string, { batchCosine, canaries }: Introduction): void {
  if (batchCosine !== undefined) {
    warnOnce(
      "EMBEDLESS_ONE_BY_ONE",
      `The vectors of the embedder ${id} depend on the batch (cosine ${batchCosine.toFixed(4)} between a text alone and among ` +
        "others). This store embeds one text at a time, which is slower but always gives the same scores.",
    );
  }
  if (canaries.length === 0) {
    warnOnce(
      "EMBEDLESS_NO_CANARIES",
      `The embedder ${id} cannot embed the texts by which a store recognises its model. Another model of this name ` +
        "is noticed only if scores contradict the codes.",
    );
  }
}

/** Whether these traits use a shipped codebook. There is one only for one kind of codes. */
function takesShipped({ metric, codes }: Traits): boolean {
  return metric === "cosine" && typeof codes === "object" && "bytes" in codes && codes.bytes === 48;
}

function requireSamples(samples: readonly SampleQuery[] | undefined): readonly SampleQuery[] {
  if (samples !== undefined) return samples;
  throw new EmbedlessError(
    "INVALID_ARGUMENT",
    'Codes with training: "ood" are fitted to questions. Give questions like those to come to open() as the option ' +
      'sampleQueries, or use training: "pca".',
  );
}

function requireFittingCodes(codes: Codes, dims: number): void {
  if (typeof codes !== "object" || !("leanvec" in codes) || codes.leanvec.dims <= dims) return;
  throw outOfRange("codes.leanvec.dims", `at most ${dims}, the dims of the embedder's vectors,`, codes.leanvec.dims);
}

/**
 * The vectors of sample queries, in order. Texts are embedded as questions, as many at once as the embedder takes.
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
  // An embedder that does not say how many it can take gets one question at a time.
  const lanes = model.embedder.concurrency === undefined ? 1 : limitsOf(model.embedder).concurrency;
  await inBatches(samples, { size: 1, lanes, signal }, async ({ start, items: [sample] }, stop) => {
    const { query, label } = sample!;
    vectors[start] = typeof query === "string" ? await model.embedQuestion(query, stop) : query;
    requireVector(vectors[start]!, shape, `the vector of ${label}`);
  });
  return vectors;
}
