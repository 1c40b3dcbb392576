import { DEFAULT_SIMILARITY_TOP_K, type VectorStoreQuery, VectorStoreQueryMode } from "llamaindex";
import type { Filter, Hit, PassageTest, SearchOptions, Store } from "../../src/index.js";
import { invalid } from "../errors.js";
import { withinStore } from "../hit_limit.js";
import type { SearchDials } from "../search_dials.js";
import { both, NOTHING, toFilter } from "./filters.js";
import { diverse } from "./mmr.js";
import { RECORD, sourceOf } from "./stored_node.js";

/** Whether questions are embedded by the store's own model, or the vector that comes along is taken. */
export type QueryEmbedding = "own" | "given";

/** Most ids that become conditions; of more a function looks each passage up. */
const MOST_CONDITIONS = 1_000;
/** MMR chooses among this many times as many hits as are wanted, and among 20 at least. */
const CANDIDATES_PER_HIT = 4;
const FEWEST_CANDIDATES = 20;
/** Where the weight is not told. */
const MMR_THRESHOLD = 0.5;

/**
 * The hits of a LlamaIndex query, best first; by mode MMR in the order they were chosen.
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

/** How the core is to search. */
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

/** The question in words or as a vector, whichever is preferred if both are there; empty if it has no words alone. */
function questionOf({ queryStr, queryEmbedding }: VectorStoreQuery, prefer: QueryEmbedding): string | number[] {
  const words = textOf(queryStr) || undefined;
  const vector = queryEmbedding ?? undefined;
  const question = prefer === "own" ? (words ?? vector) : (vector ?? words);
  if (question !== undefined) return question;
  if (textOf(queryStr) === "") return "";
  throw invalid("Expected a queryStr or a queryEmbedding for query, but received neither.");
}

/** A question in words, `""` for white space alone. Throws `INVALID_ARGUMENT` for what is no text. */
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

/** Nodes that have one of these ids, or were made from a document that has. */
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

/** Whether one of the ids is a node's own, which no filter of the core can name. */
async function hasAny(store: Store, ids: string[]): Promise<boolean> {
  const known = await Promise.all(ids.map((id) => hasNode(store, id)));
  return known.includes(true);
}

/** Whether a node has this id. What no node could have for an id is none's. */
export async function hasNode(store: Store, id: string): Promise<boolean> {
  try {
    return (await store.has([id]))[0] ?? false;
  } catch (error) {
    if ((error as { code?: unknown }).code === "INVALID_ID") return false;
    throw error;
  }
}
