/**
 * Where a text may be cut: the structure of source code and of plain text, as a list of blocks; of Markdown see markdown.ts.
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

/** Cuts code or plain text into blocks. Linear in its length. */
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

/** Whether a line holds white space alone. */
export function isBlank(text: string, { start, end }: Span): boolean {
  for (let i = start; i < end; i++) if (!/\s/.test(text[i]!)) return false;
  return true;
}
