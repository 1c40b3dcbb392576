/** `embedless plan`: predicts the size of a store and the cost of its questions before it is built. */

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

/** Bytes per passage of the default codes, with the live bit. */
const USUAL_BYTES = 51.125;

/** Prints all choices and marks the fastest within the budget. */
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
  const head = ["  codes", "vectors", "bytes per passage", "codes and vectors", "recomputes", "per question"];
  for (const line of table([head, ...rows])) terminal.line(`  ${line}`);
  terminal.line("");
  terminal.line("  > the fastest within the budget    - over the budget");
  terminal.line(
    `  measured: ${milliseconds(speed.questionMs)} to embed a question, ${milliseconds(speed.passageMs)} to embed a passage, ${speed.scanNsPerByte.toFixed(3)} ns to scan a byte of code`,
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
