import {
  type PlanOptions,
  type QueryCost,
  resolvePlanOptions,
  type resolveStatsOptions,
  type Stats,
  type StorePlan,
} from "../api/stats.js";
import { leastTraining, pendingForm } from "../codes/coders.js";
import { forecast, measureMachine, queryCost } from "../codes/forecast.js";
import { minilm } from "../embed/minilm/minilm.js";
import type { OpenStore } from "../memory/open_store.js";
import { native } from "../native/native.js";
import { codeBytes } from "../storage/codes.js";
import { graphBytes } from "../storage/graph.js";
import { keywordBytes } from "../storage/keywords.js";
import { type Meta, readMeta } from "../storage/meta.js";
import { countCanaries } from "../storage/model_rows.js";
import { type Traits, traitsOf } from "../storage/traits.js";
import { countPending, pendingBytes } from "../storage/vectors.js";

/** Sizes, settings and the predicted cost of a question. */
export async function readStats(
  { database, settings, codes, vectors, model }: OpenStore,
  options: ReturnType<typeof resolveStatsOptions>,
): Promise<Stats> {
  await codes.refresh();
  const c = database.reader;
  const meta = readMeta(c);
  const traits = traitsOf(meta, meta.dims === undefined ? settings : {});
  // With a codebook no passages wait.
  const pending = meta.codebook ? 0 : countPending(c);
  const stats = {
    path: database.path,
    passages: meta.passages,
    dims: meta.dims,
    ...traits,
    embedder: meta.embedder?.id,
    batchCosine: meta.embedder?.batchCosine,
    canaries: countCanaries(c),
    codebook: codebookOf(meta),
    pending,
    pendingForm: pending > 0 ? pendingForm(traits.codes) : undefined,
    pendingBytes: pending > 0 ? pendingBytes(c) : 0,
    trainsAt: pending > 0 && traits.codes !== "none" ? leastTraining(traits.codes) : undefined,
    codeBytesPerPassage: meta.codebook ? (codes.current?.coder.rowBytes ?? 0) : 0,
    rawBytes: meta.rawBytes,
    textBytes: meta.textBytes,
    codeBytes: codeBytes(c),
    fileBytes: database.fileBytes(),
    vectorBytes: meta.passages * (meta.dims ?? 0) * 4,
    keptBytes: meta.passages * (vectors.coder?.rowBytes ?? 0),
    linked: meta.graph?.nodes ?? 0,
    graphBytes: graphBytes(c),
    keywordBytes: meta.keywords ? keywordBytes(c) : 0,
  };
  return { ...stats, query: await costOfQuery(meta, traits, options, model) };
}

function codebookOf({ codebook, dims, codes }: Meta): Stats["codebook"] {
  return codebook?.kind ?? (dims === undefined || codes === "none" ? "none" : "pending");
}

async function costOfQuery(
  { passages, dims }: Meta,
  traits: Traits,
  { k, recall, measure, signal }: ReturnType<typeof resolveStatsOptions>,
  model: OpenStore["model"],
): Promise<QueryCost | undefined> {
  // The cost of walks without codes was not measured for all numbers of passages.
  const { codes, vectors } = traits;
  if (dims === undefined || passages === 0 || codes === "none") return undefined;
  const cost = queryCost({ codes, vectors, passages, dims }, { k, recall });
  if (!measure) return { recall, k, recomputes: cost.recomputes, ms: undefined, speed: undefined };
  const { embedder, oneByOne } = await model.proven();
  const { dims: _, ...speed } = await measureMachine(native(), embedder, { signal, oneByOne });
  return { recall, k, recomputes: cost.recomputes, ms: cost.queryMs(speed), speed };
}

/**
 * Predicts the bytes and, from a measurement on this machine, the time of possible stores.
 *
 * @throws `INVALID_ARGUMENT`, `EMBEDDER_*`, `NATIVE_LOAD`, `ABORTED`
 */
export async function planStore(options: PlanOptions): Promise<StorePlan> {
  const { embedder: given, signal, ...goal } = resolvePlanOptions(options);
  const embedder = given ?? minilm();
  try {
    const { dims, ...speed } = await measureMachine(native(), embedder, { signal });
    return forecast(goal, speed, dims);
  } finally {
    if (given === undefined) await embedder.close?.();
  }
}
