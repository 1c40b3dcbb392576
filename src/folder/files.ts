import { isUtf8 } from "node:buffer";
import { type Dirent, readdirSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { Turns } from "../base/turns.js";
import type { TextKind } from "../chunk/split.js";
import { isOpenStore } from "../storage/open_files.js";
import { IgnoreRules } from "./gitignore.js";
import {
  isHiddenName,
  isNamed,
  isSkippedName,
  kindOf,
  type PassedOver,
  relativeBelow,
  type Selection,
  verdictOf,
} from "./selection.js";

export interface FoundFile {
  path: string;
  bytes: number;
  kind: TextKind;
}

export interface Found {
  /** In the order of their paths, each once. */
  files: FoundFile[];
  /** Selected files that are not read, and folders that were not searched. */
  leftOut: LeftOut;
  /** Given paths that do not exist. */
  missing: string[];
  /** Number of files that were not selected. */
  passedOver: PassedOver;
}

/**
 * Finds the selected files. Links below a given folder are not followed, so no file is found twice.
 *
 * @param isStopped Ends the search. The files found so far are answered.
 * @throws EmbedlessError `NOT_FOUND` if there is a .gitignore file and the package that reads it is not installed
 */
export async function findFiles(selection: Selection, isStopped: () => boolean = () => false): Promise<Found> {
  const passedOver = { excluded: 0, otherEnding: 0, hidden: 0 };
  const found: Found = { files: [], leftOut: new LeftOut(), missing: [], passedOver };
  const walk = new Walk(selection, found, isStopped);
  for (const root of new Set(selection.roots)) await walk.visitRoot(root);
  found.files.sort((a, b) => (a.path < b.path ? -1 : 1));
  return found;
}

/** One walk over the given paths. Each place is visited once, from the nearest given path above it. */
class Walk {
  readonly #selection: Selection;
  readonly #found: Found;
  readonly #isStopped: () => boolean;
  readonly #roots: ReadonlySet<string>;
  readonly #turns = new Turns({ ms: 50 });

  constructor(selection: Selection, found: Found, isStopped: () => boolean) {
    this.#selection = selection;
    this.#found = found;
    this.#isStopped = isStopped;
    this.#roots = new Set(selection.roots);
  }

  async visitRoot(root: string): Promise<void> {
    try {
      if (!statSync(root).isDirectory()) {
        this.#meet(root, () => this.#take(root));
        return;
      }
    } catch (error) {
      const gone = ["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "");
      if (gone) this.#found.missing.push(root);
      else this.#leaveOut(error, root);
      return;
    }
    const { gitignore } = this.#selection;
    const rules = gitignore ? await IgnoreRules.above(root, this.#unreadable) : IgnoreRules.from(root);
    await this.#visitFolder(root, root, rules);
  }

  async #visitFolder(folder: string, root: string, above: IgnoreRules): Promise<void> {
    let entries: Dirent<Buffer>[];
    try {
      entries = readdirSync(folder, { withFileTypes: true, encoding: "buffer" });
    } catch (error) {
      this.#leaveOut(error, folder);
      return;
    }
    const rules = this.#selection.gitignore ? await above.in(folder, entries, this.#unreadable) : above;
    for (const entry of entries) {
      await this.#turns.give();
      if (this.#isStopped()) return;
      const path = join(folder, nameOf(entry.name));
      if (this.#roots.has(path)) continue; // it is a given path and is visited as such
      if (!isUtf8(entry.name)) this.#meet(path, () => this.#found.leftOut.add("nameNotUtf8", path));
      else if (entry.isDirectory()) await this.#enter(path, root, rules);
      else if (entry.isSymbolicLink() && leadsToFolder(path)) this.#passLink(path, root, rules);
      else this.#meet(path, () => this.#takeEntry(entry, path, root, rules));
    }
  }

  async #enter(folder: string, root: string, rules: IgnoreRules): Promise<void> {
    const { leftOut, passedOver } = this.#found;
    const named = isNamed(this.#selection, relativeBelow(root, folder)!);
    const ignored = rules.ignores(folder, true);
    if (named) await this.#visitFolder(folder, root, ignored ? IgnoreRules.from(folder) : rules);
    else if (isHiddenName(basename(folder))) passedOver.hidden++;
    else if (isSkippedName(basename(folder))) leftOut.add("folders", folder);
    else if (ignored) leftOut.add("ignored", folder);
    else await this.#visitFolder(folder, root, rules);
  }

  #passLink(path: string, root: string, rules: IgnoreRules): void {
    if (!isSkippedName(basename(path)) && !this.#isIgnored(path, root, rules)) this.#found.leftOut.add("links", path);
  }

  /** Handles a file: calls `takeSelected` for a selected one, and counts any other. */
  #meet(path: string, takeSelected: () => void): void {
    const verdict = verdictOf(this.#selection, path);
    if (verdict === "selected") takeSelected();
    else if (verdict !== "outside" && !isOpenStore(path)) this.#found.passedOver[verdict]++;
  }

  #takeEntry(entry: Dirent<Buffer>, path: string, root: string, rules: IgnoreRules): void {
    if (this.#isIgnored(path, root, rules)) this.#found.leftOut.add("ignored", path);
    else if (entry.isFile()) this.#take(path);
    else this.#found.leftOut.add(entry.isSymbolicLink() ? "links" : "special", path);
  }

  #isIgnored(path: string, root: string, rules: IgnoreRules): boolean {
    return rules.ignores(path, false) && !isNamed(this.#selection, relativeBelow(root, path)!);
  }

  #take(path: string): void {
    const { files, leftOut } = this.#found;
    try {
      const stats = statSync(path);
      if (!stats.isFile()) leftOut.add("special", path);
      else if (isOpenStore(path)) leftOut.add("storeItself", path);
      else if (stats.size > this.#selection.mostBytes) leftOut.add("tooLarge", path);
      else files.push({ path, bytes: stats.size, kind: kindOf(path) });
    } catch (error) {
      this.#leaveOut(error, path);
    }
  }

  #leaveOut(error: unknown, path: string): void {
    this.#found.leftOut.add(reasonOf(error), path);
  }

  readonly #unreadable = (path: string): void => this.#found.leftOut.add("unreadable", path);
}

/**
 * A name as text. A name that is not UTF-8 does not lead back to its file; `\\xe9` for each such byte keeps two names
 * apart.
 */
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

/** Files that are left out, by reason, so that nothing is skipped silently. */

/** All reasons, in the order in which they are printed. */
const REASONS = [
  "tooLarge",
  "binary",
  "faulty",
  "unknownEncoding",
  "noDetector",
  "blank",
  "forbidden",
  "vanished",
  "unreadable",
  "storeItself",
  "special",
  "links",
  "folders",
  "ignored",
  "nameNotUtf8",
  "nameTooLong",
] as const;

/** Why a file is left out. */
export type Reason = (typeof REASONS)[number];

/** Left-out paths by reason, as `--json` prints them. All reasons are present. */
export type LeftOutPaths = Record<Reason, string[]>;

/** Reasons that say nothing about the content of a file or folder. Its stored passages stay. */
const UNSEEN: readonly Reason[] = ["noDetector", "forbidden", "vanished", "unreadable"];

/** Collects left-out paths. */
export class LeftOut {
  readonly paths = Object.fromEntries(REASONS.map((reason) => [reason, []])) as unknown as LeftOutPaths;

  add(reason: Reason, path: string): void {
    this.paths[reason].push(path);
  }

  /** Files and folders that could not be read. */
  get unseen(): string[] {
    return UNSEEN.flatMap((reason) => this.paths[reason]);
  }

  /** Files that exist but are not read because of their kind, and ignored folders. */
  get present(): string[] {
    const seen = REASONS.filter((reason) => !UNSEEN.includes(reason) && reason !== "folders");
    return seen.flatMap((reason) => this.paths[reason]);
  }
}

/** The reason for an error of the file system. */
export function reasonOf(error: unknown): Reason {
  const { code = "" } = error as NodeJS.ErrnoException;
  if (code === "EACCES" || code === "EPERM") return "forbidden";
  return code === "ENOENT" || code === "ENOTDIR" ? "vanished" : "unreadable";
}
