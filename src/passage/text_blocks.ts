/**
 * Where a text may be cut: the structure of Markdown, of source code and of plain text, as a list of blocks.
 *
 * Positions are UTF-16 offsets into the text. Blocks are in order and everything between two blocks is blank.
 */

/** How a text is read: Markdown knows headings and fences, code knows comments and indentation, text knows neither. */
export type TextKind = "markdown" | "code" | "text";

/** How good a place is to cut in front of, best last. */
export const Cut = { never: -1, inside: 0, word: 1, sentence: 2, line: 3, closely: 4, block: 5, section: 6 } as const;

/** A run of text and how willingly one cuts in front of it. */
export interface Span {
  start: number;
  end: number;
  cut: number;
}

/** A span that belongs together: a paragraph, a fence, a blank-line block of code; headings stay with what follows. */
export interface Block extends Span {
  /** Titles of the headings above, outermost first, joined by " > "; empty outside Markdown. */
  heading: string;
}

interface Heading {
  level: number;
  title: string;
}

/** Cuts `text` into blocks. Linear in its length. */
export function blocksOf(text: string, kind: TextKind): Block[] {
  const lines = linesOf(text);
  if (kind === "markdown") return markdownBlocks(text, lines);
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

/** The lines of one block, with the good places among them marked: members after comments in code, list items in prose. */
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

function isBlank(text: string, { start, end }: Span): boolean {
  for (let i = start; i < end; i++) if (!/\s/.test(text[i]!)) return false;
  return true;
}

function markdownBlocks(text: string, lines: Span[]): Block[] {
  const blocks: Block[] = [];
  const path: Heading[] = [];
  let waiting: number | undefined; // where headings that still wait for their content begin
  const push = (start: number, end: number, fence: boolean) => {
    const cut = waiting !== undefined ? Cut.section : fence ? Cut.closely : Cut.block;
    blocks.push({ start: waiting ?? start, end, cut, heading: headingPath(path) });
    waiting = undefined;
  };
  for (let i = frontMatter(text, lines, push); i < lines.length; ) {
    const step = readBlock(text, lines, i);
    const start = lines[i]!.start;
    const end = lines[step.next - 1]!.end;
    if (step.heading) {
      enter(path, step.heading);
      waiting ??= start;
    } else if (!step.blank) push(start, end, step.fence);
    i = step.next;
  }
  if (waiting !== undefined) push(waiting, text.length, false);
  return blocks;
}

interface BlockRead {
  next: number;
  blank: boolean;
  fence: boolean;
  heading?: Heading;
}

/** Reads one heading, fence or paragraph from line `i`. */
function readBlock(text: string, lines: Span[], i: number): BlockRead {
  const line = lineText(text, lines[i]!);
  if (line.trim() === "") return { next: i + 1, blank: true, fence: false };
  const atx = /^ {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*$/.exec(line);
  if (atx) return { next: i + 1, blank: false, fence: false, heading: { level: atx[1]!.length, title: atx[2] ?? "" } };
  const fence = /^\s*(`{3,}|~{3,})/.exec(line)?.[1];
  if (fence) return { next: fenceEnd(text, lines, i, fence), blank: false, fence: true };
  const underline = i + 1 < lines.length ? /^ {0,3}(=+|-+)[ \t]*$/.exec(lineText(text, lines[i + 1]!)) : null;
  if (underline && !/^\s*([-*+>|]|\d+[.)])/.test(line)) {
    const level = underline[1]!.startsWith("=") ? 1 : 2;
    return { next: i + 2, blank: false, fence: false, heading: { level, title: line.trim() } };
  }
  let next = i + 1;
  while (next < lines.length && !endsParagraph(lineText(text, lines[next]!))) next++;
  return { next, blank: false, fence: false };
}

function endsParagraph(line: string): boolean {
  return line.trim() === "" || /^ {0,3}#{1,6}([ \t]|$)/.test(line) || /^\s*(`{3,}|~{3,})/.test(line);
}

function fenceEnd(text: string, lines: Span[], i: number, fence: string): number {
  for (let next = i + 1; next < lines.length; next++) {
    const line = lineText(text, lines[next]!).trim();
    if (line.length >= fence.length && line === fence[0]!.repeat(line.length)) return next + 1;
  }
  return lines.length;
}

/** YAML between two `---` at the top is one block, not a heading. Returns the first line after it. */
function frontMatter(text: string, lines: Span[], push: (start: number, end: number, fence: boolean) => void): number {
  if (lines.length === 0 || lineText(text, lines[0]!).trim() !== "---") return 0;
  for (let i = 1; i < Math.min(lines.length, 100); i++) {
    if (lineText(text, lines[i]!).trim() !== "---") continue;
    push(0, lines[i]!.end, false);
    return i + 1;
  }
  return 0;
}

/** A line without its break; of a very long line only the beginning, which is all that decides what it is. */
function lineText(text: string, line: Span): string {
  return text.slice(line.start, Math.min(line.end, line.start + 1000)).replace(/[\r\n]+$/, "");
}

function enter(path: Heading[], heading: Heading): void {
  while (path.length > 0 && path.at(-1)!.level >= heading.level) path.pop();
  path.push({ level: heading.level, title: plainTitle(heading.title) });
}

/** A title without links, images, tags and emphasis. */
function plainTitle(title: string): string {
  const plain = title
    .replace(/!\[[^\]]*\](\([^)]*\)|\[[^\]]*\])/g, "")
    .replace(/\[([^\]]*)\](\([^)]*\)|\[[^\]]*\])/g, "$1")
    .replace(/<[^>]{0,200}>|[`*]/g, "")
    .replace(/\s+/g, " ")
    .trim();
  return plain.length <= 100 ? plain : [...plain].slice(0, 100).join("");
}

function headingPath(path: Heading[]): string {
  return path
    .map((heading) => heading.title)
    .filter((title) => title !== "")
    .join(" > ");
}
