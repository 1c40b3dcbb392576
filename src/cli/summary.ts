import type { Stats } from "../api/stats.js";
import type { LeftOutPaths, Reason } from "../folder/files.js";
import type { Kept } from "../folder/removal.js";
import type { PassedOver } from "../folder/selection.js";
import { bytes, count, counted, duration, ratio } from "./figures.js";
import { clipStart, oneLine, wrap } from "./terminal.js";

/** A file whose encoding is not UTF-8. */
export interface DecodedFile {
  path: string;
  /** The WHATWG name. */
  encoding: string;
  /** Whether it was guessed, because the file has no byte order mark. */
  guessed: boolean;
}

/** What a run of `build` did, as `--json` prints it. */
export interface Summary {
  store: string;
  files: number;
  added: number;
  unchanged: number;
  removed: number;
  /** Passages that were kept although their source is gone from a given path. */
  kept: Kept[];
  truncated: number;
  /** Files in encodings other than UTF-8. */
  decoded: DecodedFile[];
  leftOut: LeftOutPaths;
  passedOver: PassedOver;
  /** The size in bytes above which files were left out. */
  maxFileSize: number;
  seconds: number;
  stats: Stats;
}

/** The summary in lines of at most `width` columns. */
export function summaryLines(summary: Summary, width: number): string[] {
  const { files, added, unchanged, removed, truncated, seconds, stats } = summary;
  const after = seconds < 10 ? `${seconds.toFixed(1)} s` : duration(seconds);
  const lines = [
    `${counted(files, "file")}, ${counted(stats.passages, "passage")} in ${stats.path} after ${after}`,
    `  added ${count(added)} · unchanged ${count(unchanged)} · removed ${count(removed)}`,
    `  text ${bytes(stats.rawBytes)} · store ${bytes(stats.fileBytes)}, ${ratio(stats.fileBytes, stats.rawBytes)} of the text`,
    `  ${codesOf(stats)}`,
  ];
  if (truncated > 0)
    lines.push(`  ${counted(truncated, "passage")} longer than the model's window: their ends cannot be found`);
  lines.push(...decodedSentences(summary.decoded).map((sentence) => `  ${sentence}`));
  for (const sentence of leftOutSentences(summary.leftOut, summary.maxFileSize)) lines.push(`  left out, ${sentence}`);
  const passedOver = passedOverParts(summary.passedOver);
  if (passedOver.length > 0) lines.push(`  passed over, ${passedOver.join("; ")}`);
  return lines.flatMap((line) => wrap(oneLine(line), width));
}

/** One sentence per encoding, such as `2 files read as windows-1252, a guess: a.md, b.md`. */
function decodedSentences(decoded: readonly DecodedFile[]): string[] {
  const groups = new Map<string, string[]>();
  for (const { path, encoding, guessed } of decoded) {
    const name = guessed ? `${encoding}, a guess` : encoding;
    groups.set(name, [...(groups.get(name) ?? []), path]);
  }
  return Array.from(groups, ([name, paths]) => `${counted(paths.length, "file")} read as ${name}: ${some(paths)}`);
}

function codesOf({ codes, pending, trainsAt, codeBytesPerPassage }: Stats): string {
  const waiting = `${counted(pending, "passage")} waiting for`;
  if (codes === "none") return `${waiting} the graph: embedless compact builds it`;
  if (trainsAt !== undefined)
    return `${waiting} a codebook, trained once there are ${count(trainsAt)}; until then the store is larger`;
  return `codes ${codeBytesPerPassage} bytes per passage`;
}

const WORDS: Record<Exclude<Reason, "tooLarge">, string> = {
  binary: "binary",
  faulty: "with invalid UTF-8 or UTF-16",
  unknownEncoding: "in an unknown encoding",
  noDetector: "not UTF-8 (npm install chardet to read other encodings)",
  blank: "without text",
  forbidden: "no permission to read",
  vanished: "removed while the build ran",
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

/** For example `2 files excluded`, one part per kind that occurred. */
export function passedOverParts({ excluded, otherEnding, hidden }: PassedOver): string[] {
  const counts: [number, string][] = [
    [excluded, `${counted(excluded, "file")} excluded`],
    [otherEnding, `${counted(otherEnding, "file")} with other extensions (--include reads them)`],
    [hidden, `${count(hidden)} hidden`],
  ];
  return counts.filter(([number]) => number > 0).map(([, said]) => said);
}

/** Longer names are cut at their start. */
const NAME_COLUMNS = 240;

/** At most three of the names, and the number of the others. */
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
