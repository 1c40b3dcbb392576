/** Files that a build leaves out, by reason, so that nothing is passed over in silence. */

import { bytes, count, counted } from "./figures.js";
import type { PassedOver } from "./selection.js";
import { clipStart } from "./terminal.js";

/** Every reason, as the summary says it. */
const REASONS = {
  tooLarge: "too large", // is said with the limit
  binary: "binary",
  faulty: "with bytes that are wrong in UTF-8 or UTF-16",
  unknownEncoding: "in an encoding that cannot be told",
  noDetector: "not UTF-8 (npm install chardet, which tells other encodings)",
  blank: "without text",
  forbidden: "no permission to read",
  vanished: "gone while the build ran",
  unreadable: "not readable",
  storeItself: "the store itself",
  special: "not a regular file",
  links: "links, which are not followed",
  folders: "folders of this name (give them by name to read them)",
  ignored: "named by a .gitignore file (--no-gitignore reads it)",
  nameNotUtf8: "name not UTF-8",
  nameTooLong: "path too long for an id",
} as const;

/** Why a file is left out. */
export type Reason = keyof typeof REASONS;

/** Left-out paths by reason, as `--json` prints them; every reason is there. */
export type LeftOutPaths = Record<Reason, string[]>;

/** Reasons that say nothing of what is in a file or folder: what is stored of it stays. */
const UNSEEN: readonly Reason[] = ["noDetector", "forbidden", "vanished", "unreadable"];

/** Collects what is left out. */
export class LeftOut {
  readonly paths: LeftOutPaths;
  readonly #mostBytes: number;

  /** @param mostBytes Largest file that is read. */
  constructor(mostBytes: number, paths?: LeftOutPaths) {
    this.#mostBytes = mostBytes;
    this.paths =
      paths ?? (Object.fromEntries(Object.keys(REASONS).map((reason) => [reason, []])) as unknown as LeftOutPaths);
  }

  add(reason: Reason, path: string): void {
    this.paths[reason].push(path);
  }

  /** Files and folders that could not be looked at. */
  get unseen(): string[] {
    return UNSEEN.flatMap((reason) => this.paths[reason]);
  }

  /** Files that are there, but are not read for what they are, and ignored folders. */
  get present(): string[] {
    const reasons = (Object.keys(this.paths) as Reason[]).filter((reason) => !UNSEEN.includes(reason));
    return reasons.filter((reason) => reason !== "folders").flatMap((reason) => this.paths[reason]);
  }

  /** `binary: a.log, b.log and 3 more` for each reason that occurred. */
  sentences(): string[] {
    const found = (Object.entries(this.paths) as [Reason, string[]][]).filter(([, paths]) => paths.length > 0);
    return found.map(([reason, paths]) => `${this.#said(reason)}: ${some(paths)}`);
  }

  #said(reason: Reason): string {
    if (reason !== "tooLarge") return REASONS[reason];
    return `over ${bytes(this.#mostBytes)} (--max-file-size allows more)`;
  }
}

/** Why the file system refused. */
export function reasonOf(error: unknown): Reason {
  const { code = "" } = error as NodeJS.ErrnoException;
  if (code === "EACCES" || code === "EPERM") return "forbidden";
  return code === "ENOENT" || code === "ENOTDIR" ? "vanished" : "unreadable";
}

/** What was not asked for: `2 files excluded`, for each kind that occurred. */
export function passedOverParts({ excluded, otherEnding, hidden }: PassedOver): string[] {
  const counts: [number, string][] = [
    [excluded, `${counted(excluded, "file")} excluded`],
    [otherEnding, `${counted(otherEnding, "file")} not asked for by ending (--include names others)`],
    [hidden, `${count(hidden)} hidden`],
  ];
  return counts.filter(([number]) => number > 0).map(([, said]) => said);
}

/** Of a longer name the end is shown. */
const NAME_COLUMNS = 240;

/** Up to three of some names, and how many more there are. */
export function some(names: readonly string[]): string {
  const rest = names.length > 3 ? ` and ${count(names.length - 3)} more` : "";
  const shown = names.slice(0, 3).map((name) => clipStart(name, NAME_COLUMNS));
  return shown.join(", ") + rest;
}
