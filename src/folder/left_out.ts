/** Files that are left out, by reason, so that nothing is passed over in silence. */

/** Every reason, in the order in which they are told. */
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

/** Left-out paths by reason, as `--json` prints them; every reason is there. */
export type LeftOutPaths = Record<Reason, string[]>;

/** Reasons that say nothing of what is in a file or folder: what is stored of it stays. */
const UNSEEN: readonly Reason[] = ["noDetector", "forbidden", "vanished", "unreadable"];

/** Collects what is left out. */
export class LeftOut {
  readonly paths = Object.fromEntries(REASONS.map((reason) => [reason, []])) as unknown as LeftOutPaths;

  add(reason: Reason, path: string): void {
    this.paths[reason].push(path);
  }

  /** Files and folders that could not be looked at. */
  get unseen(): string[] {
    return UNSEEN.flatMap((reason) => this.paths[reason]);
  }

  /** Files that are there, but are not read for what they are, and ignored folders. */
  get present(): string[] {
    const seen = REASONS.filter((reason) => !UNSEEN.includes(reason) && reason !== "folders");
    return seen.flatMap((reason) => this.paths[reason]);
  }
}

/** Why the file system refused. */
export function reasonOf(error: unknown): Reason {
  const { code = "" } = error as NodeJS.ErrnoException;
  if (code === "EACCES" || code === "EPERM") return "forbidden";
  return code === "ENOENT" || code === "ENOTDIR" ? "vanished" : "unreadable";
}
