/** Which files a build reads: those that the given paths, the extensions and the patterns select. */

import { type Dirent, readdirSync, statSync } from "node:fs";
import { basename, extname, join, relative, sep } from "node:path";
import type { TextKind } from "../passage/split.js";
import { globTest } from "./glob.js";

/** Files larger than this are left out: no one wrote them to be read. */
export const LARGEST_FILE = 2 * 1024 * 1024;

const MARKDOWN = words("md markdown mdx mkd qmd");
const TEXT = words("txt text rst adoc asciidoc org tex");
const CODE = words(
  "ts tsx mts cts js jsx mjs cjs vue svelte py pyi rb go rs c h cc cpp cxx hpp hh cs java kt kts scala groovy swift m mm",
  "php pl pm lua r jl dart ex exs erl hs ml mli clj cljs elm zig nim v sh bash zsh fish ps1 sql css scss less proto",
  "graphql gql cmake gradle tf toml yaml yml ini",
);
const SKIPPED_FOLDERS = words("node_modules bower_components dist build out target coverage __pycache__ venv");

/** What a run of `build` speaks of. Paths are absolute. */
export interface Selection {
  /** Files and folders given by the user. */
  roots: readonly string[];
  /** Patterns that take the place of the list of extensions. */
  include: readonly ((path: string) => boolean)[];
  exclude: readonly ((path: string) => boolean)[];
}

export interface FoundFile {
  path: string;
  bytes: number;
  kind: TextKind;
}

export interface Found {
  /** In the order of their paths; each once. */
  files: FoundFile[];
  /** Selected, but larger than `LARGEST_FILE`. */
  tooLarge: string[];
  /** Files and folders that could not be looked at. */
  unreadable: string[];
  /** Given paths that do not exist. */
  missing: string[];
}

/** The selection for paths and patterns as they came from the command line. */
export function selectionOf(
  roots: readonly string[],
  include: readonly string[],
  exclude: readonly string[],
): Selection {
  return { roots, include: include.map(globTest), exclude: exclude.map(globTest) };
}

/**
 * Whether the selection speaks of this path, which need not exist.
 *
 * A file that was given itself is selected whatever its name, unless a pattern excludes it. Folders and files that begin
 * with a dot, `node_modules` and build outputs below a given folder are not.
 */
export function selects(selection: Selection, path: string): boolean {
  return selection.roots.some((root) => {
    if (path === root) return !selection.exclude.some((test) => test(basename(path)));
    const below = relativeBelow(root, path);
    if (below === undefined || below.split("/").some(isSkippedName)) return false;
    if (selection.exclude.some((test) => test(below))) return false;
    return selection.include.length > 0 ? selection.include.some((test) => test(below)) : isKnownName(below);
  });
}

/** Whether `path` is `root` or lies below it. */
export function isWithin(root: string, path: string): boolean {
  return path === root || relativeBelow(root, path) !== undefined;
}

/** Finds the selected files. Links below a given folder are not followed, so that no file comes twice. */
export function findFiles(selection: Selection): Found {
  const found: Found = { files: [], tooLarge: [], unreadable: [], missing: [] };
  for (const root of selection.roots) visitRoot(root, selection, found);
  const byPath = new Map(found.files.map((file) => [file.path, file]));
  found.files = [...byPath.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
  return found;
}

/** How a file of this name is read. */
export function kindOf(path: string): TextKind {
  const extension = extensionOf(path);
  if (MARKDOWN.has(extension)) return "markdown";
  return TEXT.has(extension) || extension === "" ? "text" : "code";
}

function visitRoot(root: string, selection: Selection, found: Found): void {
  try {
    if (statSync(root).isDirectory()) visitFolder(root, selection, found);
    else if (selects(selection, root)) take(root, found);
  } catch (error) {
    const gone = ["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "");
    (gone ? found.missing : found.unreadable).push(root);
  }
}

function visitFolder(folder: string, selection: Selection, found: Found): void {
  let entries: Dirent[];
  try {
    entries = readdirSync(folder, { withFileTypes: true });
  } catch {
    found.unreadable.push(folder);
    return;
  }
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.isDirectory() && !isSkippedName(entry.name)) visitFolder(path, selection, found);
    else if (entry.isFile() && selects(selection, path)) take(path, found);
  }
}

function take(path: string, found: Found): void {
  try {
    const bytes = statSync(path).size;
    if (bytes > LARGEST_FILE) found.tooLarge.push(path);
    else found.files.push({ path, bytes, kind: kindOf(path) });
  } catch {
    found.unreadable.push(path);
  }
}

function relativeBelow(root: string, path: string): string | undefined {
  const prefix = root.endsWith(sep) ? root : root + sep;
  return path.startsWith(prefix) ? relative(root, path).split(sep).join("/") : undefined;
}

function isSkippedName(name: string): boolean {
  return name.startsWith(".") || SKIPPED_FOLDERS.has(name);
}

function isKnownName(path: string): boolean {
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
