/** Prints search results for people. */

import type { Hit, SearchCost, SearchResult } from "../api/search.js";
import { count, counted, milliseconds } from "./figures.js";
import { clip, clipStart, columnsOf, oneLine, printable, type Terminal, table, wrap } from "./terminal.js";

export interface HitLook {
  /** The question. Its words are highlighted in the text. */
  question: string;
  /** Most lines of text per hit. */
  lines: number;
  /** Gives the name under which a hit's file is shown. */
  nameOf?: (hit: Hit) => string;
}

/**
 * Characters (UTF-16 units) of a passage that are searched for the lines to show. Passages made by `build` have fewer.
 */
const LONGEST_EXCERPT = 32_768;
/** Characters of a heading that are considered before it is cut to the width. */
const LONGEST_HEADING = 1_024;

/** One hit: rank, score, place, heading, and the lines with most of the question's words. */
export function hitLines(hit: Hit, rank: number, terminal: Terminal, look: HitLook): string[] {
  const lead = `${String(rank).padStart(2)}  ${hit.score.toFixed(3)}  `;
  const place = clipStart(oneLine(placeOf(hit, look)), terminal.width - lead.length);
  const heading = printable(words(hit.metadata["heading"]).slice(0, LONGEST_HEADING)).replace(/\s+/g, " ");
  const room = terminal.width - lead.length - columnsOf(place) - 2;
  const beside = heading !== "" && columnsOf(heading, room) <= room;
  const first = `${terminal.style("bold", lead)}${terminal.style("cyan", place)}`;
  const lines = [beside ? `${first}  ${terminal.style("dim", heading)}` : first];
  if (heading !== "" && !beside) lines.push(`    ${terminal.style("dim", clip(heading, terminal.width - 4))}`);
  const asked = wordsOf(look.question);
  const text = excerpt(hit, asked, terminal.width - 4, look.lines);
  return [...lines, ...text.map((line) => `    ${emphasise(line, asked, terminal)}`)];
}

/** For example "38 ms · 12 of 1,536 passages embedded again, 2 from the cache". */
export function costLine({ totalMs, embedded, cached, kept }: SearchCost, passages: number): string {
  const all = `of ${counted(passages, "passage")}`;
  const parts =
    kept > 0 ? [`${count(kept)} ${all} scored by kept vectors`] : [`${count(embedded)} ${all} embedded again`];
  if (cached > 0) parts.push(`${count(cached)} from the cache`);
  return `${milliseconds(totalMs)} · ${parts.join(", ")}`;
}

/** How each hit was found, and how long each part took, as tables. */
export function explainLines({ hits, expectedRecall, cost }: SearchResult): string[] {
  const hasWords = hits.some(({ explain }) => explain?.keyword !== undefined);
  const rows = hits.map((hit, i) => {
    const { estimate, sigma, exact, chance, source, keyword } = hit.explain!;
    const isKnown = exact !== undefined && estimate !== undefined && sigma !== undefined && sigma !== 0;
    const off = isKnown ? ((exact - estimate) / sigma).toFixed(1) : "-";
    return [
      String(i + 1),
      ...[estimate, sigma, exact].map((value) => (value === undefined ? "-" : score(value))),
      off,
      chance === undefined ? "-" : chance.toFixed(3),
      source,
      ...(hasWords ? [keyword === undefined ? "-" : keyword.toFixed(1)] : []),
    ];
  });
  const head = ["hit", "estimate", "sigma", "exact", "sigmas off", "chance", "vector from"];
  return [
    ...table([[...head, ...(hasWords ? ["words (BM25)"] : [])], ...rows]),
    "",
    ...table(timeRows(cost)),
    "",
    `${count(cost.scanned)} codes scanned, ${count(cost.dismissed)} candidates skipped as too unlikely`,
    `${count(cost.recomputed)} passages scored exactly: ${count(cost.embedded)} embedded again, ` +
      `${count(cost.cached)} cached, ${count(cost.kept)} kept`,
    ...(expectedRecall === undefined ? [] : [`expected recall ${expectedRecall.toFixed(3)}`]),
  ];
}

/** Each part of the time with its share. The rest includes reading the hits' texts. */
function timeRows(cost: SearchCost): string[][] {
  const parts: [string, number][] = [
    ["question", cost.queryMs],
    ["scan", cost.scanMs],
    ["read", cost.readMs],
    ["recompute", cost.recomputeMs],
    ...(cost.keywordMs > 0 ? [["words", cost.keywordMs] as [string, number]] : []),
  ];
  const rest = Math.max(0, cost.totalMs - parts.reduce((sum, [, ms]) => sum + ms, 0));
  const share = (ms: number) => `${cost.totalMs > 0 ? Math.round((100 * ms) / cost.totalMs) : 0} %`;
  const all: [string, number][] = [...parts, ["rest", rest], ["in all", cost.totalMs]];
  return all.map(([name, ms]) => [name, milliseconds(ms), share(ms)]);
}

function score(value: number): string {
  return value.toFixed(4);
}

function placeOf(hit: Hit, look: HitLook): string {
  const lines = hit.metadata["lines"] as { from?: unknown; to?: unknown } | undefined;
  const isRange = typeof lines?.from === "number" && typeof lines.to === "number";
  const name = look.nameOf?.(hit) ?? (words(hit.metadata["source"]) || hit.id);
  return `${name}${isRange ? `:${lines.from}-${lines.to}` : ""}`;
}

/** Metadata as text. Values other than strings and numbers are ignored, because passages may hold any value. */
function words(value: unknown): string {
  return typeof value === "string" || typeof value === "number" ? String(value) : "";
}

/** The run of wrapped lines with most of the question's words; the first of equal ones. */
function excerpt(hit: Hit, asked: string[], columns: number, most: number): string[] {
  const source = words(hit.metadata["source"]);
  const text = printable(hit.text.slice(0, LONGEST_EXCERPT));
  const lines = (/\.(md|markdown|mdx|txt|text|rst|adoc|org)$/i.test(source) ? reflow(text) : code(text))
    .filter((line, i) => /[\p{L}\p{N}]/u.test(line) && !isShownAlready(line, i) && !/^\s*(```|~~~)/.test(line))
    .flatMap((line) => wrap(line, columns));
  let best = 0;
  let bestFound = -1;
  for (let start = 0; start === 0 || start + most <= lines.length; start++) {
    const window = lines
      .slice(start, start + most)
      .join(" ")
      .toLowerCase();
    const found = asked.filter((word) => window.includes(word)).length;
    if (found > bestFound) [best, bestFound] = [start, found];
  }
  const shown = lines.slice(best, best + most);
  if (best + most < lines.length) shown.push(clip(`${shown.pop()!} …`, columns));
  if (best > 0) shown.unshift(clip(`… ${shown.shift()!.trimStart()}`, columns));
  return shown;
}

/** Whether a line repeats the heading that was already printed above the passage. */
function isShownAlready(line: string, at: number): boolean {
  return at === 0 && /^#{1,6}\s/.test(line);
}

/** Lines of source code. Block comments lose their stars, and their prose is joined like other prose. */
function code(text: string): string[] {
  const lines: string[] = [];
  let open = false;
  for (const line of dedent(text)) {
    const comment = /^\s*\*\s(.*)/.exec(line)?.[1];
    const goesOn = comment !== undefined && !/^(\s*$|\s{2}|[-*+]\s|[@`|#>]|\d+[.)]\s)/.test(comment);
    if (open && goesOn) lines.push(`${lines.pop()!} ${comment.trim()}`);
    else lines.push(comment ?? line);
    open = comment !== undefined && !/^(\s*$|\s*```|\s{2})/.test(comment);
  }
  return lines;
}

/**
 * Joins lines of a paragraph that were wrapped by hand, and shows links as their text. Lists, tables, headings, quotes
 * and code keep their lines.
 */
function reflow(text: string): string[] {
  const lines: string[] = [];
  let fenced = false;
  let open = false; // whether the line before is prose that may continue
  for (const line of dedent(text)) {
    const fence = /^\s*(```|~~~)/.test(line);
    const own = fenced || fence || /^(\s{4}|\s*$|\s*([-*+]\s|[#|>=<]|\d+[.)]\s|-{3}))/.test(line);
    if (fence) fenced = !fenced;
    const shown = fenced ? line : line.replace(/!?\[([^\]]{0,300})\]\([^)\s]{0,2000}\)/g, "$1");
    if (open && !own) lines.push(`${lines.pop()!} ${shown.trim()}`);
    else lines.push(shown);
    open = !own || (!fenced && !fence && /^\s*([-*+]|\d+[.)])\s/.test(line));
  }
  return lines;
}

/** Removes the indentation that all lines share. */
function dedent(text: string): string[] {
  const lines = text.split("\n").map((line) => line.trimEnd());
  const indents = lines.filter((line) => line !== "").map((line) => /^ */.exec(line)![0].length);
  const shared = Math.min(...indents, 1000);
  return lines.map((line) => line.slice(shared));
}

const STOP_WORDS = new Set(
  "a an and are as at be by can do does for from has have how i if in is it my not of on or that the this to was what when where which who why will with you your".split(
    " ",
  ),
);

function wordsOf(question: string): string[] {
  const words =
    printable(question)
      .toLowerCase()
      .match(/[\p{L}\p{N}_]+/gu) ?? [];
  return [...new Set(words.filter((word) => word.length > 1 && !STOP_WORDS.has(word)))];
}

function emphasise(line: string, words: string[], terminal: Terminal): string {
  if (words.length === 0) return line;
  const expression = new RegExp(`(?<![\\p{L}\\p{N}])(?:${words.join("|")})`, "giu");
  return line.replace(expression, (word) => terminal.style("bold", word));
}
