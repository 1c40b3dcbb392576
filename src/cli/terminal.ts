/** What the terminal can show: its width, whether it takes colour, and text made to fit it. */

import { stripVTControlCharacters, styleText } from "node:util";

type Style = Parameters<typeof styleText>[0];

/** One output stream as the commands see it. */
export interface Terminal {
  /** Columns to write in: those of the terminal, 80 where the output is no terminal, at most 120. */
  readonly width: number;
  /** Whether a line can be drawn over again. */
  readonly live: boolean;
  /** Colours the text if the stream is a terminal that takes colour and `NO_COLOR` is not set. */
  style(style: Style, text: string): string;
  /** Writes the text and a line break. */
  line(text?: string): void;
  /** Writes the text as it is. */
  raw(text: string): void;
}

/** The terminal behind a stream. */
export function terminalOf(stream: NodeJS.WriteStream): Terminal {
  const live = stream.isTTY === true && process.env["TERM"] !== "dumb";
  const colour = live && !process.env["NO_COLOR"];
  return {
    get width() {
      return Math.min(120, Math.max(30, stream.columns || 80));
    },
    live,
    style: (style, text) => (colour ? styleText(style, text, { validateStream: false }) : text),
    line: (text = "") => void stream.write(`${text}\n`),
    raw: (text) => void stream.write(text),
  };
}

/** A command piped into `head` ends quietly when its reader does. */
export function endWithReader(stream: NodeJS.WriteStream): void {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(0);
    throw error;
  });
}

/** Text without escape sequences and control characters, so that a stored passage cannot steer the terminal. Tabs become spaces. */
export function printable(text: string): string {
  const plain = stripVTControlCharacters(text.replace(/\r\n?/g, "\n")).replace(/\t/g, "  ");
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is taken out; the second row turns writing round
  return plain.replace(/[\u0000-\u0009\u000B-\u001F\u007F-\u009F\u200E\u200F\u202A-\u202E\u2066-\u2069]/g, "");
}

const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });
const WIDE =
  /^(?:\p{Emoji_Presentation}|.\uFE0F|[\u1100-\u115F\u2E80-\u303E\u3041-\uA4CF\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF01-\uFF60\uFFE0-\uFFE6\u{20000}-\u{3FFFD}])/u;

/** Columns that a text takes: ideographs and emoji two, marks none. */
export function columnsOf(text: string): number {
  if (/^[\x20-\x7E]*$/.test(text)) return text.length;
  let columns = 0;
  for (const { segment } of graphemes.segment(text)) columns += widthOf(segment);
  return columns;
}

function widthOf(grapheme: string): number {
  if (WIDE.test(grapheme)) return 2;
  return /^[\p{M}\u200B-\u200D\uFEFF]+$/u.test(grapheme) ? 0 : 1;
}

/** The text cut to so many columns, with `…` in place of what is missing. */
export function clip(text: string, columns: number): string {
  if (columnsOf(text) <= columns) return text;
  let kept = "";
  let used = 0;
  for (const { segment } of graphemes.segment(text)) {
    used += widthOf(segment);
    if (used > columns - 1) break;
    kept += segment;
  }
  return `${kept}…`;
}

/** The end of a text in so many columns, with `…` in place of what is missing before: right for paths. */
export function clipStart(text: string, columns: number): string {
  if (columnsOf(text) <= columns) return text;
  const parts = Array.from(graphemes.segment(text), ({ segment }) => segment);
  let used = 0;
  let from = parts.length;
  while (from > 0 && used + widthOf(parts[from - 1]!) <= columns - 1) used += widthOf(parts[--from]!);
  return `…${parts.slice(from).join("")}`;
}

/** One line of text as lines of at most so many columns, broken between words where it can be; its indentation is repeated. */
export function wrap(text: string, columns: number): string[] {
  if (columnsOf(text) <= columns) return [text];
  const indent = /^ */.exec(text)![0].slice(0, Math.max(0, columns - 20));
  const room = columns - indent.length;
  const lines: string[] = [];
  let line = "";
  let used = 0;
  for (const word of text.trim().split(/ +/)) {
    for (const part of breakWord(word, room)) {
      const width = columnsOf(part);
      if (used > 0 && used + 1 + width > room) {
        lines.push(indent + line);
        line = "";
        used = 0;
      }
      line += used > 0 ? ` ${part}` : part;
      used += used > 0 ? 1 + width : width;
    }
  }
  lines.push(indent + line);
  return lines;
}

/** A word in parts that fit the line; nearly always the word itself. */
function breakWord(word: string, room: number): string[] {
  if (columnsOf(word) <= room) return [word];
  const parts: string[] = [];
  let part = "";
  let used = 0;
  for (const { segment } of graphemes.segment(word)) {
    const width = widthOf(segment);
    if (used + width > room) {
      parts.push(part);
      part = "";
      used = 0;
    }
    part += segment;
    used += width;
  }
  return [...parts, part];
}

/** Rows of cells as lines with aligned columns: the first column to the left, the others to the right. */
export function table(rows: readonly (readonly string[])[], gap = 2): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, columnsOf(cell));
  }
  return rows.map((row) => {
    const cells = row.map((cell, i) => {
      const pad = " ".repeat(widths[i]! - columnsOf(cell));
      return i === 0 ? cell + pad : pad + cell;
    });
    return cells.join(" ".repeat(gap)).trimEnd();
  });
}
