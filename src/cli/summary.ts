/** What a build did, in figures and in lines for a person. */

import type { Stats } from "../api/stats.js";
import type { LeftOutPaths } from "../folder/left_out.js";
import type { Kept } from "../folder/removal.js";
import type { PassedOver } from "../folder/selection.js";
import { bytes, count, counted, duration, ratio } from "./figures.js";
import { leftOutSentences, passedOverParts, some } from "./left_out.js";
import { oneLine, wrap } from "./terminal.js";

/** A file that was read from another encoding than UTF-8. */
export interface DecodedFile {
  path: string;
  /** As the WHATWG names it. */
  encoding: string;
  /** No mark in the file says so. */
  guessed: boolean;
}

/** What a run of `build` did, as `--json` prints it. */
export interface Summary {
  store: string;
  files: number;
  added: number;
  unchanged: number;
  removed: number;
  /** What stayed although it is gone from a given path. */
  kept: Kept[];
  truncated: number;
  /** Files in other encodings than UTF-8. */
  decoded: DecodedFile[];
  leftOut: LeftOutPaths;
  passedOver: PassedOver;
  /** Larger files were left out; in bytes. */
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

/** `2 files read as windows-1252, a guess: a.md, b.md` for each encoding. */
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
    return `${waiting} a codebook, which ${count(trainsAt)} train: until then the store is larger`;
  return `codes ${codeBytesPerPassage} bytes a passage`;
}
