/** `embedless verify` and `embedless repair`: check a store and repair it. */

import type { RepairResult } from "../api/upkeep.js";
import { VectorStore } from "../index.js";
import { type ModelOptions, withModel } from "./embedders.js";
import { Interruption } from "./failures.js";
import { counted } from "./figures.js";
import { Working } from "./progress.js";
import { oneLine, printJson, terminalOf, wrap } from "./terminal.js";

/** Most problems and lost passages that are printed. `--json` prints all. */
const SHOWN = 20;

/** Reads a whole store and prints what is wrong with it. Exit code 1 if anything is. */
export async function verify(path: string, { json }: { json?: boolean }): Promise<void> {
  const store = await VectorStore.open(path, { create: false, readOnly: true });
  try {
    const working = new Working(terminalOf(process.stderr));
    const report = await working.at("Reading everything", () => store.verify());
    if (!report.ok) process.exitCode = 1;
    if (json) printJson(report);
    else {
      const found = report.ok
        ? "all is well"
        : `${counted(report.problems.length, "problem")}; embedless repair mends them`;
      print([`${counted(report.passages, "passage")}: ${found}.`, ...some(report.problems)]);
    }
  } finally {
    await store.close();
  }
}

/** Options of the command line. */
export interface RepairCommandOptions extends ModelOptions {
  json?: boolean;
}

/** Repairs a damaged store and prints the result. */
export async function repair(path: string, options: RepairCommandOptions): Promise<void> {
  const interruption = new Interruption();
  const stop = new AbortController();
  interruption.onFirst = () => stop.abort();
  try {
    const working = new Working(terminalOf(process.stderr));
    const result = await withModel(options, path, (opening) =>
      working.at("Rebuilding the store", (progress) =>
        VectorStore.repair(path, {
          ...opening,
          signal: stop.signal,
          onProgress: ({ done, total }) => total > 0 && progress(done / total),
        }),
      ),
    );
    if (options.json) printJson(result);
    else print(linesOf(result));
  } finally {
    interruption.end();
  }
}

function linesOf({ problems, passages, lost, damaged }: RepairResult): string[] {
  if (damaged === undefined) return [`${counted(passages, "passage")}: all is well, nothing was done.`];
  const missing = lost.length === 0 ? [] : [`Lost, because their text cannot be read: ${some(lost).join(", ")}`];
  return [
    `${counted(passages, "passage")} in a new store; the damaged one is ${damaged}.`,
    ...some(problems),
    ...missing,
  ];
}

function some(items: readonly string[]): string[] {
  const rest = items.length > SHOWN ? [`... and ${items.length - SHOWN} more`] : [];
  return [...items.slice(0, SHOWN), ...rest];
}

function print(lines: string[]): void {
  const terminal = terminalOf(process.stdout);
  for (const line of lines.flatMap((text) => wrap(oneLine(text), terminal.width))) terminal.line(line);
}
