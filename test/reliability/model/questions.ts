import type { Filter, SearchOptions } from "../../../src/index.js";

/** Words that passages have, each in one of so many. */
export const WORDS = Array.from({ length: 30 }, (_, i) => `word${i}`);
const TAGS = ["new", "old", "draft"];

/** Metadata of a passage; some lack what filters ask for. */
export function drawMetadata(random: () => number): Record<string, unknown> {
  if (random() < 0.2) return {};
  const tags = TAGS.filter(() => random() < 0.4);
  return { year: 2000 + Math.floor(random() * 8), tags, author: { name: random() < 0.5 ? "Ann" : "Bo" } };
}

/** A filter, of any share of the passages. */
export function drawFilter(random: () => number): Filter {
  const year = 2000 + Math.floor(random() * 8);
  const tag = TAGS[Math.floor(random() * TAGS.length)]!;
  const filters: Filter[] = [
    { year },
    { year: { $gte: year } },
    { tags: tag },
    { tags: { $in: [tag, "none"] } },
    { $or: [{ year }, { "author.name": "Ann" }] },
    { $not: { tags: tag } },
    { year: { $exists: false } },
    { year: { $lt: year }, "author.name": "Bo" },
  ];
  return filters[Math.floor(random() * filters.length)]!;
}

/** How a search is asked for besides its question. `walks` are those that the store takes, `estimates` whether it has any. */
export function drawSearch(
  random: () => number,
  { walks, estimates }: { readonly walks: readonly SearchOptions["walk"][]; readonly estimates: boolean },
): SearchOptions {
  const k = random() < 0.6 ? 1 + Math.floor(random() * 12) : 400;
  const walk = walks[Math.floor(random() * walks.length)];
  const takesEstimates = estimates && (typeof walk !== "object" || walk.mode === "guided");
  const draw = random();
  const limit = draw < 0.1 && takesEstimates ? 0 : draw < 0.2 ? { max: 1 + Math.floor(random() * 30) } : undefined;
  return {
    k,
    recall: 0.999,
    explain: true,
    ...(walk && { walk }),
    ...(random() < 0.4 && { filter: drawFilter(random) }),
    ...(random() < 0.2 && estimates && { scores: "approx" as const }),
    ...(limit !== undefined && { recompute: limit }),
    ...(random() < 0.2 && { includeVectors: true }),
  };
}
