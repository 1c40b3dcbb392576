import type { AddOptions, Filter, SearchOptions } from "../../src/index.js";
import type { StoreLocation } from "../lazy_store.js";

/**
 * How the core searches; see its `SearchOptions`. `mode: "hybrid"` or `"keyword"` brings in the words of questions, and
 * takes a store with `keywords: true`; their scores are no cosines, and questions given as vectors are searched by meaning.
 */
export type SearchDials = Pick<SearchOptions, "mode" | "recall" | "recompute" | "scores" | "walk">;

/** The dials for one search, and what stops it. */
export type SearchCallOptions = SearchDials & Pick<SearchOptions, "signal">;

/** Where the passages are (see `StoreLocation`), and dials that hold for every search that does not say otherwise. */
export type EmbedlessConfig = SearchDials & StoreLocation;

/** Options of `addDocuments` and `addVectors`. */
export interface AddDocumentsOptions extends AddOptions {
  /** One id a document; goes before the document's own `id`. An id the store has already is replaced. */
  ids?: string[];
}

/** What to delete: exactly one of the three. */
export interface DeleteOptions {
  /** Ids to delete; those that the store does not have are ignored. */
  ids?: string[];
  /** Deletes the documents whose metadata match; one without conditions is refused. */
  filter?: Filter;
  /** Deletes everything. */
  deleteAll?: boolean;
}

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

/** The config without its dials. */
export function locationOf(config: EmbedlessConfig): StoreLocation {
  const { mode: _, recall: __, recompute: ___, scores: ____, walk: _____, ...location } = config;
  return location as StoreLocation;
}
