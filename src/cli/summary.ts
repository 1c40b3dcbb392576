/** What a build did, in figures and in lines for a person. */

import type { Stats } from "../types.js";
import { bytes, count, counted, duration, ratio } from "./figures.js";
import { LeftOut, type LeftOutPaths } from "./left_out.js";
import type { Kept } from "./removal.js";
import { oneLine, wrap } from "./terminal.js";

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
  leftOut: LeftOutPaths;
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
  for (const sentence of new LeftOut(summary.leftOut).sentences()) lines.push(`  left out, ${sentence}`);
  return lines.flatMap((line) => wrap(oneLine(line), width));
}

function codesOf({ codes, pending, trainsAt, codeBytesPerPassage }: Stats): string {
  const waiting = `${counted(pending, "passage")} waiting for`;
  if (codes === "none") return `${waiting} the graph: embedless compact builds it`;
  if (trainsAt !== undefined)
    return `${waiting} a codebook, which ${count(trainsAt)} train: until then the store is larger`;
  return `codes ${codeBytesPerPassage} bytes a passage`;
}
