import type { SearchOptions } from "../src/index.js";

/**
 * How the core searches; see its `SearchOptions`. `mode: "hybrid"` or `"keyword"` brings in the words of questions, and
 * takes a store with `keywords: true`; their scores are no cosines, and questions given as vectors are searched by meaning.
 */
export type SearchDials = Pick<SearchOptions, "mode" | "recall" | "recompute" | "scores" | "walk">;

/** The options that are dials, without those left out. */
export function dialsOf({ mode, recall, recompute, scores, walk }: SearchDials): SearchDials {
  return {
    ...(mode !== undefined && { mode }),
    ...(recall !== undefined && { recall }),
    ...(recompute !== undefined && { recompute }),
    ...(scores !== undefined && { scores }),
    ...(walk !== undefined && { walk }),
  };
}
