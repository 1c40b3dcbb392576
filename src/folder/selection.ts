import { basename, extname, relative, sep } from "node:path";
import { outOfRange } from "../base/errors.js";
import type { TextKind } from "../chunk/split.js";

/** Which files a build selects. Paths are absolute, and no part of them is a symbolic link. */
export interface Selection {
  /** Files and folders given by the user. */
  roots: readonly string[];
  /** Patterns that replace the list of extensions. */
  include: readonly PathTest[];
  /** Names that the patterns select although they are skipped otherwise. */
  named: readonly PathTest[];
  exclude: readonly PathTest[];
  /** Whether files named by a .gitignore file are left out. */
  gitignore: boolean;
  /** Larger files are left out. */
  mostBytes: number;
}

/** Default limit of a file's size. Larger files are seldom written by people. */
export const MOST_FILE_BYTES = 2 * 1024 * 1024;

/** The user's options about files. */
export interface SelectionOptions {
  include?: readonly string[] | undefined;
  exclude?: readonly string[] | undefined;
  /** Default `true`. */
  gitignore?: boolean | undefined;
  /** Default `MOST_FILE_BYTES`. */
  mostBytes?: number | undefined;
}

/** Numbers of files and hidden folders that were not selected. */
export interface PassedOver {
  excluded: number;
  otherEnding: number;
  hidden: number;
}

/** Whether a path is selected, or why not. */
export type Verdict = "selected" | "outside" | keyof PassedOver;

/**
 * The selection for paths and patterns from the command line.
 *
 * @throws RangeError (`INVALID_ARGUMENT`) for a pattern that is not a glob
 */
export function selectionOf(roots: readonly string[], options: SelectionOptions = {}): Selection {
  const { include = [], exclude = [], gitignore = true, mostBytes = MOST_FILE_BYTES } = options;
  const named = include.map(namingTest);
  return { roots, include: include.map(globTest), named, exclude: exclude.map(globTest), gitignore, mostBytes };
}

/**
 * Whether a path, which need not exist, is selected.
 *
 * A file that was given by name is selected whatever its name, unless a pattern excludes it. Below a given folder,
 * names that begin with a dot, `node_modules` and build outputs are not selected unless a pattern names them.
 */
export function selects(selection: Selection, path: string): boolean {
  return verdictOf(selection, path) === "selected";
}

/** The verdict of the given path that says most about `path`. Several given paths may be above it. */
export function verdictOf(selection: Selection, path: string): Verdict {
  let verdict: Verdict = "outside";
  for (const root of selection.roots) {
    const its = verdictBelow(selection, root, path);
    if (its === "selected") return its;
    if (verdict === "outside") verdict = its;
  }
  return verdict;
}

function verdictBelow(selection: Selection, root: string, path: string): Verdict {
  const { include, exclude } = selection;
  if (path === root) return exclude.some((test) => test(basename(path))) ? "excluded" : "selected";
  const below = relativeBelow(root, path);
  if (below === undefined) return "outside";
  if (hasSkippedPart(selection, below)) return "hidden";
  if (exclude.some((test) => test(below))) return "excluded";
  const isWanted = include.length > 0 ? include.some((test) => test(below)) : isKnownName(below);
  return isWanted ? "selected" : "otherEnding";
}

function hasSkippedPart(selection: Selection, below: string): boolean {
  const parts = below.split("/");
  return parts.some((name, i) => isSkippedName(name) && !isNamed(selection, parts.slice(0, i + 1).join("/")));
}

/** Whether a pattern names a path, relative to a given folder, so that it is not skipped. */
export function isNamed({ named }: Selection, below: string): boolean {
  return named.some((test) => test(below));
}

/** Whether `path` is `root` or lies below it. */
export function isWithin(root: string, path: string): boolean {
  return path === root || relativeBelow(root, path) !== undefined;
}

/** `path` relative to `root`, with `/`; `undefined` if it is not below `root`. */
export function relativeBelow(root: string, path: string): string | undefined {
  const prefix = root.endsWith(sep) ? root : root + sep;
  return path.startsWith(prefix) ? relative(root, path).split(sep).join("/") : undefined;
}

/** A test of relative paths with `/`. */
export type PathTest = (path: string) => boolean;

/** Stands for a letter that no pattern names. */
const ANY_LETTER = "\u{F0000}";

/**
 * A test for relative paths with `/`. A pattern without a slash is compared with the last part of the path, so `*.md`
 * matches every Markdown file. A pattern with a slash is compared with the whole path. A pattern that matches a folder
 * matches everything below it.
 *
 * @throws RangeError (`INVALID_ARGUMENT`) for an empty pattern or an unclosed bracket.
 */
export function globTest(pattern: string): PathTest {
  const expression = expressionOf(partsOf(pattern), pattern, "(?:/.*)?");
  return (path) => expression.test(path);
}

/**
 * A test whether a pattern, or its beginning, names a path by the first letter of its last part: `build/*.md` names
 * `build`, `**\/.github` names `x/.github`; `*.md` and `**` name nothing.
 *
 * @throws as `globTest`
 */
export function namingTest(pattern: string): PathTest {
  const parts = partsOf(pattern);
  const beginnings = parts.map((_, i) => expressionOf(parts.slice(0, i + 1), pattern, "", parts.length > 1));
  return (path) => {
    const other = path.replace(/[^/]([^/]*)$/u, `${ANY_LETTER}$1`);
    return beginnings.some((expression) => expression.test(path) && !expression.test(other));
  };
}

/** The parts of a pattern between slashes outside of braces and brackets. */
function partsOf(pattern: string): string[] {
  const clean = pattern.replace(/^\.\//, "").replace(/\/+$/, "");
  if (clean === "") throw outOfRange("a pattern", "a glob such as *.md or docs/**", pattern);
  const parts = [""];
  let depth = 0;
  for (const sign of clean) {
    if (sign === "{") depth++;
    else if (sign === "}") depth = Math.max(0, depth - 1);
    if (sign === "/" && depth === 0) parts.push("");
    else parts[parts.length - 1] += sign;
  }
  return parts;
}

function expressionOf(parts: readonly string[], whole: string, end: string, atRoot?: boolean): RegExp {
  const glob = parts.join("/");
  const anywhere = (atRoot ?? glob.includes("/")) ? "" : "(?:.*/)?";
  return new RegExp(`^${anywhere}${translate(glob, whole)}${end}$`, "su");
}

function translate(glob: string, whole: string): string {
  let out = "";
  let depth = 0;
  for (let i = 0; i < glob.length; i++) {
    const sign = glob[i]!;
    if (glob.startsWith("**/", i)) {
      out += "(?:.*/)?";
      i += 2;
    } else if (glob.startsWith("**", i)) {
      out += ".*";
      i += 1;
    } else if (sign === "*") out += "[^/]*";
    else if (sign === "?") out += "[^/]";
    else if (sign === "[") {
      const end = glob.indexOf("]", i + 2);
      if (end < 0) throw outOfRange("a pattern", "a glob whose brackets are closed", whole);
      out += characterClass(glob.slice(i + 1, end), whole);
      i = end;
    } else if (sign === "{") {
      out += "(?:";
      depth++;
    } else if (sign === "}" && depth > 0) {
      out += ")";
      depth--;
    } else if (sign === "," && depth > 0) out += "|";
    else out += sign.replace(/[.+^$()|\\{}\]/]/g, "\\$&");
  }
  if (depth > 0) throw outOfRange("a pattern", "a glob whose brackets are closed", whole);
  return out;
}

function characterClass(content: string, whole: string): string {
  const negated = /^[!^]/.test(content);
  const inner = (negated ? content.slice(1) : content).replace(/[\\[\]^/&|~]/g, "\\$&");
  const expression = `[${negated ? "^/" : ""}${inner}]`;
  try {
    new RegExp(expression, "u");
  } catch {
    throw outOfRange("a pattern", "a glob whose brackets hold characters or ranges", whole);
  }
  return expression;
}

const MARKDOWN = words("md markdown mdx mkd qmd");
const TEXT = words("txt text rst adoc asciidoc org tex");
const CODE = words(
  "ts tsx mts cts js jsx mjs cjs vue svelte py pyi rb go rs c h cc cpp cxx hpp hh cs java kt kts scala groovy swift m mm",
  "php pl pm lua r jl dart ex exs erl hs ml mli clj cljs elm zig nim v sh bash zsh fish ps1 sql css scss less proto",
  "graphql gql cmake gradle tf toml yaml yml ini",
);
const SKIPPED_FOLDERS = words("node_modules bower_components dist build out target coverage __pycache__ venv");

/** How a file with this name is read. */
export function kindOf(path: string): TextKind {
  const extension = extensionOf(path);
  if (MARKDOWN.has(extension)) return "markdown";
  return TEXT.has(extension) || extension === "" ? "text" : "code";
}

/** Whether a file or folder is hidden. */
export function isHiddenName(name: string): boolean {
  return name.startsWith(".");
}

/** Whether a file or folder is hidden, or has the name of a build output or of installed packages. */
export function isSkippedName(name: string): boolean {
  return isHiddenName(name) || SKIPPED_FOLDERS.has(name);
}

/** Whether a file with this name is Markdown, text or source code written by people. */
export function isKnownName(path: string): boolean {
  const extension = extensionOf(path);
  if (/\.min\.\w+$/.test(path)) return false;
  if (extension === "") return /^(readme|license|licence|changelog|makefile|dockerfile|notice)$/i.test(basename(path));
  return MARKDOWN.has(extension) || TEXT.has(extension) || CODE.has(extension);
}

function extensionOf(path: string): string {
  return extname(path).slice(1).toLowerCase();
}

function words(...lists: string[]): Set<string> {
  return new Set(lists.join(" ").split(" "));
}
