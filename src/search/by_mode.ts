import { wrongType } from "../errors.js";
import type { resolveSearchOptions } from "../options.js";
import type { Condition } from "../passage/filter_match.js";
import { acrossNumberings } from "../storage/numbering.js";
import type { Hit, SearchCost, SearchResult } from "../types.js";
import type { FilterBitmaps } from "./filter_bitmap.js";
import { fuse } from "./hybrid.js";
import type { KeywordSearch } from "./keyword_search.js";
import { noCost } from "./search.js";
import type { Searcher } from "./searcher.js";

/** What searches of every mode are made of. */
export interface ModeParts {
  searcher: Searcher;
  keywords: KeywordSearch;
  filters: FilterBitmaps;
}

type Settings = ReturnType<typeof resolveSearchOptions>;

/** Places of either list that are fused at least: below them an entry changes nothing that is answered. */
const LEAST_FUSED = 10;
/** Places of the list by words; they cost next to nothing. */
const LEAST_BY_WORDS = 50;

/** One search by meaning, by words or by both; see `SearchOptions.mode`. */
export async function searchByMode(
  parts: ModeParts,
  question: string | Float32Array,
  settings: Settings,
  filter: Condition | undefined,
  signal: AbortSignal,
): Promise<SearchResult> {
  const { mode, k } = settings;
  if (mode === "vector") return await parts.searcher.search(question, settings, filter, signal);
  if (typeof question !== "string")
    throw wrongType("query", `a text, which mode "${mode}" compares the words of,`, question);
  const started = performance.now();
  const words = async (limit: number) => {
    const hits = await hitsByWords(parts, question, { limit, explain: settings.explain }, filter, signal);
    return { hits, keywordMs: performance.now() - started };
  };
  if (mode === "keyword") {
    const { hits, keywordMs } = await words(k);
    const cost: SearchCost = { ...noCost(), queryMs: 0, keywordMs, totalMs: performance.now() - started };
    return { hits, expectedRecall: undefined, cost };
  }
  // Both sides ask at the same time: what is known by then is not worked out twice.
  if (filter) await parts.filters.matching(filter, signal);
  const depth = Math.max(k, LEAST_FUSED);
  const both = [
    parts.searcher.search(question, { ...settings, k: depth }, filter, signal),
    words(Math.max(depth, LEAST_BY_WORDS)),
  ] as const;
  const [near, worded] = await Promise.all(both);
  const { keywordMs } = worded;
  const cost = { ...near.cost, keywordMs, totalMs: performance.now() - started };
  return { ...near, hits: fuseHits(near.hits, worded.hits).slice(0, k), cost };
}

async function hitsByWords(
  { keywords, filters }: ModeParts,
  text: string,
  { limit, explain }: { limit: number; explain: boolean },
  filter: Condition | undefined,
  signal: AbortSignal,
): Promise<Hit[]> {
  const matches = await acrossNumberings(async () => {
    const selected = filter && { condition: filter, matching: await filters.matching(filter, signal) };
    return await keywords.search({ text, limit, filter: selected, signal });
  });
  return matches.map(({ row: { id, text, metadata }, score }) => {
    return { id, text, metadata, score, ...(explain && { explain: byWords(score) }) };
  });
}

function byWords(keyword: number): NonNullable<Hit["explain"]> {
  return { estimate: undefined, sigma: undefined, chance: undefined, exact: undefined, source: "none", keyword };
}

function fuseHits(near: readonly Hit[], worded: readonly Hit[]): Hit[] {
  const scores = new Map(worded.map(({ id, score }) => [id, score]));
  return fuse([near, worded], ({ id }) => id).map(({ item, score }) => {
    const { explain } = item;
    return { ...item, score, ...(explain && { explain: { ...explain, keyword: scores.get(item.id) } }) };
  });
}
