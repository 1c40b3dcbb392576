/** Files that a build leaves out, by reason, so that nothing is passed over in silence. */

import { bytes, count } from "./figures.js";

/** Files larger than this are left out: no one wrote them to be read. */
export const LARGEST_FILE = 2 * 1024 * 1024;

/** Every reason, as the summary says it. */
const REASONS = {
  tooLarge: `over ${bytes(LARGEST_FILE)}`,
  binary: "binary",
  notUtf8: "not UTF-8",
  unreadable: "not readable",
  storeItself: "the store itself",
  special: "not a regular file",
  links: "links, which are not followed",
  folders: "folders of this name",
  nameNotUtf8: "name not UTF-8",
  nameTooLong: "path too long for an id",
} as const;

/** Why a file is left out. */
export type Reason = keyof typeof REASONS;

/** Left-out paths by reason, as `--json` prints them; every reason is there. */
export type LeftOutPaths = Record<Reason, string[]>;

/** Collects what is left out. */
export class LeftOut {
  readonly paths: LeftOutPaths;

  constructor(paths?: LeftOutPaths) {
    this.paths =
      paths ?? (Object.fromEntries(Object.keys(REASONS).map((reason) => [reason, []])) as unknown as LeftOutPaths);
  }

  add(reason: Reason, path: string): void {
    this.paths[reason].push(path);
  }

  /** `over 2.1 MB: a.log, b.log and 3 more` for each reason that occurred. */
  sentences(): string[] {
    const found = Object.entries(this.paths) as [Reason, string[]][];
    return found.filter(([, paths]) => paths.length > 0).map(([reason, paths]) => `${REASONS[reason]}: ${some(paths)}`);
  }
}

/** Up to three of some names, and how many more there are. */
export function some(names: readonly string[]): string {
  const rest = names.length > 3 ? ` and ${count(names.length - 3)} more` : "";
  return names.slice(0, 3).join(", ") + rest;
}
