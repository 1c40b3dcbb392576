/** Decides which stored passages a build removes, and which it keeps because too much seems to be gone. */

import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { isWithin } from "./selection.js";

/** Fewest missing files for which their share counts. Fewer files are removed without asking. */
const MANY_FILES = 10;

/** Why the passages of a given path are kept. */
type Doubt = "missing" | "empty" | "mostly gone";

/** What a build keeps of one given path. */
export interface Kept {
  root: string;
  why: Doubt;
  /** Stored files that were not found. */
  files: number;
  /** Their passages. */
  passages: number;
}

/** What a build knows after it has read everything. */
export interface Sight {
  roots: readonly string[];
  /** Given paths that do not exist. */
  missing: readonly string[];
  /** The file of each stored passage in the selection, by id. */
  stored: ReadonlyMap<string, string>;
  /** Ids of the passages that were read. */
  seen: ReadonlySet<string>;
  /** Files that were read. */
  read: ReadonlySet<string>;
  /** Files and folders that exist but are not read because of their kind. */
  present: readonly string[];
  /** Files and folders that could not be read. Their stored passages stay. */
  unreadable: readonly string[];
}

/** The decision about all passages that were not read. */
export interface Removal {
  /** Ids to delete. */
  ids: string[];
  kept: Kept[];
}

/**
 * Decides which passages are removed. A disk that is not mounted looks like a folder whose files were all deleted.
 * Therefore passages stay if a given folder is missing or empty, or if at least ten of its stored files and most of
 * them are gone. `prune` removes them too.
 */
export function removalOf(sight: Sight, prune: boolean): Removal {
  const unread = notRead(sight);
  const present = new Set([...sight.read, ...sight.present]);
  const gone = [...unread.keys()].filter((file) => !isUnder(present, file));
  const kept: Kept[] = [];
  const staying = new Set<string>();
  for (const group of prune ? [] : groupsOf(sight)) {
    const files = gone.filter((file) => group.holds(file));
    const why = files.length === 0 ? undefined : doubtOf(group, files.length, sight);
    if (why === undefined) continue;
    const passages = files.reduce((sum, file) => sum + unread.get(file)!.length, 0);
    kept.push({ root: group.name, why, files: files.length, passages });
    for (const file of files) staying.add(file);
  }
  const ids = [...unread].flatMap(([file, its]) => (staying.has(file) ? [] : its));
  return { ids, kept };
}

/** A given folder, or all files that were given by name. */
interface Group {
  name: string;
  isFolder: boolean;
  holds(file: string): boolean;
}

function groupsOf({ roots, stored }: Sight): Group[] {
  const files = new Set(stored.values());
  const alone = new Set(roots.filter((root) => files.has(root)));
  const folders = roots.filter((root) => !alone.has(root));
  const groups = folders.map((root) => ({ name: root, isFolder: true, holds: (file: string) => isWithin(root, file) }));
  return [...groups, { name: "the files given", isFolder: false, holds: (file) => alone.has(file) }];
}

function doubtOf(group: Group, goneFiles: number, sight: Sight): Doubt | undefined {
  const files = [...new Set(sight.stored.values())].filter((file) => group.holds(file));
  const missing = new Set(sight.missing);
  if (group.isFolder) {
    if (missing.has(group.name)) return "missing";
    if (![...sight.read, ...sight.present].some((file) => group.holds(file))) return "empty";
  } else if (files.some((file) => missing.has(file) && !existsSync(dirname(file)))) return "missing";
  return goneFiles >= MANY_FILES && goneFiles * 2 > files.length ? "mostly gone" : undefined;
}

/** Passages that were not read, by file, without those of files that could not be read. */
function notRead({ stored, seen, unreadable }: Sight): Map<string, string[]> {
  const found = new Map<string, string[]>();
  const unseen = new Set(unreadable);
  for (const [id, file] of stored) {
    if (seen.has(id) || isUnder(unseen, file)) continue;
    const ids = found.get(file);
    if (ids) ids.push(id);
    else found.set(file, [id]);
  }
  return found;
}

/** Whether a file is one of the paths or below one. */
function isUnder(paths: ReadonlySet<string>, file: string): boolean {
  if (paths.size === 0) return false;
  for (let at = file; ; at = dirname(at)) {
    if (paths.has(at)) return true;
    if (dirname(at) === at) return false;
  }
}
