import { DEFAULT_SIMILARITY_TOP_K, type VectorStoreQuery, VectorStoreQueryMode } from "llamaindex";
import type { Filter, Hit, PassageTest, SearchOptions, Store } from "../../src/index.js";
import { invalid } from "../errors.js";
import { withinStore } from "../hit_limit.js";
import type { SearchDials } from "../search_dials.js";
import { both, NOTHING, toFilter } from "./filters.js";
import { diverse } from "./mmr.js";
import { RECORD, sourceOf } from "./stored_node.js";

/** `"own"`: the store's own model embeds the question. `"given"`: the vector that comes with the question is used. */
export type QueryEmbedding = "own" | "given";

/** Most ids that become conditions. With more ids, a function looks at each passage. */
const MOST_CONDITIONS = 1_000;
/** MMR chooses among this many candidates per wanted hit, and among at least 20. */
const CANDIDATES_PER_HIT = 4;
const FEWEST_CANDIDATES = 20;
/** The weight if none is given. */
const MMR_THRESHOLD = 0.5;

/**
 * The hits of a LlamaIndex query, best first. In the mode MMR they are in the order they were chosen.
 *
 * @throws `INVALID_ARGUMENT`, `INVALID_FILTER`, and what a search of the core throws
 */
export async function find(
  store: Store,
  query: VectorStoreQuery,
  dials: SearchDials & Pick<SearchOptions, "signal">,
  prefer: QueryEmbedding,
): Promise<Hit[]> {
  const { similarityTopK: k = DEFAULT_SIMILARITY_TOP_K, mode = VectorStoreQueryMode.DEFAULT } = query;
  const way = wayOf(mode, query.alpha);
  const threshold = share("mmrThreshold", query.mmrThreshold ?? MMR_THRESHOLD);
  const filter = both(toFilter(query.filters), await ofDocuments(store, query.docIds));
  const question = way === "vector" || way === "mmr" ? questionOf(query, prefer) : wordsOf(query, mode);
  if (k < 1 || question === "") return [];
  const options = { ...dials, ...(filter && { filter }), includeVectors: true, explain: true };
  if (way !== "mmr") {
    return (await store.search(question, { ...options, mode: way, k: await withinStore(k, store) })).hits;
  }
  const candidates = await withinStore(Math.max(FEWEST_CANDIDATES, CANDIDATES_PER_HIT * k), store);
  const { hits } = await store.search(question, { ...options, k: candidates });
  return diverse(hits, k, threshold);
}

/** The core's mode for a LlamaIndex mode. */
function wayOf(mode: `${VectorStoreQueryMode}`, alpha: number | undefined): "vector" | "keyword" | "hybrid" | "mmr" {
  switch (mode) {
    case "default":
      return "vector";
    case "mmr":
      return "mmr";
    case "sparse":
      return "keyword";
    case "hybrid": {
      const weight = share("alpha", alpha ?? 0.5);
      if (weight === 0) return "keyword";
      return weight === 1 ? "vector" : "hybrid";
    }
    default:
      throw invalid(`Expected mode default, mmr, hybrid or sparse, but received ${JSON.stringify(mode)}.`);
  }
}

function share(name: string, value: unknown): number {
  if (typeof value === "number" && value >= 0 && value <= 1) return value;
  throw invalid(`Expected a number from 0 to 1 for ${name}, but received ${String(value)}.`);
}

/**
 * The question as words or as a vector. If both are given, `prefer` decides. Empty if there is no vector and no words.
 */
function questionOf({ queryStr, queryEmbedding }: VectorStoreQuery, prefer: QueryEmbedding): string | number[] {
  const words = textOf(queryStr) || undefined;
  const vector = queryEmbedding ?? undefined;
  const question = prefer === "own" ? (words ?? vector) : (vector ?? words);
  if (question !== undefined) return question;
  if (textOf(queryStr) === "") return "";
  throw invalid("Expected a queryStr or a queryEmbedding for query, but received neither.");
}

/** The question in words, `""` for white space. Throws `INVALID_ARGUMENT` unless it is a text. */
function textOf(queryStr: unknown): string | undefined {
  if (queryStr === undefined || queryStr === null) return undefined;
  if (typeof queryStr !== "string") throw invalid(`Expected a text for queryStr, but received ${typeof queryStr}.`);
  return queryStr.trim() === "" ? "" : queryStr;
}

function wordsOf({ queryStr }: VectorStoreQuery, mode: string): string {
  const words = textOf(queryStr);
  if (words !== undefined) return words;
  throw invalid(`Expected a queryStr for mode ${JSON.stringify(mode)}, which searches by words, but received none.`);
}

/** A filter for nodes that have one of these ids, or were made from a document with one of them. */
async function ofDocuments(store: Store, docIds: unknown): Promise<Filter | PassageTest | undefined> {
  if (docIds === undefined || docIds === null) return undefined;
  if (!Array.isArray(docIds) || !docIds.every((id) => typeof id === "string")) {
    throw invalid("Expected an array of strings for docIds.");
  }
  if (docIds.length === 0) return NOTHING;
  const isFew = docIds.length <= MOST_CONDITIONS;
  if (isFew && !(await hasAny(store, docIds))) return { [`${RECORD}.source`]: { $in: docIds } };
  const wanted = new Set(docIds);
  return (passage) => wanted.has(passage.id) || wanted.has(sourceOf(passage) ?? passage.id);
}

/** Whether one of the ids is a node's own. No filter of the core can test ids. */
async function hasAny(store: Store, ids: string[]): Promise<boolean> {
  const known = await Promise.all(ids.map((id) => hasNode(store, id)));
  return known.includes(true);
}

/** Whether a node has this id. A value that cannot be an id belongs to no node. */
export async function hasNode(store: Store, id: string): Promise<boolean> {
  try {
    return (await store.has([id]))[0] ?? false;
  } catch (error) {
    if ((error as { code?: unknown }).code === "INVALID_ID") return false;
    throw error;
  }
}
