import { EmbedlessError } from "../errors.js";
import type { NativeGraph, NativeIndex } from "../native.js";
import type { SearchOptions } from "../types.js";
import type { SearchPlan } from "./plan.js";
import { nodesMet, type Walk, windowOf } from "./walk.js";

/** What a search of a store without codes is to do. */
export interface AskedOfGraph {
  asked: SearchOptions["walk"];
  k: number;
  /** Mean share of the true k nearest to find. */
  recall: number;
  scores: SearchPlan["scores"];
  /** The caller's limit of recomputes. */
  maxRecomputes: number | undefined;
  /** Nodes that the filter lets through; `undefined` without one. */
  allowed: number | undefined;
}

/**
 * How to search where there are no codes: every passage that a walk meets is recomputed; or, where a filter leaves so few
 * that a walk would meet as many others, each of those.
 *
 * @throws `INVALID_ARGUMENT` for what takes estimates
 */
export function walkWithoutCodes(
  index: NativeIndex,
  graph: NativeGraph,
  { asked, k, recall, scores, maxRecomputes, allowed = index.live }: AskedOfGraph,
): Walk {
  const { mode = "exact", window } = asked === "scan" ? { mode: asked } : (asked ?? {});
  if (mode !== "exact") throw refusal(`walk: ${JSON.stringify(asked)}`, 'walk: { mode: "exact" }');
  if (maxRecomputes === 0) throw refusal("recompute: 0", "recompute: { max }");
  if (scores === "approx") throw refusal('scores: "approx"', 'scores: "exact"');
  const searchWindow = window ?? windowOf(graph, index, k, recall);
  const isWalk = nodesMet(graph, index, searchWindow, allowed) < allowed;
  return { mode, searchWindow, cap: maxRecomputes ?? index.count, ...(isWalk && { graph }) };
}

function refusal(given: string, instead: string): EmbedlessError {
  return new EmbedlessError(
    "INVALID_ARGUMENT",
    `The option ${given} takes estimates, but the store has codes "none": ask for ${instead}, or make a store with codes.`,
  );
}
