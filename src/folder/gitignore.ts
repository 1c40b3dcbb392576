/** The rules of .gitignore files, as git reads them. */

import { type Dirent, existsSync, lstatSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Ignore } from "ignore";
import { optionalPackage } from "../base/packages.js";
import { readGivenFile } from "../storage/open_files.js";
import { isWithin, relativeBelow } from "./selection.js";

/** Most bytes of a .gitignore file. Longer files would only cost time. */
const MOST_BYTES = 1024 * 1024;

type MakeIgnore = (options: { ignorecase: boolean }) => Ignore;

/** All rules that apply in a folder: its own, and those of the folders above it, up to the root of its repository. */
export class IgnoreRules {
  /** The folder where the rules begin. They do not apply elsewhere. */
  readonly #top: string;
  readonly #rules: Ignore | undefined;

  private constructor(top: string, rules?: Ignore) {
    this.#top = top;
    this.#rules = rules;
  }

  /**
   * The rules that the folders above a given folder have for it. There are none if they ignore the folder itself,
   * because a user who names it wants it read.
   *
   * @param unreadable Called with each file of rules that cannot be read.
   */
  static async above(folder: string, unreadable: (path: string) => void): Promise<IgnoreRules> {
    const top = repositoryOf(folder);
    if (top === undefined || top === folder) return new IgnoreRules(folder);
    let rules = new IgnoreRules(top);
    for (const parent of foldersBetween(top, folder)) rules = await rules.in(parent, undefined, unreadable);
    return rules.ignores(folder, true) ? new IgnoreRules(folder) : rules;
  }

  /** Rules that begin in a folder and ignore those above. */
  static from(folder: string): IgnoreRules {
    return new IgnoreRules(folder);
  }

  /**
   * The rules within `folder`, including its own. A nested repository begins without rules.
   *
   * @param entries The entries of the folder, if they are known already.
   */
  async in(
    folder: string,
    entries: readonly Dirent<Buffer>[] | undefined,
    unreadable: (path: string) => void,
  ): Promise<IgnoreRules> {
    const has = (name: string) => (entries ? entries.some((entry) => entry.name.equals(Buffer.from(name))) : true);
    const isRepository = has(".git") && existsSync(join(folder, ".git"));
    const start: IgnoreRules = isRepository ? new IgnoreRules(folder) : this;
    const files = [...(isRepository ? [".git/info/exclude"] : []), ...(has(".gitignore") ? [".gitignore"] : [])];
    const lines: string[] = [];
    for (const name of files) lines.push(...(await linesOf(join(folder, name), unreadable)));
    return lines.length === 0 ? start : start.#with(folder, lines);
  }

  /** Whether git ignores this path, which lies directly in a folder of these rules. */
  ignores(path: string, isFolder: boolean): boolean {
    const below = this.#rules && relativeBelow(this.#top, path);
    return below !== undefined && this.#rules!.ignores(isFolder ? `${below}/` : below);
  }

  async #with(folder: string, lines: readonly string[]): Promise<IgnoreRules> {
    const make = (
      await optionalPackage("ignore", "Reading a .gitignore file (--no-gitignore does not)", () => import("ignore"))
    ).default as unknown as MakeIgnore;
    // This is git's default on these systems.
    const rules = make({ ignorecase: process.platform === "win32" || process.platform === "darwin" });
    if (this.#rules) rules.add(this.#rules);
    const place = relativeBelow(this.#top, folder);
    rules.add(place === undefined ? [...lines] : lines.map((line) => moved(line, place)));
    return new IgnoreRules(this.#top, rules);
  }
}

/** The nearest folder, this one or one above, that git takes for a repository. */
function repositoryOf(folder: string): string | undefined {
  for (let at = folder; ; at = dirname(at)) {
    if (existsSync(join(at, ".git"))) return at;
    if (dirname(at) === at) return undefined;
  }
}

/** The folders from `top` down to the one above `folder`. */
function foldersBetween(top: string, folder: string): string[] {
  const folders: string[] = [];
  for (let at = dirname(folder); isWithin(top, at); at = dirname(at)) {
    folders.unshift(at);
    if (at === top) break;
  }
  return folders;
}

/** Rewrites a rule of the folder `place` for the folder where all rules begin. */
function moved(line: string, place: string): string {
  const [, not, pattern] = /^(!?)(.*)$/s.exec(line)!;
  const folder = place.replace(/[\\*?[\]!# ]/g, "\\$&");
  const isAnchored = pattern!.replace(/\s+$/, "").slice(0, -1).includes("/");
  const own = isAnchored ? pattern!.replace(/^\//, "") : pattern!.replace(/^\\(?=[#!])/, "");
  return `${not}/${folder}/${isAnchored ? "" : "**/"}${own}`;
}

/** Whether the path itself is a file. The .git of a linked working tree is a file, so nothing lies below it. */
function isFile(path: string): boolean {
  try {
    return lstatSync(path).isFile();
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "")) return false;
    throw error;
  }
}

/** The rules of a file, without comments. Like git, this follows no link. */
async function linesOf(path: string, unreadable: (path: string) => void): Promise<string[]> {
  try {
    if (!isFile(path)) return [];
    const content = await readGivenFile(path, MOST_BYTES);
    if (typeof content === "string") {
      unreadable(path);
      return [];
    }
    const lines = content
      .toString()
      .replace(/^\uFEFF/, "")
      .split(/\r?\n/);
    return lines.filter((line) => line.trim() !== "" && !line.startsWith("#"));
  } catch {
    unreadable(path);
    return [];
  }
}
