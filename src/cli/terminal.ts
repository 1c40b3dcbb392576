/**
 * All output to the terminal. Text may come from files, names, stores or servers, so all of it passes through
 * `printable`. Only the styles and line breaks of this package are added afterwards.
 */

import { randomBytes } from "node:crypto";
import { stripVTControlCharacters, styleText } from "node:util";

const STYLES = ["bold", "dim", "cyan", "red"] as const;

type Style = (typeof STYLES)[number];

/** One output stream for the commands. */
export interface Terminal {
  /** Columns to write in: the width of the terminal, at most 120, or 80 if the output is not a terminal. */
  readonly width: number;
  /** Whether a line can be overwritten. */
  readonly live: boolean;
  /** Marks the text. `line` and `over` colour it if the stream supports colour and `NO_COLOR` is not set. */
  style(style: Style, text: string): string;
  /** Writes the text in one line. `↵` stands for each line break within. */
  line(text?: string): void;
  /** Overwrites the current line, which stays open. Without text it clears the line. */
  over(text?: string): void;
}

/** Begins and ends a styled stretch until it is written. It is random, so no text from outside can contain it. */
const MARK = `\uE000${randomBytes(9).toString("base64url")}\uE000`;
const MARKED = new RegExp(`${MARK}(${STYLES.join("|")})${MARK}(.*?)${MARK}${MARK}`, "gs");

/** The terminal of a stream. */
export function terminalOf(stream: NodeJS.WriteStream): Terminal {
  const live = stream.isTTY === true && process.env["TERM"] !== "dumb";
  const colour = live && !process.env["NO_COLOR"];
  const paint = (style: Style, text: string) => (colour ? styleText(style, text, { validateStream: false }) : text);
  // Each stretch is cleaned by itself. Otherwise an escape sequence that begins in one could remove the marks of the
  // next.
  const shown = (text: string) => {
    let out = "";
    let from = 0;
    for (const { 0: whole, 1: style, 2: stretch, index } of text.matchAll(MARKED)) {
      out += oneLine(text.slice(from, index)) + paint(style as Style, oneLine(stretch!));
      from = index + whole.length;
    }
    return out + oneLine(text.slice(from));
  };
  return {
    get width() {
      return Math.min(120, Math.max(30, stream.columns || 80));
    },
    live,
    style: (style, text) => `${MARK}${style}${MARK}${text}${MARK}${MARK}`,
    line: (text = "") => void stream.write(`${shown(text)}\n`),
    over: (text = "") => void stream.write(`\r${shown(text)}\x1b[K`),
  };
}

/** Printable text in one line. A line break becomes `↵`, so that no name can forge a line. */
export function oneLine(text: string): string {
  return printable(text).replaceAll("\n", "↵");
}

/**
 * A value as one line of JSON that cannot steer a terminal. Characters that JSON allows but a terminal obeys are
 * escaped.
 */
export function jsonLine(value: unknown): string {
  const escaped = JSON.stringify(value).replace(STEERING, (unit) => {
    return `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
  return `${escaped}\n`;
}

/** Prints a value as `jsonLine` writes it. */
export function printJson(value: unknown): void {
  printJsonLines(jsonLine(value));
}

/** Prints lines made by `jsonLine`. Answers `false` if the caller should wait for the output's event `drain`. */
export function printJsonLines(lines: string): boolean {
  return process.stdout.write(lines);
}

/** Ends a command quietly when the reader of its output ends, as with `head`. */
export function endWithReader(stream: NodeJS.WriteStream): void {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(0);
    throw error;
  });
}

/**
 * Characters that steer a terminal or change the direction of writing: C0 (except tab and line feed), DEL and C1,
 * marks, embeddings, overrides and isolates of direction, separators of lines and paragraphs, deprecated format
 * characters, annotations.
 */
const STEERING =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is taken out
  /[\u0000-\u0008\u000B-\u001F\u007F-\u009F\u061C\u200E\u200F\u2028-\u202E\u2066-\u206F\uFFF9-\uFFFB]/g;

/** Removes escape sequences and control characters, so that the text cannot steer the terminal. Tabs become spaces. */
export function printable(text: string): string {
  const lines = text.replace(/\r\n?|[\u2028\u2029]/g, "\n");
  return stripVTControlCharacters(lines).replace(/\t/g, "  ").replace(STEERING, "");
}

const segmenter = new Intl.Segmenter("en", { granularity: "grapheme" });
/** UTF-16 units segmented in one call, because the time of a segmenter grows with the square of the length. */
const SLICE_UNITS = 256;
const WIDE =
  /^(?:\p{Emoji_Presentation}|.\uFE0F|[\u1100-\u115F\u2E80-\u303E\u3041-\uA4CF\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF01-\uFF60\uFFE0-\uFFE6\u{20000}-\u{3FFFD}])/u;

/** The characters that a reader sees. One of more than `SLICE_UNITS` comes in parts. */
function* graphemesOf(text: string): Generator<string> {
  for (let at = 0; at < text.length; ) {
    const parts = Array.from(segmenter.segment(text.slice(at, at + SLICE_UNITS)), ({ segment }) => segment);
    // The last character may continue after the slice.
    if (at + SLICE_UNITS < text.length && parts.length > 1) parts.pop();
    for (const part of parts) {
      yield part;
      at += part.length;
    }
  }
}

/** Columns that a text takes: two for ideographs and emoji, none for marks. Counting stops above `most`. */
export function columnsOf(text: string, most = Number.POSITIVE_INFINITY): number {
  if (isAscii(text)) return text.length;
  let columns = 0;
  for (const grapheme of graphemesOf(text)) {
    columns += widthOf(grapheme);
    if (columns > most) break;
  }
  return columns;
}

function isAscii(text: string): boolean {
  return /^[\x20-\x7E]*$/.test(text);
}

function widthOf(grapheme: string): number {
  if (WIDE.test(grapheme)) return 2;
  return /^[\p{M}\u200B-\u200D\uFEFF]+$/u.test(grapheme) ? 0 : 1;
}

/** Cuts the text to this many columns. `…` stands for what was cut off. */
export function clip(text: string, columns: number): string {
  if (columnsOf(text, columns) <= columns) return text;
  let kept = "";
  let used = 0;
  for (const grapheme of graphemesOf(text)) {
    used += widthOf(grapheme);
    if (used > columns - 1) break;
    kept += grapheme;
  }
  return `${kept}…`;
}

/** UTF-16 units per column that are read from the end of a text. Characters with many marks may be cut. */
const UNITS_PER_COLUMN = 16;

/** Cuts the start of a text, so that its end fits the columns. `…` stands for what was cut off. Suitable for paths. */
export function clipStart(text: string, columns: number): string {
  if (columnsOf(text, columns) <= columns) return text;
  const parts = [...graphemesOf(text.slice(-(columns + 1) * UNITS_PER_COLUMN))];
  let used = 0;
  let from = parts.length;
  while (from > 0 && used + widthOf(parts[from - 1]!) <= columns - 1) used += widthOf(parts[--from]!);
  return `…${parts.slice(from).join("")}`;
}

/**
 * Wraps one line of text to lines of at most this many columns, between words if possible. Its indentation is repeated.
 */
export function wrap(text: string, columns: number): string[] {
  if (columnsOf(text, columns) <= columns) return [text];
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

/** Splits a word into parts that fit the line. Nearly always this is the word itself. */
function breakWord(word: string, room: number): string[] {
  if (columnsOf(word, room) <= room) return [word];
  const parts: string[] = [];
  let part = "";
  let used = 0;
  for (const grapheme of graphemesOf(word)) {
    const width = widthOf(grapheme);
    if (used + width > room) {
      parts.push(part);
      part = "";
      used = 0;
    }
    part += grapheme;
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
