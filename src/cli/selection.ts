/** What a run of `build` speaks of: the given paths, and what the patterns and the names below them say. */

import { basename, relative, sep } from "node:path";
import { isKnownName, isSkippedName } from "./file_names.js";
import { globTest, namingTest, type PathTest } from "./glob.js";

/** Paths are absolute, and no part of them is a symbolic link. */
export interface Selection {
  /** Files and folders given by the user. */
  roots: readonly string[];
  /** Patterns that take the place of the list of extensions. */
  include: readonly PathTest[];
  /** Names that the patterns bring back although they are skipped otherwise. */
  named: readonly PathTest[];
  exclude: readonly PathTest[];
  /** Whether files that a .gitignore file names are left out. */
  gitignore: boolean;
  /** Larger files are left out. */
  mostBytes: number;
}

/** Files larger than this are left out unless the user asks for them: hardly anybody wrote them to be read. */
export const MOST_FILE_BYTES = 2 * 1024 * 1024;

/** What the user may say of the files. */
export interface SelectionOptions {
  include?: readonly string[] | undefined;
  exclude?: readonly string[] | undefined;
  /** Default `true`. */
  gitignore?: boolean | undefined;
  /** Default `MOST_FILE_BYTES`. */
  mostBytes?: number | undefined;
}

/** Files, and hidden folders, that nobody asked for: how many. */
export interface PassedOver {
  excluded: number;
  otherEnding: number;
  hidden: number;
}

/** What a selection says of a path. */
export type Verdict = "selected" | "outside" | keyof PassedOver;

/**
 * The selection for paths and patterns as they came from the command line.
 *
 * @throws RangeError (`INVALID_ARGUMENT`) for a pattern that is no glob
 */
export function selectionOf(roots: readonly string[], options: SelectionOptions = {}): Selection {
  const { include = [], exclude = [], gitignore = true, mostBytes = MOST_FILE_BYTES } = options;
  const named = include.map(namingTest);
  return { roots, include: include.map(globTest), named, exclude: exclude.map(globTest), gitignore, mostBytes };
}

/**
 * Whether the selection speaks of this path, which need not exist.
 *
 * A file that was given itself is selected whatever its name, unless a pattern excludes it. Folders and files that begin
 * with a dot, `node_modules` and build outputs below a given folder are not, unless a pattern names them.
 */
export function selects(selection: Selection, path: string): boolean {
  return verdictOf(selection, path) === "selected";
}

/** What the given path says that says most for `path`; there may be several above it. */
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

/** Whether a pattern names a path, relative to a given folder, so that no rule of our own leaves it out. */
export function isNamed({ named }: Selection, below: string): boolean {
  return named.some((test) => test(below));
}

/** Whether `path` is `root` or lies below it. */
export function isWithin(root: string, path: string): boolean {
  return path === root || relativeBelow(root, path) !== undefined;
}

/** `path` as it is called from `root`, with `/`; `undefined` if it does not lie below. */
export function relativeBelow(root: string, path: string): string | undefined {
  const prefix = root.endsWith(sep) ? root : root + sep;
  return path.startsWith(prefix) ? relative(root, path).split(sep).join("/") : undefined;
}
