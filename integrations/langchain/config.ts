import type { AddOptions, Filter, SearchOptions } from "../../src/index.js";
import type { StoreLocation } from "../lazy_store.js";
import type { SearchDials } from "../search_dials.js";

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

/** The config without its dials. */
export function locationOf(config: EmbedlessConfig): StoreLocation {
  const { mode: _, recall: __, recompute: ___, scores: ____, walk: _____, ...location } = config;
  return location as StoreLocation;
}
