/**
 * Cuts a text into passages that fit the embedder's window.
 *
 * A cut is made where the text itself pauses: best before a heading, then between paragraphs, lines, sentences and
 * words. Small neighbours are merged up to a target. If several places are equally good, a hash of the text after each
 * decides. An edit therefore moves only the cuts near it, and the other passages of the file stay as they were.
 */

import { wrongType } from "../base/errors.js";
import { type Block, blocksOf, Cut, linesOfBlock, markdownBlocks, type Span, type TextKind } from "./markdown.js";

export type { TextKind } from "./markdown.js";

/** Options of `splitText`. */
export interface SplitOptions {
  /**
   * Counts the tokens of a text as the embedder does, special tokens left out. Default: an estimate from the text's
   * letters.
   */
  countTokens?: ((text: string) => number | Promise<number>) | undefined;
  /**
   * Most tokens per piece. Text beyond the embedder's window is not embedded, so choose at most that. Default 254, the
   * window of the bundled model.
   */
  maxTokens?: number | undefined;
  /**
   * Size up to which small neighbours are merged, in tokens, at most `maxTokens`. Larger pieces give fewer passages,
   * smaller ones give more precise hits. Default: four fifths of `maxTokens`.
   */
  targetTokens?: number | undefined;
  /**
   * How the text is read: `"markdown"` by headings and fences, `"code"` by comments and indentation, `"text"` by
   * neither. Default `"text"`.
   */
  kind?: TextKind | undefined;
}

/**
 * A piece of a text: a slice without blank lines before it or white space after it. Its first line keeps its
 * indentation.
 */
export interface Piece {
  text: string;
  /** The first and the last line of the source that the piece touches, counted from 1. */
  lines: { from: number; to: number };
  /** Titles of the headings above the whole piece, such as `"Install > From source"`. Empty if there are none. */
  heading: string;
}

/** A span that is small enough, with its number of tokens. */
interface Atom extends Span {
  tokens: number;
  heading: string;
}

/**
 * Most characters per token. It keeps a piece readable if the model sees one endless unknown word as a single token.
 */
const CHARACTERS_PER_TOKEN = 12;

/**
 * Splits `text` into pieces of at most `maxTokens` tokens.
 *
 * Every character that is not white space is in exactly one piece, and the pieces are in order. The time is linear in
 * the length of the text. Each part of the text is counted a few times at most.
 *
 * @throws TypeError, RangeError (`INVALID_ARGUMENT`) for a text or a limit of the wrong kind; EmbedlessError
 *   `NOT_FOUND` if Markdown is to be split and the optional package `markdown-it` is not installed.
 */
export async function splitText(text: string, options: SplitOptions = {}): Promise<Piece[]> {
  if (typeof text !== "string") throw wrongType("text", "a string", text);
  const limits = limitsOf(options);
  const kind = options.kind ?? "text";
  const atoms: Atom[] = [];
  const blocks = kind === "markdown" ? await markdownBlocks(text) : blocksOf(text, kind);
  for (const block of blocks) await cutBlock(text, block, kind, limits, atoms);
  return piecesOf(text, pack(text, atoms, limits));
}

/**
 * Estimates the tokens of `text` without a model: about one per four letters, and one per sign, per two digits and per
 * ideograph. It is rather too high than too low. For embedders that cannot count.
 */
export function approximateTokens(text: string): number {
  let tokens = 0;
  for (const [run] of text.matchAll(/[\p{Script=Latin}]+|\p{N}+|[^\s]/gu)) {
    tokens += run.length === 1 ? 1 : Math.ceil(run.length / (/^\p{N}/u.test(run) ? 2 : 4));
  }
  return tokens;
}

interface Limits {
  count: (text: string) => number | Promise<number>;
  max: number;
  target: number;
}

function limitsOf(options: SplitOptions): Limits {
  const max = options.maxTokens ?? 254;
  const target = options.targetTokens ?? Math.max(1, Math.floor(max * 0.8));
  for (const [name, value] of Object.entries({ maxTokens: max, targetTokens: target })) {
    if (!Number.isInteger(value) || value < 1) throw wrongType(name, "a whole number of at least 1", value);
  }
  return { count: options.countTokens ?? approximateTokens, max, target: Math.min(target, max) };
}

/** Appends a block's atoms: the block itself if it fits, else its lines, sentences or words. */
async function cutBlock(text: string, block: Block, kind: TextKind, limits: Limits, atoms: Atom[]): Promise<void> {
  const { heading } = block;
  const tokens = await weigh(text, block, limits, limits.max);
  if (tokens <= limits.max) {
    atoms.push({ ...block, tokens });
    return;
  }
  // Parts are held to the target instead of the maximum. This leaves room for the heading before the first part.
  for (const line of startAs(block.cut, linesOfBlock(text, block, kind))) {
    const lineTokens = await weigh(text, line, limits, limits.target);
    if (lineTokens <= limits.target) {
      atoms.push({ ...line, tokens: lineTokens, heading });
      continue;
    }
    for (const sentence of startAs(line.cut, sentencesOf(text, line)))
      await halve(text, sentence, heading, limits, atoms);
  }
}

function startAs(cut: number, spans: Span[]): Span[] {
  if (spans[0]) spans[0].cut = cut;
  return spans;
}

/** Appends the span if it fits, else its two halves, cut at the blank nearest to the middle. */
async function halve(text: string, span: Span, heading: string, limits: Limits, atoms: Atom[]): Promise<void> {
  const waiting = [span];
  for (let part = waiting.pop(); part !== undefined; part = waiting.pop()) {
    const tokens = await weigh(text, part, limits, limits.target);
    const middle = tokens <= limits.target ? undefined : middleOf(text, part);
    if (middle === undefined) {
      atoms.push({ ...part, tokens, heading });
      continue;
    }
    waiting.push(
      { start: middle.at, end: part.end, cut: middle.cut },
      { start: part.start, end: middle.at, cut: part.cut },
    );
  }
}

/** Tokens of a span, or a number above `limit` without counting if its length alone says so. */
async function weigh(text: string, { start, end }: Span, { count }: Limits, limit: number): Promise<number> {
  if (end - start > limit * CHARACTERS_PER_TOKEN) return Number.POSITIVE_INFINITY;
  const slice = text.slice(start, end);
  return slice.trim() === "" ? 0 : count(slice);
}

function sentencesOf(text: string, line: Span): Span[] {
  const slice = text.slice(line.start, line.end);
  const sentences: Span[] = [];
  let start = 0;
  for (const { index, 0: stop } of slice.matchAll(/[.!?…]["'”’)\]]{0,3}\s+|[。！？]/g)) {
    sentences.push({ start: line.start + start, end: line.start + index + stop.length, cut: Cut.sentence });
    start = index + stop.length;
  }
  if (start < slice.length) sentences.push({ start: line.start + start, end: line.end, cut: Cut.sentence });
  return sentences;
}

/**
 * Where to halve a span: after the blank nearest to its middle, else between two characters; `undefined` for a single
 * one.
 */
function middleOf(text: string, { start, end }: Span): { at: number; cut: number } | undefined {
  const middle = (start + end) >> 1;
  const reach = Math.min((end - start) >> 2, 200);
  for (let step = 0; step < reach; step++) {
    for (const at of [middle - step, middle + step]) {
      if (at > start && at < end && /\s/.test(text[at - 1]!) && /\S/.test(text[at]!)) return { at, cut: Cut.word };
    }
  }
  let at = middle;
  for (let step = 0; step < 16 && at - 1 > start && isInsideCharacter(text, at); step++) at--;
  if (splitsPair(text, at)) at = at - 1 > start ? at - 1 : at + 1;
  return at > start && at < end ? { at, cut: Cut.inside } : undefined;
}

function splitsPair(text: string, at: number): boolean {
  return /[\uDC00-\uDFFF]/.test(text[at] ?? "") && /[\uD800-\uDBFF]/.test(text[at - 1] ?? "");
}

/** Whether a place is within a surrogate pair, before a combining mark or modifier, or beside a zero-width joiner. */
function isInsideCharacter(text: string, at: number): boolean {
  if (splitsPair(text, at) || text[at - 1] === "\u200D") return true;
  return /^(?:\p{M}|\u200D|[\uFE00-\uFE0F]|\p{Emoji_Modifier})/u.test(String.fromCodePoint(text.codePointAt(at) ?? 32));
}

/** Groups neighbouring atoms. Each group fits the target if possible, and always fits the maximum. */
function pack(text: string, atoms: Atom[], limits: Limits): Atom[][] {
  const groups: Atom[][] = [];
  for (let first = 0; first < atoms.length; ) {
    const next = groupEnd(text, atoms, first, limits);
    const group = atoms.slice(first, next);
    const before = groups.at(-1);
    if (before && isRemnant(group, before, limits)) before.push(...group);
    else groups.push(group);
    first = next;
  }
  return groups;
}

/** Whether a group is so small (for example a closing bracket) that it joins the group before it, if it fits there. */
function isRemnant(group: Atom[], before: Atom[], limits: Limits): boolean {
  const tokens = sizeOf(group);
  if (group[0]!.cut >= Cut.section || tokens * 8 > limits.target) return false;
  const length = group.at(-1)!.end - before[0]!.start;
  return sizeOf(before) + tokens <= limits.max && length <= limits.max * CHARACTERS_PER_TOKEN;
}

function sizeOf(atoms: Atom[]): number {
  return atoms.reduce((sum, { tokens }) => sum + tokens, 0);
}

/** The index of the first atom after the group that starts at `first`. */
function groupEnd(text: string, atoms: Atom[], first: number, limits: Limits): number {
  let tokens = atoms[first]!.tokens;
  let best: { at: number; cut: number; hash: number } | undefined;
  for (let at = first + 1; at < atoms.length; at++) {
    const atom = atoms[at]!;
    if (atom.cut >= Cut.section && tokens * 3 >= limits.target) return at;
    const whole = tokens + atom.tokens;
    const length = atom.end - atoms[first]!.start;
    if (tokens * 3 >= limits.target * 2 || whole > limits.target) {
      const hash = hashOf(text, atom);
      if (!best || atom.cut > best.cut || (atom.cut === best.cut && hash < best.hash))
        best = { at, cut: atom.cut, hash };
    }
    const limit = best && best.cut > Cut.never ? limits.target : limits.max;
    if (whole > limit || length > limits.max * CHARACTERS_PER_TOKEN) return best?.at ?? at;
    tokens = whole;
  }
  return atoms.length;
}

/** FNV-1a of the beginning of a span. */
function hashOf(text: string, { start, end }: Span): number {
  let hash = 0x811c9dc5;
  for (let i = start; i < Math.min(end, start + 64); i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

/** The headings that all atoms of a group have in common. If there are none, the headings of its first atom. */
function commonHeading(group: Atom[]): string {
  const paths = group.filter(({ tokens }) => tokens > 0).map(({ heading }) => heading.split(" > "));
  const [first = [""], ...others] = paths;
  const common = first.filter((_, depth) => others.every((path) => sameStart(first, path, depth)));
  return (common.length > 0 ? common : first).join(" > ");
}

function sameStart(a: string[], b: string[], depth: number): boolean {
  return a.slice(0, depth + 1).every((title, i) => title === b[i]);
}

function piecesOf(text: string, groups: Atom[][]): Piece[] {
  const pieces: Piece[] = [];
  let line = 1;
  let counted = 0;
  const lineAt = (position: number) => {
    line += text.slice(counted, position).match(/\r\n|\n|\r/g)?.length ?? 0;
    counted = position;
    return line;
  };
  for (const group of groups) {
    const whole = text.slice(group[0]!.start, group.at(-1)!.end);
    if (whole.trim() === "") continue;
    const start = group[0]!.start + (/^\s*[\r\n]/.exec(whole)?.[0].length ?? 0);
    const piece = text.slice(start, group.at(-1)!.end).trimEnd();
    const from = lineAt(start);
    pieces.push({ text: piece, lines: { from, to: lineAt(start + piece.length) }, heading: commonHeading(group) });
  }
  return pieces;
}
