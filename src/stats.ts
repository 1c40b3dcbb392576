import { native } from "./native.js";
import type { resolveStatsOptions } from "./options.js";
import { leastTraining, waitingForm } from "./search/coders.js";
import { queryCost } from "./search/forecast.js";
import { measureMachine } from "./search/machine_speed.js";
import type { Model } from "./search/model.js";
import { countCanaries } from "./storage/canaries.js";
import { codeBytes } from "./storage/codes.js";
import type { Database } from "./storage/database.js";
import { graphBytes } from "./storage/graph.js";
import { keywordBytes } from "./storage/keywords.js";
import { type Meta, readMeta } from "./storage/meta.js";
import { countPending, pendingBytes } from "./storage/pending.js";
import { type Traits, traitsOf } from "./storage/traits.js";
import type { QueryCost, Stats } from "./types.js";

/** What the figures of a store are read from. */
export interface StoreParts {
  database: Database;
  /** What a store without passages will have. */
  asked: Parameters<typeof traitsOf>[1];
  /** Bytes of a code's row and of a kept vector's, as they are in memory; 0 without. */
  codeRowBytes: number;
  keptRowBytes: number;
  /** The store's embedder, proven. */
  model(): Promise<Model>;
}

/** Sizes, settings and the foretold cost of a question. */
export async function readStats(
  { database, asked, codeRowBytes, keptRowBytes, model }: StoreParts,
  options: ReturnType<typeof resolveStatsOptions>,
): Promise<Stats> {
  const c = database.reader;
  const meta = readMeta(c);
  const traits = traitsOf(meta, meta.dims === undefined ? asked : {});
  // With a codebook none can wait.
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
    pendingForm: pending > 0 ? waitingForm(traits.codes) : undefined,
    pendingBytes: pending > 0 ? pendingBytes(c) : 0,
    trainsAt: pending > 0 && traits.codes !== "none" ? leastTraining(traits.codes) : undefined,
    codeBytesPerPassage: meta.codebook ? codeRowBytes : 0,
    rawBytes: meta.rawBytes,
    textBytes: meta.textBytes,
    codeBytes: codeBytes(c),
    fileBytes: database.fileBytes(),
    vectorBytes: meta.passages * (meta.dims ?? 0) * 4,
    keptBytes: meta.passages * keptRowBytes,
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
  model: StoreParts["model"],
): Promise<QueryCost | undefined> {
  // Of walks over a graph alone nothing was measured that would hold for any number of passages.
  const { codes, vectors } = traits;
  if (dims === undefined || passages === 0 || codes === "none") return undefined;
  const cost = queryCost({ codes, vectors, passages, dims }, { k, recall });
  if (!measure) return { recall, k, recomputes: cost.recomputes, ms: undefined, speed: undefined };
  const { embedder, turns } = await model();
  const { dims: _, ...speed } = await measureMachine(native(), embedder, { signal, turns });
  return { recall, k, recomputes: cost.recomputes, ms: cost.queryMs(speed), speed };
}
