/** Names files in a store, and finds files by their names. */

import { existsSync, readlinkSync, realpathSync } from "node:fs";
import { basename, dirname, join, relative, resolve, sep } from "node:path";
import type { Passage } from "../api/passage.js";
import { isWithin } from "./selection.js";

/** Most sources whose places are compared when a store seems to have moved. */
const MOST_SOURCES = 2_000;
/** Most folders that are tried as the base of the sources. */
const MOST_BASES = 20;
/** Most files of one name that are compared. */
const MOST_NAMESAKES = 100;
/** Most links followed in a row, as many as Linux follows. */
const MOST_LINKS = 40;
/** Stands for an unknown folder that sources lead out of. */
const SOME_FOLDER = "…";

/** The name of a file in a store: its path relative to `base`, with `/`. Both paths are absolute. */
export function sourceOf(path: string, base: string): string {
  return relative(base, path).split(sep).join("/");
}

/** The name of the file that a stored passage came from; `undefined` for passages that `build` did not make. */
export function sourceIn({ id, metadata }: Pick<Passage, "id" | "metadata">): string | undefined {
  const source = metadata["source"];
  return typeof source === "string" && id.startsWith(`${source}#`) ? source : undefined;
}

/**
 * A path without symbolic links, so that a file has one name however it is reached. Parts that do not exist and
 * circular links stay as they are.
 */
export function withoutLinks(path: string, links = MOST_LINKS): string {
  try {
    return realpathSync.native(path);
  } catch {
    const parent = dirname(path);
    if (parent === path) return path;
    const here = join(withoutLinks(parent, links), basename(path));
    const target = links > 0 ? targetOf(here) : undefined;
    return target === undefined ? here : withoutLinks(resolve(dirname(here), target), links - 1);
  }
}

/** The target of a link, which need not exist; `undefined` if it is not a link. */
function targetOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

/**
 * The folder that the names in a store are relative to: by default the store's own folder. If the store was moved
 * without its files, it is the folder from which most names lead to found files, if those are more than twice as many
 * as from the store's folder.
 *
 * @param folder The store's folder.
 * @param sources All names in the store, each once.
 * @param files The files that were found.
 * @param roots The given paths. All are absolute, without links.
 */
export function baseOf(
  folder: string,
  sources: readonly string[],
  files: readonly string[],
  roots: readonly string[],
): string {
  const step = Math.max(1, Math.ceil(sources.length / MOST_SOURCES));
  const sample = sources.filter((_, i) => i % step === 0);
  const own = sample.filter((source) => existsSync(resolve(folder, source))).length;
  if (own * 2 >= sample.length) return folder;
  const present = new Set(files);
  let best = { base: folder, files: 0 };
  for (const base of basesOf(sample, files)) {
    const paths = sample.map((source) => resolve(base, source));
    const asked = paths.filter((path) => roots.some((root) => isWithin(root, path))).length;
    const there = paths.filter((path) => present.has(path)).length;
    // A few names that two projects share are no sign of a move, and a README.md at the new place must not hide one.
    if (there > Math.max(best.files, own * 2) && there * 2 >= asked) best = { base, files: there };
  }
  return best.base;
}

/** Folders from which sources lead to files, beginning with those that most sources fit. */
function basesOf(sources: readonly string[], files: readonly string[]): string[] {
  const byName = new Map<string, string[]>();
  for (const file of files) {
    const same = byName.get(basename(file));
    if (!same) byName.set(basename(file), [file]);
    else if (same.length < MOST_NAMESAKES) same.push(file);
  }
  const votes = new Map<string, number>();
  for (const source of sources) {
    const [, out, rest] = /^((?:\.\.\/)*)(.*)$/s.exec(source)!;
    const tail = sep + rest!.split("/").join(sep);
    const steps = Array.from({ length: out!.length / 3 }, () => SOME_FOLDER);
    for (const file of byName.get(basename(rest!)) ?? []) {
      if (!file.endsWith(tail)) continue;
      const base = join(file.slice(0, -tail.length) || sep, ...steps);
      votes.set(base, (votes.get(base) ?? 0) + 1);
    }
  }
  const ranked = [...votes].sort(([a, m], [b, n]) => n - m || a.length - b.length || (a < b ? -1 : 1));
  return ranked.slice(0, MOST_BASES).map(([base]) => base);
}
