/** What a build leaves out, passes over and keeps, in sentences for a person. */

import type { LeftOutPaths, Reason } from "../folder/left_out.js";
import type { Kept } from "../folder/removal.js";
import type { PassedOver } from "../folder/selection.js";
import { bytes, count, counted } from "./figures.js";
import { clipStart } from "./terminal.js";

const WORDS: Record<Exclude<Reason, "tooLarge">, string> = {
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
};

/** `binary: a.log, b.log and 3 more` for each reason that occurred. */
export function leftOutSentences(paths: LeftOutPaths, mostBytes: number): string[] {
  const found = (Object.entries(paths) as [Reason, string[]][]).filter(([, files]) => files.length > 0);
  const tooLarge = `over ${bytes(mostBytes)} (--max-file-size allows more)`;
  return found.map(([reason, files]) => `${reason === "tooLarge" ? tooLarge : WORDS[reason]}: ${some(files)}`);
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

/** One sentence about what was kept. */
export function keptSentence(kept: readonly Kept[]): string {
  const parts = kept.map(({ root, why, files, passages }) => {
    const what = `${counted(passages, "passage")} of ${counted(files, "file")}`;
    return `${what} that ${files === 1 ? "is" : "are"} gone from ${root} (${why})`;
  });
  return `Kept ${parts.join(", ")}; --prune removes what is gone.`;
}
