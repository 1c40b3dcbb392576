import {
  type AddOptions,
  EmbedlessError,
  type Filter,
  matchesFilter,
  type SearchOptions,
  type VectorStore,
} from "../../src/index.js";
import { invalid } from "../errors.js";
import type { StoreLocation } from "../lazy_store.js";
import type { SearchDials } from "../search_dials.js";

/** Options of one search, and a signal that stops it. */
export type SearchCallOptions = SearchDials & Pick<SearchOptions, "signal">;

/**
 * Where the passages are (see `StoreLocation`), and the defaults of all calls: options of searches, and what happens to
 * blank documents (see `AddDocumentsOptions`).
 */
export type EmbedlessConfig = SearchDials & Pick<AddOptions, "blank"> & StoreLocation;

/**
 * Options of `addDocuments` and `addVectors`: those of `VectorStore.add`, but `blank` is `"skip"` by default. Then a
 * document without text is not added, and the store counts it as `skipped`.
 */
export interface AddDocumentsOptions extends AddOptions {
  /**
   * One id per document. It overrides the document's own `id`. If the store has an id already, its document is
   * replaced.
   */
  ids?: string[];
}

/** What to delete: exactly one of the three. */
export interface DeleteOptions {
  /** Ids to delete. Ids that the store does not have are ignored. */
  ids?: string[];
  /** Deletes the documents whose metadata match. A filter without conditions is refused. */
  filter?: Filter;
  /** Deletes everything. */
  deleteAll?: boolean;
}

/**
 * The options of `delete`, checked, as the core takes them.
 *
 * @throws `INVALID_ARGUMENT` unless exactly one of `ids`, `filter` and `deleteAll: true` is given; `INVALID_FILTER`
 */
export function toDelete(options: unknown): Parameters<VectorStore["delete"]>[0] {
  if (options !== undefined && (typeof options !== "object" || options === null || Array.isArray(options))) {
    const received = Array.isArray(options) ? "an array" : options === null ? "null" : `a ${typeof options}`;
    throw invalid(
      `Expected { ids: [...] }, { filter } or { deleteAll: true } for delete, but received ${received}: write delete({ ids }).`,
    );
  }
  const { ids, filter, deleteAll, ...others } = (options ?? {}) as DeleteOptions;
  const [other] = Object.keys(others);
  if (other !== undefined) {
    throw invalid(`Expected ids, filter or deleteAll for delete, but received the option ${JSON.stringify(other)}.`);
  }
  if (typeof filter === "function" || filter === null) {
    const message = `Expected conditions on metadata for the filter of delete, but received ${filter && "a function"}.`;
    throw new EmbedlessError("INVALID_FILTER", message);
  }
  if (filter !== undefined) matchesFilter({}, filter);
  const given = [ids !== undefined, filter !== undefined, deleteAll === true].filter(Boolean).length;
  if (given !== 1) {
    throw invalid(`Expected one of ids, filter and deleteAll: true for delete, but received ${given || "none"}.`);
  }
  return ids !== undefined ? { ids } : filter !== undefined ? { filter } : { all: true };
}

/** The config without the options of single calls. */
export function locationOf(config: EmbedlessConfig): StoreLocation {
  const { mode: _, recall: __, recompute: ___, scores: ____, walk: _____, blank: ______, ...location } = config;
  return location as StoreLocation;
}
