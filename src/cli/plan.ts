/** `embedless plan`: what a store would take and what its questions would cost, before anything is built. */

import { type PlannedStore, type StorePlan, VectorStore } from "../index.js";
import { nameOfCode } from "./code_names.js";
import { type ModelOptions, withModel } from "./embedders.js";
import { bytes, count, milliseconds } from "./figures.js";
import { Working } from "./progress.js";
import { printJson, table, terminalOf } from "./terminal.js";

/** Options of the command line. */
export interface PlanCommandOptions extends ModelOptions {
  bytesPerPassage?: number;
  totalBytes?: number;
  k: number;
  recall: number;
  json?: boolean;
}

/** Those of a new store, with its live bit. */
const USUAL_BYTES = 51.125;

/** Prints all that there is to choose from, and the quickest that keeps within the budget. */
export async function plan(passages: number, options: PlanCommandOptions): Promise<void> {
  const { json, bytesPerPassage, totalBytes, k, recall } = options;
  const budget = totalBytes === undefined ? { bytesPerPassage: bytesPerPassage ?? USUAL_BYTES } : { totalBytes };
  await withModel(options, undefined, async ({ embedder }) => {
    const working = new Working(terminalOf(process.stderr));
    const made = await working.at("Measuring this machine", () =>
      VectorStore.plan({ passages, k, recall, ...budget, ...(embedder && { embedder }) }),
    );
    if (json) printJson(made);
    else print(passages, made);
  });
}

function print(passages: number, { best, choices, k, recall, speed }: StorePlan): void {
  const terminal = terminalOf(process.stdout);
  terminal.line(`${count(passages)} passages, ${k} hits at recall ${recall}, on this machine`);
  terminal.line("");
  const rows = choices.map((choice) => rowOf(choice, choice === best));
  const head = ["  codes", "vectors", "bytes a passage", "codes and vectors", "recomputes", "a question"];
  for (const line of table([head, ...rows])) terminal.line(`  ${line}`);
  terminal.line("");
  terminal.line("  > the quickest within the budget    - beyond the budget");
  terminal.line(
    `  measured: a question ${milliseconds(speed.questionMs)}, a passage ${milliseconds(speed.passageMs)} to embed, ${speed.scanNsPerByte.toFixed(3)} ns to scan a byte of code`,
  );
}

function rowOf(choice: PlannedStore, isBest: boolean): string[] {
  return [
    `${isBest ? ">" : choice.fits ? " " : "-"} ${nameOfCode(choice.codes)}`,
    choice.vectors === "recompute" ? "none" : choice.vectors,
    choice.bytesPerPassage.toFixed(0),
    bytes(choice.totalBytes),
    choice.recomputes.toFixed(1),
    milliseconds(choice.queryMs),
  ];
}
