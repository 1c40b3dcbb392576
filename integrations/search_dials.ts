import type { SearchOptions } from "../src/index.js";

/**
 * How the core searches; see its `SearchOptions`. `mode: "hybrid"` or `"keyword"` also searches by the words of
 * questions and needs a store with `keywords: true`. Their scores are not cosines. Questions given as vectors are
 * searched by meaning.
 */
export type SearchDials = Pick<SearchOptions, "mode" | "recall" | "recompute" | "scores" | "walk">;

/** The search options among `options`, without those that are undefined. */
export function dialsOf({ mode, recall, recompute, scores, walk }: SearchDials): SearchDials {
  return {
    ...(mode !== undefined && { mode }),
    ...(recall !== undefined && { recall }),
    ...(recompute !== undefined && { recompute }),
    ...(scores !== undefined && { scores }),
    ...(walk !== undefined && { walk }),
  };
}
