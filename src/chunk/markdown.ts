import type { Env, MarkdownIt, Token } from "markdown-it";
import { optionalPackage } from "../base/packages.js";
import { Turns } from "../base/turns.js";

/** A heading. Lines are counted from 0; the last one is excluded. */
export interface Heading {
  level: number;
  /** The heading's text without links, images, tags and emphasis. */
  title: string;
  from: number;
  to: number;
  /** Whether the heading stands in a quotation or a list. Then nothing after it belongs to it. */
  nested: boolean;
}

/** Headings and code of a text, in its order. */
export interface Structure {
  headings: Heading[];
  /** Lines of fenced and indented code. */
  code: { from: number; to: number }[];
}

/** Most characters of a title that are kept, and most characters of a heading that are read for its title. */
const TITLE_CHARACTERS = 100;
const READ_CHARACTERS = 1_000;
/** Characters that the parser gets at once. A longer list, quotation or paragraph is cut there. */
const PART_CHARACTERS = 2 ** 20;
/**
 * Blocks that take hardly more memory than their text. They are read to their end, because they contain no Markdown.
 */
const VERBATIM: ReadonlySet<string> = new Set(["fence", "code_block", "html_block"]);
/** Most lines of front matter. */
const FRONT_MATTER_LINES = 1_000;

/** Cuts Markdown into blocks. A heading and what follows it are one block. Lines of code never count as headings. */
export async function markdownBlocks(text: string): Promise<Block[]> {
  const lines = linesOf(text);
  const front = frontMatterEnd(text, lines);
  const { headings, code } = await structureOf(text, lines, front);
  const starts = new Map<number, Heading | { to: number }>(code.map((block) => [block.from, block]));
  for (const heading of headings) if (!heading.nested) starts.set(heading.from, heading);
  const blocks = blocksBetween(text, lines, front, starts);
  if (front === 0) return blocks;
  // Front matter gets the heading of the first block, so a piece made of both keeps that heading.
  const heading = blocks[0]?.heading ?? "";
  return [{ start: 0, end: lines[front - 1]!.end, cut: Cut.block, heading }, ...blocks];
}

/**
 * The headings and code blocks of a text from line `first` on. The parser takes up to 600 times the memory of its
 * input, so it gets one part at a time. A block that continues after a part is read again with the next part.
 *
 * @param lines The lines of the whole text.
 * @param partLength Characters that the parser gets at once.
 * @throws EmbedlessError `NOT_FOUND` if the package that reads Markdown is not installed
 */
export async function structureOf(
  text: string,
  lines: readonly Span[],
  first = 0,
  partLength = PART_CHARACTERS,
): Promise<Structure> {
  parser ??= makeParser();
  const markdown = await parser;
  const environment: Env = {};
  const found: Structure = { headings: [], code: [] };
  const turns = new Turns();
  let length = partLength;
  for (let from = first; from < lines.length; ) {
    const to = endOfPart(lines, from, length);
    const tokens = markdown.parse(text.slice(lines[from]!.start, lines[to - 1]!.end), environment);
    const last = lastBlock(tokens);
    const isCut = to < lines.length && last?.map != null;
    if (isCut && last.map![0] === 0 && VERBATIM.has(last.type)) {
      length *= 2;
      continue;
    }
    // Everything before the last block is parsed as it would be in the whole text.
    const next = isCut && last.map![0] > 0 ? from + last.map![0] : to;
    collect(tokens, { from, to: next }, markdown, environment, found);
    from = next;
    length = partLength;
    await turns.give();
  }
  return found;
}

/** The first line after a part of about this length. */
function endOfPart(lines: readonly Span[], from: number, length: number): number {
  let to = from + 1;
  while (to < lines.length && lines[to]!.start - lines[from]!.start < length) to++;
  return to;
}

function lastBlock(tokens: readonly Token[]): Token | undefined {
  return tokens.findLast(({ level, map, nesting }) => level === 0 && map && nesting >= 0);
}

function collect(
  tokens: readonly Token[],
  part: { from: number; to: number },
  markdown: MarkdownIt,
  environment: Env,
  found: Structure,
): void {
  for (const [i, token] of tokens.entries()) {
    if (!token.map || token.map[0] + part.from >= part.to) continue;
    const [from, to] = token.map.map((line) => line + part.from) as [number, number];
    if (token.type === "fence" || token.type === "code_block") found.code.push({ from, to });
    if (token.type !== "heading_open") continue;
    const title = titleOf(tokens[i + 1]!.content, markdown, environment);
    found.headings.push({ level: Number(token.tag.slice(1)), title, from, to, nested: token.level > 0 });
  }
}

let parser: Promise<MarkdownIt> | undefined;

/** Creates a parser that reads inline structure only in headings. */
async function makeParser(): Promise<MarkdownIt> {
  const library = await optionalPackage("markdown-it", "Splitting Markdown", () => import("markdown-it"));
  const markdown = new library.default("commonmark");
  markdown.core.ruler.enableOnly(["normalize", "block"]);
  return markdown;
}

function titleOf(content: string, markdown: MarkdownIt, environment: Env): string {
  const tokens: Token[] = [];
  markdown.inline.parse(content.slice(0, READ_CHARACTERS), markdown, environment, tokens);
  const texts = tokens.map(({ type, content }) => {
    if (type === "softbreak" || type === "hardbreak") return " ";
    return type === "text" || type === "text_special" || type === "code_inline" ? content : "";
  });
  const plain = texts.join("").replace(/\s+/g, " ").trim();
  return plain.length <= TITLE_CHARACTERS ? plain : [...plain].slice(0, TITLE_CHARACTERS).join("");
}

/** Blocks from line `first` on: headings and code if `starts` says so, otherwise what stands between blank lines. */
function blocksBetween(
  text: string,
  lines: readonly Span[],
  first: number,
  starts: ReadonlyMap<number, Heading | { to: number }>,
): Block[] {
  const blocks: Block[] = [];
  const path: Heading[] = [];
  let waiting: number | undefined; // where the headings that still wait for their content begin
  const push = (start: number, end: number, code: boolean) => {
    const cut = waiting !== undefined ? Cut.section : code ? Cut.closely : Cut.block;
    blocks.push({ start: waiting ?? start, end, cut, heading: headingPath(path) });
    waiting = undefined;
  };
  for (let i = first; i < lines.length; ) {
    const special = starts.get(i);
    const { start } = lines[i]!;
    let next = special?.to ?? i + 1;
    if (special && "title" in special) {
      enter(path, special);
      waiting ??= start;
    } else if (special || !isBlank(text, lines[i]!)) {
      while (!special && next < lines.length && !starts.has(next) && !isBlank(text, lines[next]!)) next++;
      push(start, lines[next - 1]!.end, special !== undefined);
    }
    i = next;
  }
  if (waiting !== undefined) push(waiting, text.length, false);
  return blocks;
}

/**
 * Number of lines at the top that are YAML between two `---` or TOML between two `+++`. They are one block and no
 * heading.
 */
function frontMatterEnd(text: string, lines: readonly Span[]): number {
  const lineAt = (i: number) => text.slice(lines[i]!.start, Math.min(lines[i]!.end, lines[i]!.start + 400)).trimEnd();
  const mark = lines.length > 0 ? lineAt(0).replace(/^\uFEFF/, "") : "";
  if (mark !== "---" && mark !== "+++") return 0;
  let keys = 0;
  for (let i = 1; i < Math.min(lines.length, FRONT_MATTER_LINES); i++) {
    const line = lineAt(i);
    if (line === mark || (mark === "---" && line === "...")) return keys > 0 ? i + 1 : 0;
    if (/^[^\s#:=-][^:=]*[:=](?:\s|$)/.test(line)) keys++;
    else if (!/^(?:\s|#|- |[[\]{}]|$)/.test(line)) return 0;
  }
  return 0;
}

function enter(path: Heading[], heading: Heading): void {
  while (path.length > 0 && path.at(-1)!.level >= heading.level) path.pop();
  path.push(heading);
}

function headingPath(path: readonly Heading[]): string {
  return path
    .map((heading) => heading.title)
    .filter((title) => title !== "")
    .join(" > ");
}

/**
 * Where a text may be cut: the structure of source code and plain text as a list of blocks. For Markdown see
 * markdown.ts.
 *
 * Positions are UTF-16 offsets into the text. Blocks are in order, and everything between two blocks is blank.
 */

/** How a text is read: Markdown has headings and fences, code has comments and indentation, text has neither. */
export type TextKind = "markdown" | "code" | "text";

/** How good it is to cut before a place, worst first. */
export const Cut = { never: -1, inside: 0, word: 1, sentence: 2, line: 3, closely: 4, block: 5, section: 6 } as const;

/** A run of text, and how good it is to cut before it. */
export interface Span {
  start: number;
  end: number;
  cut: number;
}

/**
 * A span that belongs together: a paragraph, a fence, or a block of code between blank lines. A heading stays with what
 * follows.
 */
export interface Block extends Span {
  /** Titles of the headings above, outermost first, joined by " > ". Empty outside Markdown. */
  heading: string;
}

/** Cuts code or plain text into blocks. The time is linear in the text's length. */
export function blocksOf(text: string, kind: "code" | "text"): Block[] {
  const lines = linesOf(text);
  const blocks: Block[] = [];
  for (const [first, last] of runsBetweenBlanks(text, lines)) {
    const atMargin = kind === "text" || /^[^\s})\]]/.test(text.slice(lines[first]!.start, lines[first]!.start + 1));
    const cut = atMargin ? Cut.block : Cut.closely;
    blocks.push({ start: lines[first]!.start, end: lines[last]!.end, cut, heading: "" });
  }
  return blocks;
}

/** The lines of `text`, each with its line break. Breaks are LF, CRLF and a lone CR. */
export function linesOf(text: string): Span[] {
  const lines: Span[] = [];
  const breaks = /\r\n|\n|\r/g;
  let start = 0;
  while (start < text.length) {
    const end = breaks.exec(text) === null ? text.length : breaks.lastIndex;
    lines.push({ start, end, cut: Cut.line });
    start = end;
  }
  return lines;
}

/** The lines of one block, with good places to cut marked: members after comments in code, list items in prose. */
export function linesOfBlock(text: string, block: Span, kind: TextKind): Span[] {
  const lines = linesOf(text.slice(block.start, block.end));
  let before = "";
  for (const line of lines) {
    line.start += block.start;
    line.end += block.start;
    const content = text.slice(line.start, Math.min(line.end, line.start + 400)).trim();
    const heading = kind === "markdown" && (isHeadingLine(before) || isUnderline(content));
    line.cut = heading ? Cut.never : cutBetweenLines(before, content, kind);
    if (content !== "") before = content;
  }
  return lines;
}

function cutBetweenLines(before: string, line: string, kind: TextKind): number {
  const comment = /^(\/\*|\/\/|\*|#|--|"""|''')/;
  if (kind === "code") {
    if (comment.test(before)) return Cut.sentence;
    return comment.test(line) ? Cut.closely : Cut.line;
  }
  return /[.!?:;]$/.test(before) || /^([-*+]|\d+[.)])\s/.test(line) ? Cut.closely : Cut.line;
}

function isHeadingLine(line: string): boolean {
  return /^#{1,6}(\s|$)/.test(line) || isUnderline(line);
}

function isUnderline(line: string): boolean {
  return /^(=+|-+)$/.test(line);
}

function* runsBetweenBlanks(text: string, lines: Span[]): Generator<[first: number, last: number]> {
  let first = -1;
  for (let i = 0; i <= lines.length; i++) {
    const line = lines[i];
    const blank = line === undefined || isBlank(text, line);
    if (blank && first >= 0) yield [first, i - 1];
    if (blank) first = -1;
    else if (first < 0) first = i;
  }
}

/** Whether a line holds only white space. */
export function isBlank(text: string, { start, end }: Span): boolean {
  for (let i = start; i < end; i++) if (!/\s/.test(text[i]!)) return false;
  return true;
}
