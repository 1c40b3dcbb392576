/** Which files a build reads: those that the given paths, the extensions and the patterns select. */

import { isUtf8 } from "node:buffer";
import { type Dirent, readdirSync, statSync } from "node:fs";
import { basename, extname, join, relative, sep } from "node:path";
import type { TextKind } from "../passage/split.js";
import { isOpenStore } from "../storage/open_files.js";
import { globTest } from "./glob.js";
import { LARGEST_FILE, LeftOut } from "./left_out.js";

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
  /** Files that were selected and are not read, and folders that were not looked into. */
  leftOut: LeftOut;
  /** Given paths that do not exist. */
  missing: string[];
  /** How many files were met that nobody asked for. */
  passedOver: { excluded: number; otherEnding: number; hidden: number };
}

/** What a selection says of a path. */
type Verdict = "selected" | "outside" | keyof Found["passedOver"];

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
  return selection.roots.some((root) => verdictOf(selection, root, path) === "selected");
}

function verdictOf({ include, exclude }: Selection, root: string, path: string): Verdict {
  if (path === root) return exclude.some((test) => test(basename(path))) ? "excluded" : "selected";
  const below = relativeBelow(root, path);
  if (below === undefined) return "outside";
  if (below.split("/").some(isSkippedName)) return "hidden";
  if (exclude.some((test) => test(below))) return "excluded";
  const isWanted = include.length > 0 ? include.some((test) => test(below)) : isKnownName(below);
  return isWanted ? "selected" : "otherEnding";
}

/** Whether `path` is `root` or lies below it. */
export function isWithin(root: string, path: string): boolean {
  return path === root || relativeBelow(root, path) !== undefined;
}

/** Finds the selected files. Links below a given folder are not followed, so that no file comes twice. */
export function findFiles(selection: Selection): Found {
  const passedOver = { excluded: 0, otherEnding: 0, hidden: 0 };
  const found: Found = { files: [], leftOut: new LeftOut(), missing: [], passedOver };
  const walk = new Walk(selection, found);
  for (const root of selection.roots) walk.visitRoot(root);
  found.files.sort((a, b) => (a.path < b.path ? -1 : 1));
  return found;
}

/** How a file of this name is read. */
export function kindOf(path: string): TextKind {
  const extension = extensionOf(path);
  if (MARKDOWN.has(extension)) return "markdown";
  return TEXT.has(extension) || extension === "" ? "text" : "code";
}

/** One walk over the given paths, which may overlap. */
class Walk {
  readonly #selection: Selection;
  readonly #found: Found;
  readonly #met = new Set<string>();

  constructor(selection: Selection, found: Found) {
    this.#selection = selection;
    this.#found = found;
  }

  visitRoot(root: string): void {
    try {
      if (statSync(root).isDirectory()) this.#visitFolder(root, root);
      else this.#meet(root, root, () => this.#take(root));
    } catch (error) {
      const gone = ["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "");
      if (gone) this.#found.missing.push(root);
      else this.#found.leftOut.add("unreadable", root);
    }
  }

  #visitFolder(folder: string, root: string): void {
    let entries: Dirent<Buffer>[];
    try {
      entries = readdirSync(folder, { withFileTypes: true, encoding: "buffer" });
    } catch {
      this.#once(folder, () => this.#found.leftOut.add("unreadable", folder));
      return;
    }
    for (const entry of entries) {
      const path = join(folder, nameOf(entry.name));
      if (!isUtf8(entry.name)) this.#meet(path, root, () => this.#found.leftOut.add("nameNotUtf8", path));
      else if (entry.isDirectory()) this.#enter(path, root);
      else if (entry.isSymbolicLink() && leadsToFolder(path)) this.#passLink(path);
      else this.#meet(path, root, () => this.#takeEntry(entry, path));
    }
  }

  #enter(folder: string, root: string): void {
    const name = basename(folder);
    if (!isSkippedName(name)) this.#visitFolder(folder, root);
    else if (!name.startsWith(".")) this.#once(folder, () => this.#found.leftOut.add("folders", folder));
  }

  #passLink(path: string): void {
    if (!isSkippedName(basename(path))) this.#once(path, () => this.#found.leftOut.add("links", path));
  }

  /** Looks at a file for the first time: does what is to be done with a selected one, counts any other. */
  #meet(path: string, root: string, takeSelected: () => void): void {
    this.#once(path, () => {
      const verdict = verdictOf(this.#selection, root, path);
      if (verdict === "selected") takeSelected();
      else if (verdict !== "outside") this.#found.passedOver[verdict]++;
    });
  }

  #once(path: string, work: () => void): void {
    if (this.#met.has(path)) return;
    this.#met.add(path);
    work();
  }

  #takeEntry(entry: Dirent<Buffer>, path: string): void {
    if (entry.isFile()) this.#take(path);
    else this.#found.leftOut.add(entry.isSymbolicLink() ? "links" : "special", path);
  }

  #take(path: string): void {
    const { files, leftOut } = this.#found;
    try {
      const stats = statSync(path);
      if (!stats.isFile()) leftOut.add("special", path);
      else if (isOpenStore(path)) leftOut.add("storeItself", path);
      else if (stats.size > LARGEST_FILE) leftOut.add("tooLarge", path);
      else files.push({ path, bytes: stats.size, kind: kindOf(path) });
    } catch {
      leftOut.add("unreadable", path);
    }
  }
}

/** A name as text. What is not UTF-8 does not lead back to its file; `\\xe9` for each such byte keeps two names apart. */
function nameOf(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString();
  return bytes.toString("latin1").replace(/[^\x20-\x7E]/g, (unit) => `\\x${unit.charCodeAt(0).toString(16)}`);
}

function leadsToFolder(link: string): boolean {
  try {
    return statSync(link).isDirectory();
  } catch {
    return false;
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
