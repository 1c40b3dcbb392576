import type { AddOptions, VectorStore as CoreStore, Filter, OpenOptions, SearchOptions } from "../../src/index.js";

/**
 * How the core searches; see its `SearchOptions`. `mode: "hybrid"` or `"keyword"` brings in the words of questions, and
 * takes a store with `keywords: true`; their scores are no cosines, and questions given as vectors are searched by meaning.
 */
export type SearchDials = Pick<SearchOptions, "mode" | "recall" | "recompute" | "scores" | "walk">;

/** The dials for one search, and what stops it. */
export type SearchCallOptions = SearchDials & Pick<SearchOptions, "signal">;

/**
 * Where the passages are and how they are searched.
 *
 * - `{ path }`: a store file, or a folder with `embedless.db` in it; made on first use if missing. All options of
 *   `VectorStore.open` but embedder and metric apply.
 * - `{ store }`: an open core store, which stays the caller's to close.
 * - neither: a private temporary file, removed on `close()` or when the process exits.
 *
 * The dials hold for every search that does not say otherwise.
 */
export type EmbedlessConfig = SearchDials &
  (
    | ({ path?: string; store?: undefined } & Omit<OpenOptions, "embedder" | "metric">)
    | { store: CoreStore; path?: undefined }
  );

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

/** What of the config is for opening the file. */
export function openOptionsOf(config: EmbedlessConfig): Omit<OpenOptions, "embedder" | "metric"> {
  if (config.store) return {};
  const {
    path: _,
    store: __,
    mode: ___,
    recall: ____,
    recompute: _____,
    scores: ______,
    walk: _______,
    ...options
  } = config;
  return options;
}
